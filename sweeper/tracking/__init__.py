"""Tracking: MLflow shows a study's records, while trials run and afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from sweeper.trial.settings import setting


@dataclass(frozen=True)
class TrackingSettings:
    """Which tracking server sees a study."""

    uri: str | None = setting(None, help="of an MLflow store or server; null: none")

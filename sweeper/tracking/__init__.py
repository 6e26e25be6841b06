"""Tracking: MLflow shows a study's records, while trials run and afterwards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingSettings:
    """Which tracking server sees a study; null: none does."""

    uri: str | None = None

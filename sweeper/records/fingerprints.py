"""Whether a study's records have changed, found out without reading them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path

from sweeper.records.files import read_versioned
from sweeper.records.record import Record, records
from sweeper.trial.outcome import Status


def fingerprint_of_study(study: Path) -> str:
    """Return one text of fixed length that changes whenever `fingerprints` do."""
    return hashlib.sha256(json.dumps(fingerprints(study), sort_keys=True).encode()).hexdigest()


def fingerprints(study: Path) -> dict[str, str]:
    """Return for every trial, by name, a text that changes whenever its run would show something else."""
    found = {record.path.name: fingerprint(record) for record in records(study)}
    if asked := (read_versioned(study / "study.json") or {}).get("question"):
        found["study.json"] = json.dumps(asked, sort_keys=True)
    return found | {name: Status.PLANNED.value for name in planned(study, found)}


def fingerprint(record: Record) -> str:
    """Whether it has ended, else its status, then size and time of what a run shows; not of a log that grows."""
    status = "ended" if (record.path / "outcome.json").exists() else record.status()
    names = ["trial.json", "events.jsonl", "outcome.json", "predictions.npz"] + ["train.log"] * (
        status != Status.RUNNING
    )
    stats = [stat_if_there(record.path / name) for name in names]
    return " ".join([status, *(f"{stat.st_size}:{stat.st_mtime_ns}" if stat else "-" for stat in stats)])


def stat_if_there(path: Path) -> os.stat_result | None:
    """Size and time of a file; None where there is none, or none any more."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def planned(study: Path, found: Collection[str]) -> list[str]:
    """Names of the trials that the last command asked for and that have no record yet."""
    plan = read_versioned(study / "study.json") or {}
    return [name for name in plan.get("trials", {}) if name not in found]

"""Sweeps of the SLURM launcher as a user starts them, and what SLURM has of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.records.files import read_json
from sweeper.records.record import Record, records
from sweeper.trial.outcome import Status
from tests.contracts.processes import DEADLINE_SECONDS, wait_until
from tests.integration.commands import NOOP, RUN, Command
from tests.slurm.clusters import slurm

ON_SLURM = ("hydra/launcher=slurm", "hydra.launcher.longest_interval_s=2")
QUICK = ("hydra.launcher.preload=[]",)
SUBMITTED_BY_EARLIER_VERSION = Path(__file__).parents[1] / "data" / "submitted_by_earlier_version.pkl"
LONG = ("+framework.options.seconds=1.5", "train.epochs=8")  # long enough for something to happen to it


def command(place: Path, study: str, *arguments: str) -> Command:
    """A sweep of no-op trials."""
    return Command([*RUN, "-m", *NOOP, *ON_SLURM, *QUICK, *arguments, f"study={study}"], place)


@contextmanager
def under_way(sweep: Command) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command that goes on while the block runs, and is killed if it is not waited for."""
    process = sweep.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ended(
    process: subprocess.Popen[bytes], sweep: Command, expect: int = 0, timeout_seconds: float = DEADLINE_SECONDS
) -> str:
    """Wait for a command's end, with the exit code that is expected; returns what it has printed."""
    code, text = process.wait(timeout_seconds), sweep.output.read_text()
    assert code == expect, text
    return text


def study_of(place: Path, study: str) -> Path:
    return place / "outputs" / study


def jobs(place: Path, study: str) -> dict[str, str]:
    """Ids of the jobs of a study's trials, by trial."""
    known: dict[str, str] = (read_json(study_of(place, study) / "study.json") or {}).get("jobs", {})
    return {name: number for name, number in known.items() if not name.startswith("prepare")}


def job_of(place: Path, study: str, seed: int) -> str:
    """Id of the job of a trial, as soon as there is one."""

    def known() -> list[str]:
        return [number for name, number in jobs(place, study).items() if f"-s{seed}-" in name]

    wait_until(lambda: bool(known()))
    return known()[0]


def trial(place: Path, study: str, seed: int) -> Record:
    """Record of a trial, as soon as there is one."""
    study_path = study_of(place, study)
    wait_until(lambda: any(study_path.glob(f"*-s{seed}-*/trial.json")))
    return Record(next(study_path.glob(f"*-s{seed}-*/trial.json")).parent)


def wait_for_epoch(record: Record, epoch: int) -> None:
    wait_until(lambda: any(metric.epoch >= epoch for metric in record.metrics()))


def node_of(job: str) -> str:
    return slurm("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()


def statuses(place: Path, study: str) -> dict[int, Status]:
    """Status of every trial with a record, by seed."""
    found = records(study_of(place, study))
    return {int(record.path.name.split("-s")[-1].split("-")[0]): record.status() for record in found}


def measured(record: Record) -> list[tuple[str, str, int, int]]:
    """All that was measured, to the last bit."""
    return [(metric.key, repr(metric.value), metric.epoch, metric.step) for metric in record.metrics()]


def undisturbed(place: Path, record: Record, seed: int) -> list[tuple[str, str, int, int]]:
    """What a no-op trial as long as a given one measures here, where nothing happens to it."""
    epochs = max(metric.epoch for metric in record.metrics())
    arguments = ["-m", *NOOP, f"seed={seed}", f"train.epochs={epochs}", "study=undisturbed"]
    assert Command([*RUN, *arguments], place).run().returncode == 0
    found = [known for known in records(study_of(place, "undisturbed")) if f"-s{seed}-" in known.path.name]
    return next(measured(known) for known in found if len(known.metrics()) == len(record.metrics()))

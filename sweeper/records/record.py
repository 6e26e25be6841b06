"""A trial's directory: the only truth about what happened to it.

trial.json     what was asked for and by whom (schema, id, config, choices, provenance)
events.jsonl   a line a metric, appended
outcome.json   how it ended, written last
progress.json  where it stands now; for watching only, never evidence
train.log      all that the framework printed
answers.jsonl  of a task of questions: some answers before and after training
predictions.npz  what it answered at the best epoch, by example; see `sweeper.records.predictions`
checkpoint/    what resuming needs          best/    the weights of the best epoch
lock           held by the one process that writes
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sweeper.errors import WrongInput
from sweeper.records.files import SCHEMA, decode_metrics, encode_number, read_versioned, write_json
from sweeper.records.progress import Progress, read_progress
from sweeper.trial.outcome import Best, Failure, Metric, Outcome, ParameterCounts, Status

SUPERSEDED = ".superseded"


class AlreadyWriting(RuntimeError):
    """Another process is writing this record."""


class Contradiction(RuntimeError):
    """A resumed trial measured another value for a metric that is on record already."""


@dataclass(frozen=True)
class Record:
    """A trial's directory."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """Directory of what resuming needs."""
        return self.path / "checkpoint"

    @property
    def best(self) -> Path:
        """Directory of the best epoch's weights."""
        return self.path / "best"

    @property
    def log(self) -> Path:
        """File with all that the trial printed."""
        return self.path / "train.log"

    @property
    def answers(self) -> Path:
        """File with a few questions, and what the model answered before and after training."""
        return self.path / "answers.jsonl"

    @property
    def predictions(self) -> Path:
        """File with what the trial answered at its best epoch; see `sweeper.records.predictions`."""
        return self.path / "predictions.npz"

    @property
    def refused_predictions(self) -> Path:
        """File with predictions that do not give what is on record."""
        return self.path / "predictions.refused.npz"

    def description(self) -> dict[str, Any] | None:
        """Content of trial.json; None before the trial's first start."""
        value: dict[str, Any] | None = read_versioned(self.path / "trial.json")
        return value

    def outcome(self) -> Outcome | None:
        """How the trial ended; None while it has not."""
        value = read_versioned(self.path / "outcome.json")
        if value is None:
            return None
        best, error, counts = value["best"], value["error"], value.get("parameters")  # older records have no counts
        return Outcome(
            status=Status(value["status"]),
            best=Best(best["epoch"], best["step"], decode_metrics(best["metrics"])) if best else None,
            seconds=value["seconds"],
            peak_memory_bytes=value["peak_memory_bytes"],
            error=Failure(**error) if error else None,
            parameters=ParameterCounts(**counts) if counts else None,
        )

    def metrics(self) -> list[Metric]:
        """All events so far, in the order they were written; a torn last line is left out."""
        try:
            content = (self.path / "events.jsonl").read_bytes()
        except FileNotFoundError:
            return []
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        events = json.loads(b"[%s]" % b",".join(lines))  # at once: several times as fast as line by line
        return [Metric(**{**event, "value": float(event["value"])}) for event in events]

    def seconds_trained(self) -> float:
        """Time that its launches trained, each until the last metric it wrote or until it stopped on request."""
        description = self.description()
        launches = description["provenance"]["launches"] if description else []
        starts = [launch["time"] for launch in launches]
        times = [metric.time for metric in self.metrics()]
        times += [launch["stopped"] for launch in launches if "stopped" in launch]
        seconds = 0.0
        for start, end in zip(starts, [*starts[1:], math.inf], strict=False):
            seconds += max((moment - start for moment in times if start <= moment < end), default=0.0)
        return seconds

    @property
    def progress_file(self) -> Path:
        """File that tells where the running trial stands."""
        return self.path / "progress.json"

    def progress(self) -> Progress | None:
        """Where the trial stood when it was last written."""
        return read_progress(self.progress_file)

    def status(self) -> Status:
        """What has become of the trial."""
        return self.status_and_outcome()[0]

    def status_and_outcome(self) -> tuple[Status, Outcome | None]:
        """What has become of the trial and how it ended, both of one moment."""
        if (outcome := self.outcome()) is not None:
            return outcome.status, outcome
        if not (self.path / "trial.json").exists():
            return Status.PLANNED, None
        if self.locked():
            return Status.RUNNING, None
        # The writer may have finished between the first look and the lock.
        outcome = self.outcome()
        return outcome.status if outcome else Status.INTERRUPTED, outcome

    def locked(self) -> bool:
        """Whether a living process writes this record."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @contextlib.contextmanager
    def writing(self, patience_seconds: float = 2.0) -> Iterator[Writer]:
        """Hold the lock and yield the one writer.

        The operating system frees the lock when its holder dies. A look at `locked` holds it for an instant, hence
        the patience. Raises AlreadyWriting when another process keeps it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            deadline = time.monotonic() + patience_seconds
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise AlreadyWriting(f"another process is running {self.path.name}")
                time.sleep(0.02)
            yield Writer(self)
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Writer:
    """Writes one record; `Record.writing` makes sure that there is one at a time."""

    def __init__(self, record: Record):
        self.record = record
        self._known = {(event.split, event.name, event.step): event for event in record.metrics()}
        _cut_torn_line(record.path / "events.jsonl")  # which a killed writer may have left

    def describe(self, trial: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
        """Write trial.json on the first launch; later launches are added to the provenance's list."""
        before = self.record.description()
        launches = [*before["provenance"]["launches"], provenance] if before else [provenance]
        created = before["created"] if before else time.time()
        content = {"schema": SCHEMA, **trial, "created": created, "provenance": {"launches": launches}}
        write_json(self.record.path / "trial.json", content)

    def note_stop(self) -> None:
        """Add to the latest launch when it stopped on request: until then its time was well spent."""
        description = self.record.description()
        assert description is not None, "a launch describes its trial first"
        description["provenance"]["launches"][-1]["stopped"] = time.time()
        write_json(self.record.path / "trial.json", description)

    def forget_failure(self) -> None:
        """Take away the outcome of an earlier launch that failed or was cancelled: the trial is tried again."""
        outcome = self.record.outcome()
        assert outcome is None or outcome.status != Status.DONE, "a finished result is never overwritten"
        (self.record.path / "outcome.json").unlink(missing_ok=True)

    def append(self, metrics: Iterable[Metric]) -> None:
        """Append metrics that are not on record, stamped with the time. Raises Contradiction where a value differs."""
        new = []
        for metric in metrics:
            key = (metric.split, metric.name, metric.step)
            known = self._known.get(key)
            value = float(metric.value)  # NumPy's numbers too
            if known is None:
                self._known[key] = replace(metric, value=value, time=metric.time or time.time())
                new.append(self._known[key])
            elif repr(known.value) != repr(value):
                raise Contradiction(
                    f"{metric.key} at step {metric.step} was {known.value!r} and is {value!r} after resuming"
                )
        lines = [
            json.dumps({**asdict(metric), "value": encode_number(metric.value)}, ensure_ascii=False) for metric in new
        ]
        with (self.record.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def finish(self, outcome: Outcome) -> None:
        """Write outcome.json: from now on the trial has ended."""
        content = asdict(outcome)
        if outcome.best:
            metrics = outcome.best.metrics
            content["best"]["metrics"] = {key: encode_number(value) for key, value in metrics.items()}
        write_json(self.record.path / "outcome.json", {"schema": SCHEMA, **content})
        self.record.progress_file.unlink(missing_ok=True)

    def cancel(self, reason: str) -> None:
        """Write that the trial was ended on purpose, unless it has an outcome; the same command tries it again."""
        if self.record.outcome() is None:
            error = Failure("Cancelled", reason, str(self.record.log))
            self.finish(Outcome(Status.CANCELLED, None, self.record.seconds_trained(), 0, error))


def _cut_torn_line(path: Path) -> None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def records(study: Path) -> list[Record]:
    """All records of a study, by name; what was superseded is not among them."""
    directories = sorted(path for path in study.iterdir() if (path / "trial.json").is_file())
    return [Record(path) for path in directories if not path.name.startswith(".")]


def supersede(record: Record) -> Path:
    """Put a record aside, never to be counted again; returns its new path. Raises WrongInput while it is written."""
    if record.locked():
        raise WrongInput(f"{record.path} is running\nwait for it, or stop its sweep, before fresh=true")
    shelf = record.path.parent / SUPERSEDED
    shelf.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    target = shelf / f"{record.path.name}-{stamp}-{secrets.token_hex(2)}"
    return record.path.rename(target)

"""A trial of a sweep: its record, and what the driver knows of its job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sweeper.backends import JobState, Phase
from sweeper.driver.live import LiveRow, evaluations
from sweeper.errors import WrongInput
from sweeper.records.record import AlreadyWriting, Record
from sweeper.report.text import trial_labels
from sweeper.trial.outcome import Metric, Status
from sweeper.trial.trial import Trial


class SweepTrial:
    """A trial whose status follows its record and its job."""

    def __init__(self, trial: Trial, record: Record, labels: tuple[str, ...]):
        self.trial = trial
        self.record = record
        self.labels = labels
        self.status = record.status()
        self.job: JobState | None = None
        self.started = False  # by this driver
        self.preparation: str | None = None  # job that makes its inputs
        self.retries = 0
        self.looked = 0.0
        # Nothing more is done for it in this sweep. What failed in an earlier one is tried again.
        self.ended = self.status is Status.DONE
        self.steps = 0  # updates in all, once they are known
        self.reason = ""
        self.log = record.log
        self.metrics: list[Metric] = self.record.metrics()

    def refresh(self, *, retry: bool = False) -> None:
        """Follow what the record says now; with `retry`, what failed earlier is open again."""
        self.looked = time.monotonic()
        self.status = self.record.status()
        self.ended = self.status is Status.DONE if retry else self.status.ended
        self.metrics = self.record.metrics()

    def follow_job(self, job: JobState) -> None:
        """Follow what the backend knows of its job, before the record can say so."""
        self.job = job
        self.status = Status.RUNNING if job.phase is Phase.RUNNING else Status.PLANNED
        if job.phase is Phase.RUNNING:
            self.metrics = self.record.metrics()

    def record_cancellation(self, reason: str) -> None:
        """Write down that somebody ended the trial on purpose; one that never began has nothing to write it into."""
        if self.record.description() is not None:
            # A process that is still dying holds the record; it may even have an outcome to write.
            with suppress(AlreadyWriting), self.record.writing() as writer:
                writer.cancel(reason)
        self.refresh()
        self.give_up(reason, self.record.log)

    def give_up(self, reason: str, log: Path) -> None:
        """End it for this sweep, with the reason and the log that tells more."""
        self.reason, self.log, self.ended = reason, log, True

    def row(self) -> LiveRow:
        """Return what a view of the sweep shows of it."""
        metric = self.trial.task.selection_metric
        progress = self.record.progress() if self.status is Status.RUNNING else None
        self.steps = progress.steps if progress else self.steps
        last = self.metrics[-1] if self.metrics else None
        return LiveRow(
            name=self.trial.name,
            status=self.status,
            epoch=last.epoch if last else 0,
            step=last.step if last else 0,
            steps=self.steps,
            reason=self.why() if self.ended else self.job.reason if self.job else "",
            job=None if self.ended else self.job,
            labels=self.labels,
            metric=metric,
            epochs=0 if self.trial.task.is_language_modelling else self.trial.train.epochs,
            evaluations=evaluations(self.metrics, metric),
        ).at(progress)

    def why(self) -> str:
        """Return in one line why the trial is not done; empty when it is."""
        if self.reason or self.status is Status.DONE:
            return self.reason
        outcome = self.record.outcome()
        return outcome.error.summary if outcome and outcome.error else "nothing is known"


def with_records(study: Path, trials: Sequence[Trial]) -> list[SweepTrial]:
    """Return trials with their records in a study's directory, labelled by what tells them apart.

    Raises WrongInput when a record of another trial lies where one of these belongs.
    """
    labels = trial_labels([trial.description() for trial in trials])
    found = []
    for trial, texts in zip(trials, labels, strict=True):
        record = Record(study / trial.name)
        known = record.description()
        if known is not None and known["id"] != trial.id:
            raise WrongInput(f"{record.path} holds another trial (id {known['id'][:16]}…)\nmove it away")
        found.append(SweepTrial(trial, record, texts))
    return found

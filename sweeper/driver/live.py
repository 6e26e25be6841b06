"""Where trials stand, and what shows it while a sweep runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from sweeper.backends import JobState, Phase
from sweeper.records.progress import Progress
from sweeper.report.text import duration
from sweeper.trial.outcome import Metric, Status

PENDING = "pending"  # handed over to a scheduler, not started
WAITING = (PENDING, Status.PLANNED)
# In the order in which they are counted.
STATES = (Status.DONE, Status.RUNNING, *WAITING, Status.INTERRUPTED, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class TrialState:
    """Where a trial stands; `reason` says why it was given up or waits, `job` is a scheduler's that waits or runs."""

    name: str
    status: Status
    epoch: int = 0  # 0: not known, as of the updates
    step: int = 0
    steps: int = 0
    loss: float = math.nan
    seconds_left: float = math.nan
    reason: str = ""
    job: JobState | None = None

    @property
    def state(self) -> str:
        """Its status, or "pending" while a scheduler has not started it."""
        waits = self.job is not None and self.job.phase is Phase.PENDING and not self.status.ended
        return PENDING if waits else self.status.value

    @property
    def over(self) -> bool:
        """Whether no process has it in hand any more."""
        return self.status.ended or self.state == Status.INTERRUPTED

    def at(self, progress: Progress | None) -> Self:
        """Return it at the update that its process told last."""
        if progress is None:
            return self
        left = progress.seconds_left if self.status is Status.RUNNING else math.nan
        told = {name: getattr(progress, name) for name in ("epoch", "step", "steps", "loss")}
        return replace(self, **told, seconds_left=left)


@dataclass(frozen=True)
class Evaluation:
    """One epoch's end: mean training loss and the validation set's selection metric."""

    epoch: int
    step: int
    loss: float
    validation: float


@dataclass(frozen=True)
class LiveRow(TrialState):
    """A trial as a sweep shows it; `labels` are short texts such as ("pt", "hf", "seed 1")."""

    labels: tuple[str, ...] = ()
    metric: str = "accuracy"
    epochs: int = 0  # 0: as many as the updates take
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def validation(self) -> float | None:
        """The latest validation metric; None before the first epoch's end."""
        return self.evaluations[-1].validation if self.evaluations else None

    @property
    def latest_loss(self) -> float | None:
        """Training loss while it runs, else the last epoch's mean; None when nothing was trained."""
        if self.state == Status.RUNNING and self.steps:
            return self.loss
        return self.evaluations[-1].loss if self.evaluations else None


@dataclass(frozen=True)
class PreparationProgress:
    """How far something is that is made before trials start; over when `step` reaches `steps`.

    One step stands for work whose progress cannot be told.
    """

    title: str
    step: int
    steps: int
    loss: float = math.nan


class SweepView(Protocol):
    """Shows a sweep while it runs."""

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Show where all trials stand, and a note about the sweep; cheap enough for five calls a second."""

    def prepare(self, preparation: PreparationProgress) -> None:
        """Show how far a preparation is; its title tells it from others."""


def evaluations(metrics: Sequence[Metric], metric: str) -> tuple[Evaluation, ...]:
    """Return the epochs that a trial's events tell of, in the order of steps."""
    losses = {item.step: item.value for item in metrics if item.split == "train" and item.name == "loss"}
    ends = [item for item in metrics if item.split == "valid" and item.name == metric]
    ends.sort(key=lambda item: item.step)
    return tuple(Evaluation(item.epoch, item.step, losses.get(item.step, math.nan), item.value) for item in ends)


def counted(states: Iterable[str]) -> list[str]:
    """Return how many there are of each state: "3 done"."""
    counts = Counter(states)
    return [f"{counts[state]} {state}" for state in STATES if counts[state]]


def summary(rows: Sequence[LiveRow]) -> str:
    """Return how many trials there are of each state, and about how long the sweep still takes."""
    parts, left = counted(row.state for row in rows), seconds_left(rows)
    return " · ".join(parts if math.isnan(left) else [*parts, f"about {duration(left)} left"])


def seconds_left(rows: Sequence[LiveRow]) -> float:
    """Estimate the sweep's remaining time; nan while no running trial knows its own.

    A waiting trial is taken to need what a running one needs in all, and as many to run at a time as now.
    """
    running = [row for row in rows if row.state == Status.RUNNING]
    known = [row for row in running if math.isfinite(row.seconds_left)]
    if not known:
        return math.nan
    paced = [row.seconds_left / (row.steps - row.step) * row.steps for row in known if row.step < row.steps]
    whole = sum(paced) / len(paced) if paced else 0.0
    waiting = sum(row.state in WAITING for row in rows)
    unknown = len(running) - len(known)
    work = sum(row.seconds_left for row in known) + whole * (waiting + unknown)
    return max(work / len(running), *(row.seconds_left for row in known), whole if waiting else 0.0)

"""What the driver shows while a sweep runs: its rows, and the view that fits where they are shown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from sweeper.report.text import duration
from sweeper.trial.outcome import Metric

RUNNING = "running"
WAITING = ("pending", "planned")
ENDED = ("done", "failed", "cancelled", "interrupted")
STATES = ("done", RUNNING, *WAITING, "interrupted", "failed", "cancelled")


@dataclass(frozen=True)
class Evaluation:
    """One epoch's end: mean training loss and the validation set's selection metric."""

    epoch: int
    step: int
    loss: float
    validation: float


@dataclass(frozen=True)
class LiveRow:
    """Where a trial stands; `state` is a status of `sweeper.trial.outcome`, or "pending": handed over, not started.

    `labels` are short texts such as ("pt", "hf", "seed 1"); `step` of `steps` updates; `reason` says what it
    waits for or what ended it.
    """

    name: str
    labels: tuple[str, ...]
    state: str
    metric: str = "accuracy"
    epoch: int = 0
    epochs: int = 0  # 0: as many as the updates take
    step: int = 0
    steps: int = 0
    loss: float = math.nan
    evaluations: tuple[Evaluation, ...] = ()
    seconds_left: float = math.nan
    reason: str = ""

    @property
    def validation(self) -> float | None:
        """The latest validation metric; None before the first epoch's end."""
        return self.evaluations[-1].validation if self.evaluations else None

    @property
    def latest_loss(self) -> float | None:
        """Training loss while it runs, else the last epoch's mean; None when nothing was trained."""
        if self.state == RUNNING and self.steps:
            return self.loss
        return self.evaluations[-1].loss if self.evaluations else None


@dataclass(frozen=True)
class Preparation:
    """Something made before trials start, such as pretrained weights; over when `step` reaches `steps`.

    One step stands for work whose progress cannot be told.
    """

    title: str
    step: int
    steps: int
    loss: float = math.nan


class View(Protocol):
    """Shows rows; a context manager around the sweep."""

    def __enter__(self) -> Self:
        """Start showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, what was shown last included."""

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Show where all trials stand, and a note about the sweep; cheap enough for five calls a second."""

    def prepare(self, preparation: Preparation) -> None:
        """Show how far a preparation is; its title tells it from others."""


def evaluations(metrics: Sequence[Metric], metric: str) -> tuple[Evaluation, ...]:
    """Return the epochs that a trial's events tell of, in the order of steps."""
    losses = {item.step: item.value for item in metrics if item.split == "train" and item.name == "loss"}
    ends = [item for item in metrics if item.split == "valid" and item.name == metric]
    ends.sort(key=lambda item: item.step)
    return tuple(Evaluation(item.epoch, item.step, losses.get(item.step, math.nan), item.value) for item in ends)


def summary(rows: Sequence[LiveRow]) -> str:
    """How many trials there are of each state, and about how long the sweep still takes."""
    counts = Counter(row.state for row in rows)
    parts = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    left = seconds_left(rows)
    return " · ".join(parts if math.isnan(left) else [*parts, f"about {duration(left)} left"])


def seconds_left(rows: Sequence[LiveRow]) -> float:
    """Estimate the sweep's remaining time; nan while no running trial knows its own.

    A waiting trial is taken to need what a running one needs in all, and as many to run at a time as now.
    """
    running = [row for row in rows if row.state == RUNNING]
    known = [row for row in running if math.isfinite(row.seconds_left)]
    if not known:
        return math.nan
    paced = [row.seconds_left / (row.steps - row.step) * row.steps for row in known if row.step < row.steps]
    whole = sum(paced) / len(paced) if paced else 0.0
    waiting = sum(row.state in WAITING for row in rows)
    unknown = len(running) - len(known)
    work = sum(row.seconds_left for row in known) + whole * (waiting + unknown)
    return max(work / len(running), *(row.seconds_left for row in known), whole if waiting else 0.0)

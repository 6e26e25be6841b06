"""What is measured of a trial, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What has become of a trial. No other words are used anywhere."""

    PLANNED = "planned"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether such a trial has an outcome."""
        return self in (Status.DONE, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Metric:
    """One measured number: loss in nats, accuracy as a share of 1; `time` in seconds since 1970 (UTC)."""

    split: str
    name: str
    value: float
    epoch: int
    step: int
    time: float = 0.0

    @property
    def key(self) -> str:
        """Name with its split, as in `valid/accuracy`."""
        return f"{self.split}/{self.name}"


@dataclass(frozen=True)
class Best:
    """The selected epoch: every metric at its step."""

    epoch: int
    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Failure:
    """Why a trial did not finish."""

    type: str
    message: str
    log: str

    @property
    def summary(self) -> str:
        """The error in one line; all of it is in the log."""
        line = next(iter(self.message.strip().splitlines()), "")
        return f"{self.type}: {line}" if line else self.type


@dataclass(frozen=True)
class ParameterCounts:
    """Numbers of a model's parameters: all, those that are trained, and all by part (`parameter_formula.Part`).

    What belongs to no known part is in `total` alone.
    """

    total: int
    trainable: int
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended. `seconds` is the time spent training, all launches together.

    `parameters`: those of the model that was trained; None where its framework did not show it.
    """

    status: Status
    best: Best | None
    seconds: float
    peak_memory_bytes: int
    error: Failure | None = None
    parameters: ParameterCounts | None = None

"""What the driver asks of a place where trials run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """A call to make in a process of its own.

    `call` must survive cloudpickle. Whatever the process prints goes to `log`, appended; its directory is made.
    """

    key: str
    call: Callable[[], Any]
    log: Path


class Phase(StrEnum):
    """Where a job is in the backend's eyes; what it achieved is in the trial's record."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class JobState:
    """A job's phase and, where there is something to say, why: what it waits for, or what ended it."""

    phase: Phase
    reason: str = ""


class Backend(Protocol):
    """Starts, polls and stops jobs; knows nothing of trials."""

    @property
    def device(self) -> str:
        """Kind of device that a job gets: "cpu" or "cuda"."""

    @property
    def retries(self) -> int:
        """How often a job that died without a word is started again."""

    def start(self, jobs: Sequence[Job]) -> None:
        """Take jobs on; they run as places get free, in the order given."""

    def poll(self) -> Mapping[str, JobState]:
        """State of every job taken on so far, by key; a key that was started again has its latest state."""

    def cancel(self, keys: Collection[str] | None = None) -> None:
        """Stop jobs (all, when no keys are given), pending ones too; returns when they are gone, within 5 s."""

    def close(self) -> None:
        """Stop what still runs and free everything."""

"""What the driver asks of what runs its trials: this machine, a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """A call to make in a process of its own.

    `call` must survive cloudpickle. Whatever the process prints goes to `log`, appended; its directory is made.
    `after` names jobs that must have ended before, however they ended; for backends that outlive the driver.
    """

    key: str
    call: Callable[[], Any]
    log: Path
    after: tuple[str, ...] = ()


class Phase(StrEnum):
    """Where a job is in the backend's eyes; what it achieved is in the trial's record."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class JobState:
    """A job's phase and, where there is something to say, why: what it waits for, or what ended it.

    `id` and `node` are a scheduler's. `cancelled`: somebody ended it on purpose, so it is not to be tried again.
    """

    phase: Phase
    reason: str = ""
    id: str = field(default="", compare=False)
    node: str = field(default="", compare=False)
    cancelled: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Outline:
    """What a backend would do with jobs: cores and GPUs of one, how many at a time (None: the scheduler decides).

    `script` is what would be sent to a scheduler, if there is one.
    """

    cores: int
    gpus: int
    at_a_time: int | None
    script: str = ""


@dataclass(frozen=True)
class Traits:
    """What the driver must know of a backend, for as long as it is used."""

    device: str  # of a job: "cpu" or "cuda"
    retries: int  # how often a job that died leaving no outcome is started again
    poll_seconds: float  # between two looks at jobs and their records
    outlives: bool = False  # jobs go on when the process that started them ends
    detached: bool = False  # the driver leaves as soon as its jobs are handed over


class Backend(Protocol):
    """Starts, polls and stops jobs; knows nothing of trials.

    What has a body here need not be defined by one that inherits from it, whose jobs end with the process.
    """

    traits: Traits

    @property
    def trouble(self) -> str:
        """Why nothing new is known of the jobs, as of a scheduler that does not answer; "" when all is well."""
        return ""

    def check(self, *, planning: bool = False) -> None:  # noqa: ARG002  for those that can be missing
        """Raise WrongInput when this backend could start nothing here; starts and makes nothing."""
        return

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs; starts and makes nothing."""

    def attach(self, over: Collection[str] = ()) -> Collection[str]:  # noqa: ARG002  for those that outlive
        """Take on the jobs of earlier processes that run or wait; returns their keys.

        `over` names what has ended already, although its job may still be on its way out.
        """
        return ()

    def start(self, jobs: Sequence[Job]) -> None:
        """Take jobs on; they run as others end, in the order given."""

    def poll(self) -> Mapping[str, JobState]:
        """State of every job taken on so far, by key; a key that was started again has its latest state."""

    def cancel(self, keys: Collection[str] | None = None) -> None:
        """Stop jobs (all, when no keys are given), pending ones too; returns when they are gone, within 5 s.

        A scheduler may take longer to end processes that do not heed its signals; it is not waited for.
        """

    def close(self) -> None:
        """Free everything; stops what still runs, unless jobs outlive this process."""


def living(states: Mapping[str, JobState]) -> set[str]:
    """Return the keys of jobs that wait or run."""
    return {key for key, state in states.items() if state.phase is not Phase.ENDED}

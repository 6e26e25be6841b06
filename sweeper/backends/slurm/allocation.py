"""What a job of SLURM runs on its node: its trials, side by side, each in a process of its own."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sweeper.backends import Job, JobState, Phase
from sweeper.backends.local.backend import LocalBackend
from sweeper.backends.slurm.queue import SlurmError, ask
from sweeper.frameworks.interruption import EXIT_CODE
from sweeper.records.files import write_json

# SLURM sends them before it ends a job: all processes of the job get them.
SIGNALS = (signal.SIGUSR2, signal.SIGTERM)
POLL_SECONDS = 0.1
ASK_SECONDS = 1.0
REQUEUE_TRIES, REQUEUE_SECONDS = 12, 10.0
INTERRUPTED = "interrupted, its checkpoint is written"


@dataclass(frozen=True)
class Allocation:
    """The jobs of a driver that share one job of SLURM; called on the node.

    `folder` is where the driver finds what has become of each, in the file that `ends_file` names.
    """

    jobs: tuple[Job, ...]
    threads: int
    preload: tuple[str, ...]
    folder: Path

    def __call__(self) -> None:
        """Run the jobs to their end; a job that was interrupted for its checkpoint puts the allocation in the queue."""
        signals: list[int] = []
        for number in SIGNALS:
            signal.signal(number, lambda received, _: signals.append(received))
        backend = LocalBackend(
            threads=self.threads,
            jobs=len(self.jobs),
            preload=self.preload,
            gpus=_assigned_gpus(),
            ignored_signals=SIGNALS,
        )
        reasons = self._run(backend, signals)
        print(f"ended: {reasons}", flush=True)
        if INTERRUPTED in reasons.values() and _requeue(_own_id()):
            return
        if any(reasons.values()):
            sys.exit(1)  # for SLURM's own lists

    def _run(self, backend: LocalBackend, signals: list[int]) -> dict[str, str]:
        """Run the jobs through a backend of this node; returns why each ended, "" for one that did well."""
        written: dict[str, str] = {}
        asked = 0.0
        write_json(ends_file(self.folder), written)  # not those of before it was queued again
        backend.start(self.jobs)
        while len(written) < len(self.jobs):
            time.sleep(POLL_SECONDS)
            # Again and again: who is still importing its libraries has not heard it.
            if signals and time.monotonic() - asked > ASK_SECONDS:
                asked = time.monotonic()
                backend.interrupt()
            backend.cancel(self._unwanted(written))
            ended = {key: _reason_of(state) for key, state in backend.poll().items() if state.phase is Phase.ENDED}
            if ended != written:
                written = ended
                write_json(ends_file(self.folder), written)
        backend.close()
        return written

    def _unwanted(self, ended: Mapping[str, str]) -> list[str]:
        """Return the keys of jobs that are to be stopped while others of this allocation go on."""
        if len(self.jobs) == 1:
            return []
        return [job.key for job in self.jobs if job.key not in ended and cancel_file(self.folder, job.key).exists()]


def allocation(jobs: Sequence[Job], threads: int, preload: Sequence[str], folder: Path) -> Allocation:
    """Return an allocation whose calls are pickled apart: one that cannot be loaded on the node fails alone."""
    import cloudpickle

    apart = [replace(job, call=partial(_make, cloudpickle.dumps(job.call)), log=job.log.absolute()) for job in jobs]
    return Allocation(tuple(apart), threads, tuple(preload), folder)


def _make(call: bytes) -> None:
    pickle.loads(call)()


def _assigned_gpus() -> list[str]:
    return [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]


def _reason_of(state: JobState) -> str:
    """Return why a job ended; a trial that wrote its checkpoint when it was asked to says so by its exit code."""
    return INTERRUPTED if state.reason == f"exit code {EXIT_CODE}" else state.reason


def _own_id() -> str:
    """Return the id of the job that this process is in, a task of an array as ARRAY_TASK.

    Its SLURM_JOB_ID will not do: the last task of an array has that of the array, which stands for all its tasks.
    """
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    return f"{array}_{task}" if array else os.environ["SLURM_JOB_ID"]


def ends_file(folder: Path, job_id: str | None = None) -> Path:
    """Return the file that says how each job of an allocation ended; by default of the one that this process is in."""
    return folder / f"{job_id or _own_id()}_ends.json"


def cancel_file(folder: Path, key: str) -> Path:
    """Return the file whose presence says that a job's end is wanted, to its allocation and to all who follow it."""
    return folder / "cancelled" / key


def _requeue(job_id: str) -> bool:
    """Put this job into the queue again, unless SLURM is ending it for good; returns whether it is queued.

    A cancelled job is COMPLETING by now, a preempted one still RUNNING: ended in time, it would count as completed.
    """
    for _ in range(REQUEUE_TRIES):
        try:
            state = ask(["squeue", "--noheader", f"--jobs={job_id}", "--format=%T"]).strip()
            if state != "RUNNING":
                print(f"job {job_id} is {state}: it is not queued again", flush=True)
                return False
            ask(["scontrol", "requeue", job_id])
        except SlurmError as error:
            print(f"job {job_id} cannot be queued again yet: {error}", flush=True)
            time.sleep(REQUEUE_SECONDS)
        else:
            print(f"job {job_id} is queued again", flush=True)
            time.sleep(REQUEUE_SECONDS)  # SLURM ends this process now; what it would report of its end is no news
            return True
    return False

"""Jobs that are not submitted yet: packed into jobs of SLURM, submitted in arrays as large as the cluster takes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.backends import Job, JobState, Outline, Phase
from sweeper.backends.slurm import queue as slurm
from sweeper.backends.slurm.allocation import allocation
from sweeper.backends.slurm.queue import SlurmError
from sweeper.backends.slurm.settings import SlurmSettings, grown
from sweeper.backends.slurm.submission import FOLDER, Submitted, executor, new_folder, submit

# What sbatch says when the queue is full or its daemon restarts: the jobs are kept and offered again.
LATER = ("submit limit", "submitjob", "unable to contact", "temporarily unable", "timed out", "max job count", "again")
RETRY_SECONDS = 10.0


# Jobs that will share a job of SLURM; and what the packs of an array have in common: what they wait for, their memory.
Pack = tuple[Job, ...]
Needs = tuple[tuple[str, ...], str | None]


class Packs:
    """Jobs of one study that wait to be submitted; `live` are those that SLURM has, for room and dependencies."""

    def __init__(self, settings: SlurmSettings, *, threads: int, preload: Sequence[str], name: str, directory: Path):
        self._settings = settings
        self._threads = threads
        self._preload = tuple(preload)
        self._name = name
        self._directory = directory
        self._cores = settings.cpus_per_task or threads * settings.trials_per_job
        self._limits: slurm.Limits | None = None
        self._waiting: dict[Needs, list[Pack]] = {}
        self._not_before = 0.0  # when sbatch is asked again after it refused
        self._memory: dict[str, str] = {}  # of jobs that ran out of it

    def add(self, jobs: Iterable[Job]) -> None:
        """Pack jobs, those together that wait for the same jobs and need as much memory."""
        alike: dict[Needs, list[Job]] = {}
        for job in jobs:
            alike.setdefault((job.after, self._memory.get(job.key)), []).append(job)
        size = self._settings.trials_per_job
        for needs, members in alike.items():
            packs = [tuple(members[first : first + size]) for first in range(0, len(members), size)]
            self._waiting.setdefault(needs, []).extend(packs)
        self._not_before = 0.0

    def discard(self, keys: Collection[str]) -> set[str]:
        """Forget jobs; returns the keys of those that were still waiting."""
        found = {job.key for job in self._jobs()} & set(keys)
        for needs, packs in self._waiting.items():
            left = (tuple(job for job in pack if job.key not in found) for pack in packs)
            self._waiting[needs] = [pack for pack in left if pack]
        return found

    def submit(self, live: dict[str, Submitted]) -> dict[str, JobState]:
        """Submit what waits, as far as the cluster takes it now; adds to `live`, returns the states that changed."""
        states: dict[str, JobState] = {}
        if time.monotonic() < self._not_before:
            return states
        for needs, packs in self._waiting.items():
            while packs:
                try:
                    batch = packs[: self._room(live)]
                except SlurmError as error:
                    return states | self._wait(str(error))
                if not batch:
                    return states
                try:
                    states |= self._submit_array(batch, needs, live)
                except SlurmError as error:
                    if any(word in str(error).lower() for word in LATER):
                        return states | self._wait(f"SLURM takes no jobs now: {error}")
                    states |= {job.key: JobState(Phase.ENDED, f"sbatch: {error}") for pack in batch for job in pack}
                del packs[: len(batch)]
        self._waiting = {}
        return states

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs, with the script of their first array."""
        tasks = -(-jobs // self._settings.trials_per_job)
        folder = self._directory / FOLDER / "SUBMISSION"
        script = executor(self._settings, self._name, folder, tasks, self._lines(((), None), {})).script(tasks)
        parallel = self._settings.array_parallelism
        at_a_time = parallel * self._settings.trials_per_job if parallel else None
        return Outline(self._cores, self._settings.gpus, at_a_time, script)

    def give_more_memory(self, key: str) -> None:
        """Let a job that ran out of memory have more the next time, where the settings say how much."""
        if self._settings.mem and self._settings.memory_growth > 1:
            self._memory[key] = grown(self._memory.get(key, self._settings.mem), self._settings.memory_growth)

    def _jobs(self) -> Iterator[Job]:
        return (job for packs in self._waiting.values() for pack in packs for job in pack)

    def _submit_array(self, packs: Sequence[Pack], needs: Needs, live: dict[str, Submitted]) -> dict[str, JobState]:
        """Submit packs by one call of sbatch; returns their jobs' states. Raises SlurmError."""
        folder = new_folder(self._directory)
        allocations = [allocation(pack, self._threads, self._preload, folder) for pack in packs]
        ids = submit(self._settings, self._name, allocations, self._lines(needs, live))
        given = {job.key: number for pack, number in zip(packs, ids, strict=True) for job in pack}
        live |= {key: Submitted(number, folder, time.monotonic()) for key, number in given.items()}
        return {key: JobState(Phase.PENDING, id=number) for key, number in given.items()}

    def _room(self, live: Mapping[str, Submitted]) -> int | None:
        """How many jobs SLURM takes now in one array; None: any number. Raises SlurmError when it does not tell."""
        if self._limits is None:
            known = slurm.limits()
            size = self._settings.max_array_size or known.array_size
            self._limits = slurm.Limits(size, self._settings.max_submitted or known.submitted)
        room = [self._limits.array_size] if self._limits.array_size else []
        if self._limits.submitted is not None:
            room.append(max(0, self._limits.submitted - len({submitted.id for submitted in live.values()})))
        return min(room, default=None)

    def _wait(self, reason: str) -> dict[str, JobState]:
        self._not_before = time.monotonic() + RETRY_SECONDS
        return {job.key: JobState(Phase.PENDING, reason) for job in self._jobs()}

    def _lines(self, needs: Needs, live: Mapping[str, Submitted]) -> dict[str, Any]:
        after, memory = needs
        lines = self._settings.lines() | {"cpus-per-task": self._cores}
        if memory:
            lines["mem"] = memory
        if ids := [live[key].id for key in after if key in live]:
            given = f"{lines['dependency']}," if "dependency" in lines else ""
            lines["dependency"] = f"{given}afterany:{':'.join(ids)}"
        return lines

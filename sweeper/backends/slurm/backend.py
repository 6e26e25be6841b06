"""Jobs of a SLURM cluster: submitted through submitit, watched by squeue, alive without the process that sent them."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.backends import Job, JobState, Outline, Phase
from sweeper.backends.local.backend import STOPPED
from sweeper.backends.machine import torch_has_cuda
from sweeper.backends.slurm import queue as slurm
from sweeper.backends.slurm.allocation import INTERRUPTED, allocation, cancel_file, ends_file
from sweeper.backends.slurm.check import check_cluster
from sweeper.backends.slurm.ends import ended_inside, ended_state, is_certain, read, state_of
from sweeper.backends.slurm.queue import QueuedJob, SlurmError
from sweeper.backends.slurm.settings import SlurmSettings, grown
from sweeper.backends.slurm.submission import PLACE, Submitted, executor, keys_of, new_folder, submit
from sweeper.backends.slurm.watch import Look, QueueWatch
from sweeper.errors import WrongInput

POLL_SECONDS = 1.0
CANCEL_SECONDS, CANCEL_POLL_SECONDS = 4.5, 0.3
IDS_A_COMMAND = 500
# squeue may miss a job for a moment, and SLURM puts one whose node failed into the queue again: two looks decide.
LOOKS_TO_BELIEVE_AN_END = 2
# What sbatch says when the queue is full or its daemon restarts: the jobs are kept and offered again.
LATER = ("submit limit", "submitjob", "unable to contact", "temporarily unable", "timed out", "max job count", "again")
RETRY_SECONDS = 10.0


@dataclass(frozen=True)
class Pack:
    """Jobs that will share a job of SLURM, and what they need of it."""

    jobs: tuple[Job, ...]
    after: tuple[str, ...]
    memory: str | None


class SlurmBackend:
    """Arrays of jobs, `trials_per_job` of the driver's in each; `directory` is on the shared file system."""

    def __init__(self, settings: SlurmSettings, *, threads: int, preload: Sequence[str], name: str, directory: Path):
        self._settings = settings
        self._threads = threads
        self._preload = tuple(preload)
        self._name = name
        self._directory = directory.absolute()
        self._watch = QueueWatch(slurm.queue_command(name), settings.longest_interval_s)
        self._limits: slurm.Limits | None = None
        self._packs: deque[Pack] = deque()  # not submitted yet
        self._not_before = 0.0  # when sbatch is asked again after it refused
        self._live: dict[str, Submitted] = {}
        self._states: dict[str, JobState] = {}
        self._doubts: Counter[str] = Counter()
        self._memory: dict[str, str] = {}  # of jobs that ran out of it

    @property
    def device(self) -> str:
        """Kind of device that a job gets: "cuda" where GPUs are asked for and this environment's torch can use them."""
        usable = self._settings.python is not None or torch_has_cuda()
        return "cuda" if self._settings.gpus and usable else "cpu"

    @property
    def retries(self) -> int:
        """How often a job that died without a word is started again."""
        return self._settings.retries

    @property
    def outlives(self) -> bool:
        """Whether jobs go on when the calling process ends."""
        return True

    @property
    def detached(self) -> bool:
        """Whether the driver is to leave as soon as its jobs are submitted."""
        return self._settings.detach

    @property
    def poll_seconds(self) -> float:
        """How often to look at records; the queue is asked more seldom."""
        return POLL_SECONDS

    @property
    def trouble(self) -> str:
        """Why SLURM did not answer when it was asked last; "" when it did."""
        return f"SLURM does not answer: {self._watch.trouble}" if self._watch.trouble else ""

    def check(self, *, planning: bool = False) -> None:
        """Raise WrongInput when this cluster would not take the jobs, with its words and the choices.

        A plan can be made without a cluster.
        """
        if planning and shutil.which("sbatch") is None:
            return
        check_cluster(self._settings, self.outline(1).script)

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs, with the script of their first array."""
        tasks = -(-jobs // self._settings.trials_per_job)
        folder = self._directory / PLACE / "SUBMISSION"
        lines = self._lines(None, ())
        made = executor(self._settings, self._name, folder, tasks, {**lines, "comment": str(self._directory)})
        parallel = self._settings.array_parallelism
        at_a_time = parallel * self._settings.trials_per_job if parallel else None
        return Outline(self._cores, self._settings.gpus, at_a_time, made.script(tasks))

    def start(self, jobs: Sequence[Job]) -> None:
        """Submit jobs, as far as the cluster takes them now; the others follow when there is room."""
        waiting = [job.key for job in jobs if self._phase(job.key) is not Phase.ENDED]
        assert not waiting, f"{waiting} have not ended"
        self._states |= {job.key: JobState(Phase.PENDING) for job in jobs}
        for job in jobs:
            self._doubts.pop(job.key, None)
        self._packs.extend(self._packed(jobs))
        self._submit()
        self._watch.hurry()

    def poll(self) -> Mapping[str, JobState]:
        """State of every job taken on so far, by key; asks SLURM now and then, and never waits for its answer."""
        if self._live and (look := self._watch.look()):
            self._take_in(look)
        if self._packs and time.monotonic() >= self._not_before:
            self._submit()
        return dict(self._states)

    def attach(self, over: Collection[str] = ()) -> Collection[str]:
        """Take on the study's jobs that run or wait, but for what is `over`. Raises WrongInput when SLURM is silent."""
        if not (self._directory / PLACE).exists():
            return ()
        try:
            queue = slurm.queued_jobs(slurm.ask(slurm.queue_command(self._name)))
        except SlurmError as error:
            raise WrongInput(
                f"{self._directory} may have jobs in SLURM, which does not answer: {error}\ntry again when it does"
            ) from error
        found = []
        for job in queue.values():
            if job.has_ended or job.script is None:
                continue
            known = read(ends_file(job.script.parent, job.id))
            for key in keys_of(job.script, job.task, self._directory):
                if key in over or known.get(key, INTERRUPTED) != INTERRUPTED:
                    continue
                self._live[key] = Submitted(job.id, job.script.parent, time.monotonic())
                self._states[key] = state_of(job)
                found.append(key)
        return found

    def cancel(self, keys: Collection[str] | None = None) -> None:
        """Stop jobs; returns when they are gone, or when SLURM takes more than 5 s to end them."""
        wanted = {key for key in (self._states if keys is None else keys) if self._phase(key) is not Phase.ENDED}
        if not wanted:
            return
        self._drop_waiting(wanted)
        living = wanted & self._live.keys()
        shared = {submitted.id for key, submitted in self._live.items() if key not in wanted}
        alone = sorted({self._live[key].id for key in living} - shared)
        for key in living:
            file = cancel_file(self._live[key].folder, key)
            file.parent.mkdir(exist_ok=True)
            file.touch()
        refused = ""
        for first in range(0, len(alone), IDS_A_COMMAND):
            try:
                slurm.ask(["scancel", *alone[first : first + IDS_A_COMMAND]])
            except SlurmError as error:  # also when one has just ended
                refused = str(error)
        if not self._await_end(living, shared) and refused:
            raise WrongInput(f"SLURM has not ended all jobs: {refused}\ntry again")
        for key in living:
            self._end(key, JobState(Phase.ENDED, STOPPED, self._live[key].id, cancelled=True))

    def close(self) -> None:
        """Leave the jobs alone."""
        self._watch.close()

    @property
    def _cores(self) -> int:
        """Cores of a job of SLURM."""
        return self._settings.cpus_per_task or self._threads * self._settings.trials_per_job

    def _phase(self, key: str) -> Phase:
        return self._states[key].phase if key in self._states else Phase.ENDED

    def _packed(self, jobs: Iterable[Job]) -> Iterator[Pack]:
        """Yield the jobs in packs, those together that wait for the same jobs and need as much memory."""
        alike: dict[tuple[tuple[str, ...], str | None], list[Job]] = {}
        for job in jobs:
            alike.setdefault((job.after, self._memory.get(job.key)), []).append(job)
        size = self._settings.trials_per_job
        for (after, memory), members in alike.items():
            for first in range(0, len(members), size):
                yield Pack(tuple(members[first : first + size]), after, memory)

    def _submit(self) -> None:
        """Submit what waits, in arrays as large as the cluster allows, until nothing waits or it takes no more."""
        while self._packs:
            try:
                room = self._room()
            except SlurmError as error:
                self._wait(str(error))
                return
            first = self._packs[0]
            alike = [pack for pack in self._packs if (pack.after, pack.memory) == (first.after, first.memory)]
            batch = alike[:room]
            if not batch:
                return
            try:
                self._submit_array(batch)
            except SlurmError as error:
                if any(word in str(error).lower() for word in LATER):
                    self._wait(f"SLURM takes no jobs now: {error}")
                    return
                refused = {job.key: JobState(Phase.ENDED, f"sbatch: {error}") for pack in batch for job in pack.jobs}
                self._states |= refused
            taken = {id(pack) for pack in batch}
            self._packs = deque(pack for pack in self._packs if id(pack) not in taken)

    def _submit_array(self, packs: Sequence[Pack]) -> None:
        """Submit packs that wait for the same jobs and need as much memory. Raises SlurmError."""
        folder = new_folder(self._directory)
        allocations = [allocation(pack.jobs, self._threads, self._preload, folder) for pack in packs]
        lines = self._lines(packs[0].memory, packs[0].after)
        ids = submit(self._settings, self._name, self._directory, allocations, lines)
        for pack, number in zip(packs, ids, strict=True):
            for job in pack.jobs:
                self._live[job.key] = Submitted(number, folder, time.monotonic())
                self._states[job.key] = JobState(Phase.PENDING, id=number)

    def _room(self) -> int:
        """How many jobs SLURM takes now in one array. Raises SlurmError when it does not tell."""
        if self._limits is None:
            known = slurm.limits()
            size = self._settings.max_array_size or known.array_size
            self._limits = slurm.Limits(size, self._settings.max_submitted or known.submitted)
        room = [self._limits.array_size or len(self._packs)]
        if self._limits.submitted is not None:
            room.append(self._limits.submitted - len({submitted.id for submitted in self._live.values()}))
        return max(0, min(room))

    def _wait(self, reason: str) -> None:
        self._not_before = time.monotonic() + RETRY_SECONDS
        self._states |= {job.key: JobState(Phase.PENDING, reason) for pack in self._packs for job in pack.jobs}

    def _lines(self, memory: str | None, after: Sequence[str]) -> dict[str, Any]:
        lines = self._settings.lines() | {"cpus-per-task": self._cores}
        if memory:
            lines["mem"] = memory
        if ids := [self._live[key].id for key in after if key in self._live]:
            given = f"{lines['dependency']}," if "dependency" in lines else ""
            lines["dependency"] = f"{given}afterany:{':'.join(ids)}"
        return lines

    def _take_in(self, look: Look) -> None:
        """Take in what the queue says of the jobs that were submitted before it was asked."""
        doubted: dict[str, QueuedJob | None] = {}
        for key, submitted in dict(self._live).items():
            job = look.jobs.get(submitted.id)
            if submitted.time > look.asked:
                continue
            if job is None or job.has_ended:
                doubted[key] = job
            elif self._settings.trials_per_job > 1 and (state := ended_inside(submitted, key, job)):
                self._end(key, state)
            else:
                self._states[key] = state_of(job)
        self._doubts = Counter({key: self._doubts[key] + 1 for key in doubted})
        if any(number < LOOKS_TO_BELIEVE_AN_END for number in self._doubts.values()):
            self._watch.hurry()
        ended = {
            key: job
            for key, job in doubted.items()
            if self._doubts[key] >= LOOKS_TO_BELIEVE_AN_END or is_certain(self._live[key], key, job)
        }
        if forgotten := {self._live[key].id for key, job in ended.items() if job is None}:
            accounted = slurm.accounted_jobs(forgotten)
            ended |= {key: accounted.get(self._live[key].id) for key, job in ended.items() if job is None}
        for key, job in ended.items():
            self._end(key, self._ended_state(key, job))

    def _ended_state(self, key: str, job: QueuedJob | None) -> JobState:
        """Return why a job has ended; one that ran out of memory gets more the next time."""
        state, ran_out = ended_state(self._live[key], key, job)
        if ran_out and self._settings.mem and self._settings.memory_growth > 1:
            self._memory[key] = grown(self._memory.get(key, self._settings.mem), self._settings.memory_growth)
        return state

    def _end(self, key: str, state: JobState) -> None:
        self._states[key] = state
        self._live.pop(key, None)

    def _drop_waiting(self, keys: Collection[str]) -> None:
        """Forget jobs that were not submitted yet."""
        left = deque[Pack]()
        for pack in self._packs:
            self._states |= {job.key: JobState(Phase.ENDED, STOPPED) for job in pack.jobs if job.key in keys}
            if jobs := tuple(job for job in pack.jobs if job.key not in keys):
                left.append(Pack(jobs, pack.after, pack.memory))
        self._packs = left

    def _await_end(self, keys: Collection[str], shared: Collection[str]) -> bool:
        """Wait until jobs are gone, for as long as somebody may wait; returns whether they are."""
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(SlurmError):
                queue = slurm.queued_jobs(slurm.ask(slurm.queue_command(self._name)))
                if all(self._has_ended(key, queue, shared) for key in keys):
                    return True
            time.sleep(CANCEL_POLL_SECONDS)
        return False

    def _has_ended(self, key: str, queue: Mapping[str, QueuedJob], shared: Collection[str]) -> bool:
        """Whether a job is gone: from SLURM, where later commands would find it, unless others go on in there."""
        submitted = self._live[key]
        job = queue.get(submitted.id)
        if job is None or job.has_ended:
            return True
        return submitted.id in shared and key in read(ends_file(submitted.folder, submitted.id))

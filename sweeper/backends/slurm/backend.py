"""Jobs of a SLURM cluster: submitted through submitit, watched by squeue, alive without the process that sent them."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sweeper.backends import Backend, Job, JobState, Outline, Phase, Traits, living
from sweeper.backends.local.backend import STOPPED
from sweeper.backends.machine import modules_to_preload, torch_has_cuda
from sweeper.backends.slurm import queue as slurm
from sweeper.backends.slurm.allocation import cancel_file
from sweeper.backends.slurm.check import check_cluster
from sweeper.backends.slurm.ends import ended_inside, ended_state, is_certain, state_of
from sweeper.backends.slurm.packs import Packs
from sweeper.backends.slurm.queue import Listing, QueuedJob, QueueWatch, SlurmError
from sweeper.backends.slurm.settings import SlurmSettings
from sweeper.backends.slurm.submission import FOLDER, Submitted, keys_of
from sweeper.errors import WrongInput

POLL_SECONDS = 1.0  # of records; the queue is asked more seldom
CANCEL_SECONDS, CANCEL_POLL_SECONDS = 4.5, 0.3
IDS_A_COMMAND = 500
# squeue may miss a job for a moment, and SLURM puts one whose node failed into the queue again: two listings decide.
LISTINGS_TO_BELIEVE_AN_END = 2


def checked_backend(
    settings: SlurmSettings, *, threads: int, preload: Sequence[str], name: str, directory: Path
) -> SlurmBackend:
    """Return a backend by these settings. Raises WrongInput for settings that cannot work."""
    settings.check()
    if "%" in str(directory.absolute()):
        raise WrongInput(
            f"{directory}: SLURM takes % in the path of a log for a pattern\nset study= or outputs= without it"
        )
    modules = modules_to_preload(settings.preload, preload)
    return SlurmBackend(settings, threads=threads, preload=modules, name=name, directory=directory)


class SlurmBackend(Backend):
    """Arrays of jobs, `trials_per_job` of the driver's in each; `directory` is on the shared file system."""

    def __init__(self, settings: SlurmSettings, *, threads: int, preload: Sequence[str], name: str, directory: Path):
        # A node's torch may be another one than this environment's.
        usable = settings.python is not None or torch_has_cuda()
        device = "cuda" if settings.gpus and usable else "cpu"
        self.traits = Traits(device, settings.retries, POLL_SECONDS, outlives=True, detached=settings.detach)
        self._settings = settings
        self._name = name
        self._directory = directory.absolute()
        self._watch = QueueWatch(slurm.queue_command(name), settings.longest_interval_s)
        self._packs = Packs(settings, threads=threads, preload=preload, name=name, directory=self._directory)
        self._live: dict[str, Submitted] = {}
        self._states: dict[str, JobState] = {}
        self._doubts: Counter[str] = Counter()

    @property
    def trouble(self) -> str:
        """Why SLURM did not answer when it was asked last; "" when it did."""
        return f"SLURM does not answer: {self._watch.trouble}" if self._watch.trouble else ""

    def check(self, *, planning: bool = False) -> None:
        """Raise WrongInput when this cluster would not take the jobs, with its words and the choices.

        A plan can be made without a cluster; that one did not answer is `trouble` then.
        """
        if planning and shutil.which("sbatch") is None:
            return
        try:
            check_cluster(self._settings, self.outline(1).script)
        except SlurmError as error:
            self._watch.trouble = str(error)
            if not planning:
                raise WrongInput(f"{self.trouble}\ntry again when it does; plan=true shows the script") from error

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs, with the script of their first array."""
        return self._packs.outline(jobs)

    def start(self, jobs: Sequence[Job]) -> None:
        """Submit jobs, as far as the cluster takes them now; the others follow when there is room."""
        running = living(self._states) & {job.key for job in jobs}
        assert not running, f"{running} have not ended"
        self._states |= {job.key: JobState(Phase.PENDING) for job in jobs}
        for job in jobs:
            self._doubts.pop(job.key, None)
        self._packs.add(jobs)
        self._states |= self._packs.submit(self._live)
        self._watch.ask_soon()

    def poll(self) -> Mapping[str, JobState]:
        """State of every job taken on so far, by key; asks SLURM now and then, and never waits for its answer."""
        if self._live and (listing := self._watch.news()):
            self._update(listing)
        self._states |= self._packs.submit(self._live)
        return dict(self._states)

    def attach(self, over: Collection[str] = ()) -> Collection[str]:
        """Take on the study's jobs that run or wait, but for what is `over`. Raises WrongInput when SLURM is silent."""
        if not (self._directory / FOLDER).exists():
            return ()
        try:
            queue = slurm.listed(self._name)
        except SlurmError as error:
            raise WrongInput(
                f"{self._directory} may have jobs in SLURM, which does not answer: {error}\ntry again when it does"
            ) from error
        found = []
        for job in queue.values():
            if job.has_ended or job.script is None:
                continue
            submitted = Submitted(job.id, job.script.parent, time.monotonic())
            for key in keys_of(job, self._directory):
                if key in over or ended_inside(submitted, key, job):
                    continue
                self._live[key] = submitted
                self._states[key] = state_of(job)
                found.append(key)
        return found

    def cancel(self, keys: Collection[str] | None = None) -> None:
        """Stop jobs; returns when they are gone, or when SLURM takes more than 5 s to end them."""
        wanted = living(self._states) & set(self._states if keys is None else keys)
        if not wanted:
            return
        self._states |= dict.fromkeys(self._packs.discard(wanted), JobState(Phase.ENDED, STOPPED))
        queued = wanted & self._live.keys()
        shared = {submitted.id for key, submitted in self._live.items() if key not in wanted}
        alone = sorted({self._live[key].id for key in queued} - shared)
        for key in queued:
            file = cancel_file(self._live[key].folder, key)
            file.parent.mkdir(exist_ok=True)
            file.touch()
        refused = ""
        for first in range(0, len(alone), IDS_A_COMMAND):
            try:
                slurm.ask(["scancel", *alone[first : first + IDS_A_COMMAND]])
            except SlurmError as error:  # also when one has just ended
                refused = str(error)
        if not self._await_end(queued, shared) and refused:
            raise WrongInput(f"SLURM has not ended all jobs: {refused}\ntry again")
        for key in queued:
            self._end(key, JobState(Phase.ENDED, STOPPED, self._live[key].id, cancelled=True))

    def close(self) -> None:
        """Leave the jobs alone."""
        self._watch.close()

    def _update(self, listing: Listing) -> None:
        """Set the states of the jobs that were submitted before the queue was asked."""
        doubted: dict[str, QueuedJob | None] = {}
        for key, submitted in dict(self._live).items():
            job = listing.jobs.get(submitted.id)
            if submitted.time > listing.asked:
                continue
            if job is None or job.has_ended:
                doubted[key] = job
            elif self._settings.trials_per_job > 1 and (state := ended_inside(submitted, key, job)):
                self._end(key, state)
            else:
                self._states[key] = state_of(job)
        self._doubts = Counter({key: self._doubts[key] + 1 for key in doubted})
        if any(number < LISTINGS_TO_BELIEVE_AN_END for number in self._doubts.values()):
            self._watch.ask_soon()
        ended = {
            key: job
            for key, job in doubted.items()
            if self._doubts[key] >= LISTINGS_TO_BELIEVE_AN_END or is_certain(self._live[key], key, job)
        }
        if forgotten := {self._live[key].id for key, job in ended.items() if job is None}:
            accounted = slurm.accounted_jobs(forgotten)
            ended |= {key: accounted.get(self._live[key].id) for key, job in ended.items() if job is None}
        for key, job in ended.items():
            state, ran_out_of_memory = ended_state(self._live[key], key, job)
            if ran_out_of_memory:
                self._packs.give_more_memory(key)
            self._end(key, state)

    def _end(self, key: str, state: JobState) -> None:
        self._states[key] = state
        self._live.pop(key, None)

    def _await_end(self, keys: Collection[str], shared: Collection[str]) -> bool:
        """Wait until jobs are gone, for as long as somebody may wait; returns whether they are."""
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(SlurmError):
                queue = {number: job for number, job in slurm.listed(self._name).items() if not job.has_ended}
                # Gone from SLURM, where later commands would find them; from a shared one its allocation tells.
                left = [(key, self._live[key]) for key in keys if self._live[key].id in queue]
                if all(submitted.id in shared and key in submitted.ends() for key, submitted in left):
                    return True
            time.sleep(CANCEL_POLL_SECONDS)
        return False

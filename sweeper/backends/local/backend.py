"""Jobs as processes of this machine, forked from a server that has imported the heavy libraries once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import cloudpickle

from sweeper.backends import Backend, Job, JobState, Outline, Phase, Traits, living
from sweeper.backends.local.fork_server import Start
from sweeper.backends.local.server_process import ServerProcess, Slot, end_reason
from sweeper.backends.machine import usable_cores, visible_gpus

CANCEL_SECONDS = 4.5
POLL_SECONDS = 0.2
IMPORTING = "libraries are being imported"
STOPPED = "stopped"
log = logging.getLogger(__name__)


class LocalBackend(Backend):
    """A process a job, `jobs` at a time, each with one GPU where there are some, shared if they are fewer.

    Jobs get the environment and working directory that the caller had when the first was started. They end
    with the calling process, whatever ends it.
    """

    def __init__(
        self,
        *,
        threads: int = 1,
        jobs: int | None = None,
        preload: Sequence[str] = (),
        retries: int = 0,
        gpus: Sequence[str] | None = None,
        ignored_signals: Sequence[int] = (),
    ) -> None:
        """Start nothing yet. Default for jobs: one a visible GPU, else as many as there are cores for.

        `ignored_signals` do nothing to a job that does not handle them, not even to one that has not begun.
        """
        self._gpus = visible_gpus() if gpus is None else list(gpus)
        self.traits = Traits("cuda" if self._gpus else "cpu", retries, POLL_SECONDS)
        self._jobs = jobs or len(self._gpus) or max(1, usable_cores() // threads)
        self._threads = threads
        self._preload = list(preload)
        self._ignored_signals = list(ignored_signals)
        self._changed = threading.Condition()  # guards all that follows, and what it holds
        self._states: dict[str, JobState] = {}
        self._pending: deque[Start] = deque()
        self._server: ServerProcess | None = None

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs."""
        return Outline(cores=self._threads, gpus=min(1, len(self._gpus)), at_a_time=min(self._jobs, jobs))

    def start(self, jobs: Sequence[Job]) -> None:
        """Take jobs on and return at once; the server imports its libraries meanwhile."""
        # Pickled now: what the caller changes later does not reach a job.
        pending = [Start(job.key, cloudpickle.dumps(job.call), job.log.absolute()) for job in jobs]
        with self._changed:
            running = living(self._states) & {job.key for job in jobs}
            assert not running, f"{running} have not ended"
            if pending and self._server is None:
                self._server = ServerProcess.launch(self._jobs, self._threads, self._preload, self._ignored_signals)
                self._start_threads(self._server)
            reason = "" if self._server and self._server.ready else IMPORTING
            self._states |= {job.key: JobState(Phase.PENDING, reason) for job in pending}
            self._pending.extend(pending)
            self._changed.notify_all()

    def poll(self) -> Mapping[str, JobState]:
        """State of every job taken on so far, by key."""
        with self._changed:
            return dict(self._states)

    def cancel(self, keys: Collection[str] | None = None) -> None:
        """Stop jobs with all their processes (SIGTERM, after 2 s SIGKILL); returns when they are gone."""
        with self._changed:
            wanted = set(self._states if keys is None else keys)
            self._drop_pending(wanted, STOPPED)
            slots = [slot for slot in self._server.slots if slot.key in wanted] if self._server else []
            for slot in slots:
                slot.stopped = True
                with contextlib.suppress(OSError):  # the server is dead, which the slot's thread deals with
                    slot.connection.send(None)
            if not self._changed.wait_for(lambda: not any(slot.key for slot in slots), CANCEL_SECONDS):
                log.warning("processes that do not end: %s", [slot.leader for slot in slots if slot.key])

    def interrupt(self) -> None:
        """Ask running jobs for a checkpoint, by SIGUSR2; one that does not listen yet ignores it or ends by it."""
        with self._changed:
            for slot in self._server.slots if self._server else []:
                if slot.key and slot.leader:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(slot.leader, signal.SIGUSR2)

    def close(self) -> None:
        """Stop what still runs, and the server."""
        self.cancel()
        with self._changed:
            server, self._server = self._server, None
            self._changed.notify_all()
        if server:
            server.end()
            for thread in server.threads:
                thread.join()

    def _drop_pending(self, keys: Collection[str], reason: str) -> None:
        dropped = [job.key for job in self._pending if job.key in keys]
        self._states |= {key: JobState(Phase.ENDED, reason) for key in dropped}
        self._pending = deque(job for job in self._pending if job.key not in keys)

    def _start_threads(self, server: ServerProcess) -> None:
        """Give every slot a thread, so that a free slot does not wait for the next poll."""
        for slot in server.slots:
            thread = threading.Thread(target=self._run_jobs, args=(server, slot), daemon=True)
            server.threads.append(thread)
            thread.start()

    def _run_jobs(self, server: ServerProcess, slot: Slot) -> None:
        with slot.connection:
            try:
                slot.connection.recv()  # the server is ready
                self._announce(server)
                while self._next(server, slot):
                    slot.leader = slot.connection.recv()
                    self._end(slot, end_reason(slot.connection.recv()))
            except (EOFError, OSError):
                self._lose(server, slot)

    def _announce(self, server: ServerProcess) -> None:
        with self._changed:
            if not server.ready:
                server.ready = True
                self._states |= {job.key: JobState(Phase.PENDING) for job in self._pending}

    def _next(self, server: ServerProcess, slot: Slot) -> bool:
        """Wait for a job and send it off; returns False when the server is done with."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._server is not server or self._pending)
                if self._server is not server:
                    return False
                job = self._pending.popleft()
                try:
                    job.log.parent.mkdir(parents=True, exist_ok=True)
                    job.log.open("ab").close()
                except OSError as error:
                    self._states[job.key] = JobState(Phase.ENDED, f"cannot write its log: {error}")
                    continue
                busy = [other.gpu for other in server.slots if other.key]
                slot.gpu = min(self._gpus, key=busy.count, default=None)
                slot.key, slot.stopped = job.key, False
                self._states[job.key] = JobState(Phase.RUNNING)
                slot.connection.send(replace(job, gpu=slot.gpu))
                return True

    def _end(self, slot: Slot, reason: str) -> None:
        with self._changed:
            assert slot.key is not None
            self._states[slot.key] = JobState(Phase.ENDED, STOPPED if slot.stopped else reason)
            slot.key = slot.leader = None
            self._changed.notify_all()

    def _lose(self, server: ServerProcess, slot: Slot) -> None:
        """End a dead server's jobs, and those that waited for it; the next `start` launches another."""
        with self._changed:
            if self._server is server:
                self._server = None
                server.end()
                self._drop_pending({job.key for job in self._pending}, f"fork server: {server.last_line}")
            if slot.leader:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(slot.leader, signal.SIGKILL)
            if slot.key:
                self._end(slot, f"fork server: {server.last_line}")

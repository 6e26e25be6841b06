"""Jobs as processes of this machine, forked from a server that has imported the heavy libraries once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cloudpickle

from sweeper.backends import Job, JobState, Outline, Phase, Traits
from sweeper.backends.local.fork_server import Start
from sweeper.backends.local.server_process import Place, ServerProcess, end_reason
from sweeper.backends.machine import usable_cores, visible_gpus

CANCEL_SECONDS = 4.5
POLL_SECONDS = 0.2
IMPORTING = "libraries are being imported"
STOPPED = "stopped"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Pending:
    """A job that waits, pickled when it was taken on: what its caller changes later does not reach it."""

    key: str
    call: bytes
    log: Path


class LocalBackend:
    """A process a job, `jobs` at a time, each with one GPU where there are some, shared if they are fewer.

    Jobs get the environment and working directory that the caller had when the first was started. They end
    with the calling process, whatever ends it.
    """

    trouble = ""  # nothing keeps this machine's own jobs from being known

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
        self._pending: deque[_Pending] = deque()
        self._server: ServerProcess | None = None

    def check(self, *, planning: bool = False) -> None:
        """Nothing can be missing."""

    def outline(self, jobs: int) -> Outline:
        """Return what would become of so many jobs."""
        return Outline(cores=self._threads, gpus=min(1, len(self._gpus)), at_a_time=min(self._jobs, jobs))

    def attach(self, over: Collection[str] = ()) -> Collection[str]:  # noqa: ARG002  the protocol's
        """Return the jobs of earlier processes that still run: none does."""
        return ()

    def start(self, jobs: Sequence[Job]) -> None:
        """Take jobs on and return at once; the server imports its libraries meanwhile."""
        pending = [_Pending(job.key, cloudpickle.dumps(job.call), job.log.absolute()) for job in jobs]
        with self._changed:
            running = [job.key for job in pending if self._phase(job.key) is not Phase.ENDED]
            assert not running, f"{running} have not ended"
            if pending and self._server is None:
                self._server = ServerProcess.launch(self._jobs, self._threads, self._preload, self._ignored_signals)
                self._attend_places(self._server)
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
            places = [place for place in self._server.places if place.key in wanted] if self._server else []
            for place in places:
                place.stopped = True
                with contextlib.suppress(OSError):  # the server is dead, which the place's thread deals with
                    place.connection.send(None)
            if not self._changed.wait_for(lambda: not any(place.key for place in places), CANCEL_SECONDS):
                log.warning("processes that do not end: %s", [place.leader for place in places if place.key])

    def interrupt(self) -> None:
        """Ask running jobs for a checkpoint, by SIGUSR2; one that does not listen yet ignores it or ends by it."""
        with self._changed:
            for place in self._server.places if self._server else []:
                if place.key and place.leader:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(place.leader, signal.SIGUSR2)

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

    def _phase(self, key: str) -> Phase:
        return self._states[key].phase if key in self._states else Phase.ENDED

    def _drop_pending(self, keys: Collection[str], reason: str) -> None:
        dropped = [job.key for job in self._pending if job.key in keys]
        self._states |= {key: JobState(Phase.ENDED, reason) for key in dropped}
        self._pending = deque(job for job in self._pending if job.key not in keys)

    def _attend_places(self, server: ServerProcess) -> None:
        """Give every place a thread, so that a free place does not wait for the next poll."""
        for place in server.places:
            thread = threading.Thread(target=self._attend, args=(server, place), daemon=True)
            server.threads.append(thread)
            thread.start()

    def _attend(self, server: ServerProcess, place: Place) -> None:
        """Run job after job at a place."""
        with place.connection:
            try:
                place.connection.recv()  # the server is ready
                self._announce(server)
                while self._next(server, place):
                    place.leader = place.connection.recv()
                    self._end(place, end_reason(place.connection.recv()))
            except (EOFError, OSError):
                self._lose(server, place)

    def _announce(self, server: ServerProcess) -> None:
        with self._changed:
            if not server.ready:
                server.ready = True
                self._states |= {job.key: JobState(Phase.PENDING) for job in self._pending}

    def _next(self, server: ServerProcess, place: Place) -> bool:
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
                busy = [other.gpu for other in server.places if other.key]
                place.gpu = min(self._gpus, key=busy.count, default=None)
                place.key, place.stopped = job.key, False
                self._states[job.key] = JobState(Phase.RUNNING)
                environment = {"CUDA_VISIBLE_DEVICES": place.gpu} if place.gpu else {}
                place.connection.send(Start(job.call, str(job.log), environment))
                return True

    def _end(self, place: Place, reason: str) -> None:
        with self._changed:
            assert place.key is not None
            self._states[place.key] = JobState(Phase.ENDED, STOPPED if place.stopped else reason)
            place.key = place.leader = None
            self._changed.notify_all()

    def _lose(self, server: ServerProcess, place: Place) -> None:
        """End a dead server's jobs, and those that waited for it; the next `start` launches another."""
        with self._changed:
            if self._server is server:
                self._server = None
                server.end()
                self._drop_pending({job.key for job in self._pending}, f"fork server: {server.last_words}")
            if place.leader:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(place.leader, signal.SIGKILL)
            if place.key:
                self._end(place, f"fork server: {server.last_words}")

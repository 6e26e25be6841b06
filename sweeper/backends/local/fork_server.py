"""The local backend's fork server: imports heavy libraries once, then forks a process a job.

It runs as a process in a session of its own, and holds one connection for each job that may run at a time. On it the
backend sends a `Start`, or None to stop the job; the server sends READY once, then for each job the process's id and
later its exit code (negative: a signal's number). A connection that closes stops the job: when the driver dies, by
whatever cause, its jobs go with it. The server starts no thread and never touches CUDA, so that forking is safe.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NoReturn

import cloudpickle

READY = "ready"
GRACE_SECONDS = 2.0  # between SIGTERM and SIGKILL
VANISH_SECONDS = 0.5  # for what SIGKILL hit; a container without an init process keeps orphans as zombies for ever
TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Start:
    """A job to start: its pickled call, where its output goes, and the GPU that it may see."""

    key: str
    call: bytes
    log: Path
    gpu: str | None = None


@dataclass
class Runner:
    """Runs one job at a time. A job is a process group, led by the process that the server forked."""

    backend: Connection
    closed: bool = False
    leader: int | None = None
    exit_code: int | None = None
    kill_at: float | None = None

    def stop(self) -> None:
        """Ask the job's processes to end, and set the time at which they will be killed."""
        if self.leader is not None and self.kill_at is None:
            self.kill_at = time.monotonic() + GRACE_SECONDS
            _signal_group(self.leader, signal.SIGTERM)

    def advance(self) -> None:
        """Kill a stopped job whose time is up; tell the backend when none of its processes is left."""
        if self.leader is None or self.kill_at is None:
            return
        overdue = time.monotonic() - self.kill_at
        if overdue >= 0:
            _signal_group(self.leader, signal.SIGKILL)
        gone = not _signal_group(self.leader, 0) or overdue > VANISH_SECONDS
        if self.exit_code is not None and gone:
            self.tell(self.exit_code)
            self.leader = self.exit_code = self.kill_at = None

    def tell(self, message: object) -> None:
        """Send to the backend, which may be dead already; then its end shows as the connection's."""
        with contextlib.suppress(ConnectionError):
            self.backend.send(message)


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; returns whether it exists. Number 0 only asks."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def serve(descriptors: Sequence[int], preload: Sequence[str], ignored_signals: Sequence[int] = ()) -> None:
    """Fork jobs until every connection is closed and every job is gone.

    A scheduler may send signals to all processes of its job alike: the ignored ones end neither this server nor a
    job that does not handle them yet.
    """
    for number in ignored_signals:
        signal.signal(number, signal.SIG_IGN)
    notices = _import_modules(preload)
    gc.collect()
    gc.freeze()  # collections in the children then leave the shared pages alone
    runners = [Runner(Connection(descriptor)) for descriptor in descriptors]
    child_ended, alarm = os.pipe()
    os.set_blocking(child_ended, False)
    os.set_blocking(alarm, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(alarm)
    for runner in runners:
        runner.tell(READY)
    while not all(runner.closed and runner.leader is None for runner in runners):
        stopping = any(runner.kill_at is not None for runner in runners)
        connections = {runner.backend: runner for runner in runners if not runner.closed}
        readable = wait([child_ended, *connections], timeout=TICK_SECONDS if stopping else None)
        with contextlib.suppress(BlockingIOError):
            os.read(child_ended, 65536)
        for runner in [connections[source] for source in readable if isinstance(source, Connection)]:
            message = _receive(runner)
            if message is None:
                runner.stop()
            elif (pid := os.fork()) == 0:
                _close_in_child(runners, child_ended, alarm)
                _run(message, notices)
            else:
                _lead_group(pid)
                runner.leader = pid
                runner.tell(pid)
        _reap(runners)


def _import_modules(names: Sequence[str]) -> str:
    """Import modules by name; returns what jobs should know of those that fail."""
    notices = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            notices.append(f"fork server: cannot import {name}: {type(error).__name__}: {error}\n")
    return "".join(notices)


def _receive(runner: Runner) -> Start | None:
    """Return the job to start; None when what runs must stop, which the end of the connection means too."""
    try:
        message: Start | None = runner.backend.recv()
    except (EOFError, ConnectionError):
        runner.closed = True
        return None
    return message


def _reap(runners: Sequence[Runner]) -> None:
    """Collect ended processes; what a job leaves behind ends with it."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            break
        for runner in runners:
            if runner.leader == pid:
                runner.exit_code = os.waitstatus_to_exitcode(status)
                runner.stop()
    for runner in runners:
        runner.advance()


def _lead_group(pid: int) -> None:
    """Make a process lead a group; both sides of a fork do, since neither can rely on the other."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)


def _close_in_child(runners: Sequence[Runner], *descriptors: int) -> None:
    """Close in a child what is the server's; an open copy would hide the server's death from the driver."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for runner in runners:
        runner.backend.close()
    for descriptor in descriptors:
        os.close(descriptor)


def _run(job: Start, notices: str) -> NoReturn:
    """Make a job's call in this freshly forked process, which ends with it."""
    code = 1
    try:
        _lead_group(os.getpid())
        log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        os.close(log)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        faulthandler.enable()
        sys.stderr.write(notices)
        if job.gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu
        code = _exit_code(job.call)
    except BaseException:
        traceback.print_exc()
    finally:
        # Not the interpreter's own end: tearing native libraries down in a fork can hang or crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _exit_code(call: bytes) -> int:
    """Make the call as an interpreter runs a program: with sys.exit, its threads and exit handlers."""
    code: object = 0
    try:
        cloudpickle.loads(call)()
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        return 1
    return code

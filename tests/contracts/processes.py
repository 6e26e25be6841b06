"""Jobs for the suites on backends, and what those need to see of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sweeper.backends import Backend, JobState, Phase

# Only what hangs misses the deadline, however busy the machine; what sleeps, sleeps longer than any test waits for it.
DEADLINE_SECONDS = 600
PROMPT_SECONDS = 30
SLEEP_SECONDS = 900


def wait_until(happened: Callable[[], bool], timeout_seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ended(backend: Backend) -> Mapping[str, JobState]:
    """Wait for the end of all jobs; returns their states."""
    wait_until(lambda: all(state.phase is Phase.ENDED for state in backend.poll().values()))
    return backend.poll()


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def pids(directory: Path, count: int) -> list[int]:
    """Wait for so many processes to have left their id as the name of a file in a directory."""
    wait_until(lambda: len(list(directory.iterdir())) == count)
    return [int(path.name) for path in directory.iterdir()]


# The calls are made by functions so that cloudpickle takes them along: a job need not import the tests


def sleeping(started: Path, *, stubborn: bool = False) -> Callable[[], None]:
    def call() -> None:
        if stubborn:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (started / str(os.getpid())).touch()
        time.sleep(SLEEP_SECONDS)

    return call


def sleeping_with_child(started: Path) -> Callable[[], None]:
    def call() -> None:
        child = subprocess.Popen(["sh", "-c", f"trap '' TERM; sleep {SLEEP_SECONDS} & wait; sleep {SLEEP_SECONDS}"])
        time.sleep(0.2)  # for the shell to have set its trap
        (started / str(child.pid)).touch()
        child.wait()

    return call

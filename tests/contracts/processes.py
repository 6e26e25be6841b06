"""What the suites on backends need to see of processes and states."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sweeper.backend import Backend, JobState, Phase


def wait_until(happened: Callable[[], bool], timeout_seconds: float = 60) -> None:
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

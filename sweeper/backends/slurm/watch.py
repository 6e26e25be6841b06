"""Looks at the queue now and then without making anyone wait: one question for all jobs, at growing intervals."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from sweeper.backends.slurm.queue import COMMAND_SECONDS, QueuedJob, last_line, queued_jobs

SHORTEST_SECONDS = 1.0
GROWTH = 1.5


@dataclass(frozen=True)
class Look:
    """What squeue said, and when it was asked."""

    asked: float
    jobs: Mapping[str, QueuedJob]


class QueueWatch:
    """Runs a command that lists jobs, at most once an interval, in the background."""

    def __init__(self, command: Sequence[str], longest_seconds: float):
        self._command = list(command)
        self._longest = longest_seconds
        self._interval = SHORTEST_SECONDS
        self._next = 0.0
        self._asked = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._output: IO[str] | None = None
        self.trouble = ""  # why SLURM did not answer the last time

    def hurry(self) -> None:
        """Look soon again: something is about to change."""
        self._interval = SHORTEST_SECONDS
        self._next = min(self._next, time.monotonic() + SHORTEST_SECONDS)

    def look(self) -> Look | None:
        """Return a new answer when there is one, and ask again when it is time. Never waits."""
        if self._process is None:
            if time.monotonic() >= self._next:
                self._ask()
            return None
        if self._process.poll() is None:
            if time.monotonic() - self._asked > COMMAND_SECONDS:
                self._process.kill()
            return None
        return self._answer()

    def close(self) -> None:
        """End a question that is under way."""
        if self._process:
            self._process.kill()
            self._answer()

    def _ask(self) -> None:
        self._asked = time.monotonic()
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  as long-lived as the process; a pipe could fill up
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT, text=True
        )

    def _answer(self) -> Look | None:
        """Take an ended question's answer; a failed one is no news of any job."""
        assert self._process is not None and self._output is not None
        code = self._process.wait()
        with self._output as output:
            output.seek(0)
            listing = output.read()
        self._process = self._output = None
        self._next = time.monotonic() + self._interval
        self._interval = min(self._interval * GROWTH, self._longest)
        self.trouble = (last_line(listing) or f"exit code {code}") if code else ""
        return None if code else Look(self._asked, queued_jobs(listing))

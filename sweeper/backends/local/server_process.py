"""The fork server as the driver sees it: its process, and a slot for each job that may run at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import IO, Self


@dataclass
class Slot:
    """Room for one job, and the connection on which the server starts it."""

    connection: Connection
    gpu: str | None = None
    key: str | None = None  # of the job that runs here
    leader: int | None = None  # its first process, which leads its process group
    stopped: bool = False  # by request


@dataclass
class ServerProcess:
    """A fork server's process, its slots, and a thread for each."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]
    slots: list[Slot]
    threads: list[threading.Thread] = field(default_factory=list)
    ready: bool = False
    last_line: str = ""

    @classmethod
    def launch(cls, slots: int, threads: int, preload: Sequence[str], ignored_signals: Sequence[int] = ()) -> Self:
        """Start a server whose jobs use so many threads each, and return while it still imports."""
        near, far = zip(*(multiprocessing.Pipe() for _ in range(slots)), strict=True)
        descriptors = [connection.fileno() for connection in far]
        boot = (
            f"import sys; sys.path[:] = {sys.path!r}; sys.argv = {sys.argv!r}\n"
            f"from sweeper.backends.local.fork_server import serve\n"
            f"serve({descriptors!r}, {list(preload)!r}, {[*map(int, ignored_signals)]!r})"
        )
        output = tempfile.TemporaryFile()  # noqa: SIM115 - as long-lived as the process
        process = subprocess.Popen(
            [sys.executable, "-c", boot],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"OMP_NUM_THREADS": str(threads), **os.environ},
            pass_fds=descriptors,
            start_new_session=True,  # a terminal's Ctrl-C is for the driver alone
        )
        for connection in far:
            connection.close()
        return cls(process, output, [Slot(connection) for connection in near])

    def end(self) -> None:
        """Kill and collect the process; keep the last line it wrote."""
        self.process.kill()
        self.process.wait()
        with self.output:
            self.output.seek(0)
            lines = self.output.read().decode(errors="replace").strip().split("\n")
        self.last_line = lines[-1] or "killed?"


def end_reason(exit_code: int) -> str:
    """Say what ended a process, given its exit code (negative: a signal's number); "" for success."""
    if exit_code >= 0:
        return f"exit code {exit_code}" if exit_code else ""
    if -exit_code == signal.SIGKILL:
        return "killed by SIGKILL (out of memory?)"
    known = {number.value: number.name for number in signal.Signals}
    return f"killed by {known.get(-exit_code, f'signal {-exit_code}')}"

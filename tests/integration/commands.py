"""Sweeps as a user starts them: commands in processes of their own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sweeper.records.record import Record

ROOT = Path(__file__).resolve().parents[2]
MARK = "SWEEPER_TEST"  # names the environment of a command's processes, however they came to be

RUN = ("-m", "sweeper.run")
NOOP = (
    "framework.name=noop",
    "framework._target_=tests.noop.Noop",
    "model=rd",
    "data.limit=20",
    "tracking=none",
    "hydra.launcher.preload=[torch]",
)


@dataclass
class Command:
    """A command line that is started in a directory; what it prints is in a file."""

    arguments: Sequence[str]
    directory: Path
    output: Path = field(init=False)
    mark: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self.output = self.directory / f"{self.mark}.output"

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "launchers"), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "120", MARK: self.mark}

    @property
    def line(self) -> list[str]:
        return [sys.executable, *self.arguments]

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.line, cwd=self.directory, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False
        )

    def succeed(self) -> subprocess.CompletedProcess[str]:
        """Run it; it must end with exit code 0."""
        done = self.run()
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def start_on_a_terminal(self) -> tuple[int, int]:
        """Start it in the foreground of a new terminal; returns its process id and the terminal's descriptor."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execve(sys.executable, self.line, self.environment)
        return pid, terminal

    def processes(self) -> list[int]:
        """Ids of all living processes that stem from it, children of children too."""
        wanted, found = f"{MARK}={self.mark}".encode(), []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if wanted in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:  # it has just ended
                continue
        return found


def sweep(place: Path, study: str, *arguments: str) -> Command:
    return Command([*RUN, *arguments, f"study={study}"], place)


def record(place: Path, study: str, seed: int) -> Record:
    (path,) = (place / "outputs" / study).glob(f"*-s{seed}-*")
    return Record(path)


def launches(record: Record) -> int:
    description = record.description()
    assert description is not None
    return len(description["provenance"]["launches"])


def epochs(record: Record) -> list[int]:
    return [metric.epoch for metric in record.metrics() if metric.key == "test/accuracy"]

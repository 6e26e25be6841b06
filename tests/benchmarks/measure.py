"""What the benchmarks share: a command's time, and a table of what came out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments from the repository's root.

    Raises RuntimeError with the end of its output when it ends with another exit code than expected.
    """
    run = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    if run.returncode != expect:
        raise RuntimeError(f"exit code {run.returncode}: {run.args}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run


def seconds(*arguments: str, expect: int = 0) -> float:
    """Wall time in seconds of Python with arguments. Raises RuntimeError."""
    began = time.perf_counter()
    python(*arguments, expect=expect)
    return time.perf_counter() - began


def said(*arguments: str) -> str:
    """What Python with arguments prints. Raises RuntimeError."""
    return python(*arguments).stdout


def imported(*arguments: str, expect: int = 0) -> set[str]:
    """Names of all modules that Python with arguments imports. Raises RuntimeError."""
    run = python("-X", "importtime", *arguments, expect=expect)
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}


@dataclass(frozen=True)
class Updates:
    """A report that calls a function with each update's number, and takes every epoch for the best, or none."""

    ended: Callable[[int], None] = lambda _: None
    best: bool = False

    def epoch(self, *_: object) -> bool:
        """Keep the weights where every epoch is the best."""
        return self.best

    def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        """Tell the update's number."""
        self.ended(step)

    def must_stop(self) -> bool:
        """Never stop it."""
        return False

    def predictions(self, *_: object) -> None:
        """Keep none."""

    def model(self, *_: object) -> None:
        """Count nothing."""


def environment() -> dict[str, str]:
    """The environment with this repository's packages first."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "launchers"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their heads, the first column to the left."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells))
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")

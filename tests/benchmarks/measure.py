"""What the benchmarks share: a command's time, and a table of what came out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def seconds(*arguments: str, expect: int = 0) -> float:
    """Run Python with arguments from the repository's root and return its wall time in seconds.

    Raises RuntimeError with the command's last words when it ends with another exit code than expected.
    """
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    check(run, expect)
    return took


def said(*arguments: str) -> str:
    """Run Python with arguments from the repository's root and return what it prints. Raises RuntimeError."""
    run = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    check(run, 0)
    return run.stdout


def check(run: subprocess.CompletedProcess[str], expect: int) -> None:
    """Raise RuntimeError with a command's last words when it ended with another exit code than expected."""
    if run.returncode != expect:
        raise RuntimeError(f"exit code {run.returncode}: {run.args}\n{run.stdout[-2000:]}{run.stderr[-2000:]}")


def imported(*arguments: str) -> set[str]:
    """Names of all modules that Python imports when run with arguments."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], cwd=ROOT, env=environment(), stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}


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

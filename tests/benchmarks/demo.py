"""The demo in a fresh directory: its time, the time of the same command again, and what five seeds show.

    python -m tests.benchmarks.demo
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table


def run(directory: str, module: str, *arguments: str) -> tuple[float, str]:
    """Return a command's seconds and what it printed."""
    started = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    printed = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, printed


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as directory:
        first, _ = run(directory, "sweeper.run", "-m", "model=pt,rd", "seed=1,2,3")
        again, _ = run(directory, "sweeper.run", "-m", "model=pt,rd", "seed=1,2,3")
        more, _ = run(directory, "sweeper.run", "-m", "model=pt,rd", "seed=1,2,3,4,5")
        report = json.loads(run(directory, "sweeper.report", "outputs/demo", "--format", "json")[1])
    times = Table("command", "seconds", "of the first")
    for name, seconds in (("seed=1,2,3, pretraining included", first), ("again", again), ("seed=1,2,3,4,5", more)):
        times.add_row(name, f"{seconds:.1f}", f"{seconds / first:.2f}")
    groups = Table("model", "test accuracy (%)", "sd", "n")
    means = {}
    for row in report["groups"]:
        model, test = row["factors"]["model"], row["test"]
        means[model] = 100 * test["mean"]
        groups.add_row(model, f"{means[model]:.1f}", f"{100 * test['sd']:.1f}", str(test["n"]))
    console = Console()
    console.print(times, groups, f"pt − rd: {means['pt'] - means['rd']:+.1f} points; chance is 50")


if __name__ == "__main__":
    main()

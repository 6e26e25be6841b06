"""How soon the commands that train nothing answer, beside `import hydra` alone.

    python -m tests.benchmarks.startup
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

REPETITIONS = 5
COMMANDS = {
    "python -c 'import hydra'": ["-c", "import hydra"],
    "sweeper.run --help": ["-m", "sweeper.run", "--help"],
    "sweeper.run, wrong key": ["-m", "sweeper.run", "train.epoch=3"],
    "sweeper.run -m, wrong choice": ["-m", "sweeper.run", "-m", "model=pt,xx"],
    "sweeper.status, no such study": ["-m", "sweeper.status", "nowhere"],
}


def median_seconds(arguments: Sequence[str]) -> float:
    """Median wall time of a command, in seconds."""
    seconds = []
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(REPETITIONS):
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], cwd=directory, capture_output=True, check=False)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def imports_torch(arguments: Sequence[str]) -> bool:
    """Whether a command imports torch."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-X", "importtime", *arguments]
        run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return any(line.endswith("| torch") or line.endswith(" torch") for line in run.stderr.splitlines())


def main() -> None:
    """Print the table."""
    base = median_seconds(COMMANDS["python -c 'import hydra'"])
    table = Table("command", "seconds (median of 5)", "of import hydra", "imports torch")
    for name, arguments in COMMANDS.items():
        seconds = median_seconds(arguments)
        table.add_row(name, f"{seconds:.2f}", f"{seconds / base:.1f}", "yes" if imports_torch(arguments) else "no")
    Console().print(table)


if __name__ == "__main__":
    main()

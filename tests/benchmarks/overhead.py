"""What a trial costs beyond Hydra's own composition: 50 trials of a framework that does nothing, two at a time.

    python -m tests.benchmarks.overhead

Hydra's part is measured in the same run: its basic sweeper composes every combination twice (to validate, to launch).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from sweeper.config import CONFIG_DIRECTORY, register

TRIALS = 50
NOOP = ["model=rd", "framework.name=noop", "framework._target_=tests.noop.Noop", "tracking=none"]
ROOT = Path(__file__).parents[2]


def sweep_seconds(outputs: str, first: int, count: int) -> float:
    """Seconds of a whole sweep over new seeds, two trials at a time."""
    seeds = ",".join(str(seed) for seed in range(first, first + count))
    arguments = [*NOOP, f"seed={seeds}", "hydra.launcher.jobs=2", f"outputs={outputs}"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "sweeper.run", "-m", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def composition_seconds() -> float:
    """Seconds that Hydra needs to compose all combinations twice."""
    register()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        started = time.perf_counter()
        for _ in range(2):
            for seed in range(TRIALS):
                compose("config", [*NOOP, f"seed={seed}"], return_hydra_config=True)
        return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as outputs:
        sweep_seconds(outputs, 0, 1)  # fills the cache
        one = sweep_seconds(outputs, 1000, 1)
        all_trials = sweep_seconds(outputs, 2000, TRIALS)
    composing = composition_seconds()
    table = Table("", "seconds", "a trial", "of composing")
    rows = [
        (f"Hydra composes {TRIALS} trials", composing),
        (f"sweep of {TRIALS} trials, start included", all_trials),
        ("sweep of 1 trial (start: libraries imported once)", one),
        ("overhead, start included", all_trials - composing),
        ("overhead beyond the start", all_trials - one - composing),
    ]
    for name, seconds in rows:
        table.add_row(name, f"{seconds:.2f}", f"{seconds / TRIALS:.3f}", f"{seconds / composing:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()

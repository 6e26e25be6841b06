"""How soon the light commands answer, beside importing Hydra alone: python -m tests.benchmarks.startup.

Wanted: 1.5 s at most, and no torch.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.measure import imported, print_table, seconds
from tests.records import write_demo

REPETITIONS = 5
HEAVY = ("torch", "transformers", "datasets", "mlflow")


def main() -> None:
    """Run every command several times, in turns, and print the fastest and the slowest."""
    with tempfile.TemporaryDirectory() as directory:
        study = Path(directory, "demo")
        write_demo(study)
        commands = {
            "import hydra": (["-c", "import hydra"], 0),
            "--help": (["-m", "sweeper.run", "--help"], 0),
            "a wrong key": (["-m", "sweeper.run", "-m", "seeed=1,2"], 2),
            "a wrong value": (["-m", "sweeper.run", "-m", "seed=1,2", "train.epochs=0"], 2),
            "status": (["-m", "sweeper.status", str(study)], 0),
            "report": (["-m", "sweeper.report", str(study)], 0),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPETITIONS):
            for name, (arguments, code) in commands.items():
                times[name].append(seconds(*arguments, expect=code))
        hydra = min(times["import hydra"])
        rows = []
        for name, (arguments, code) in commands.items():
            heavy = imported(*arguments, expect=code).intersection(HEAVY)
            fast, slow = min(times[name]), max(times[name])
            rows.append([name, f"{fast:.2f}", f"{slow:.2f}", f"{fast / hydra:.1f}", ", ".join(sorted(heavy)) or "none"])
    print_table(["command", "fastest (s)", "slowest (s)", "fastest / hydra", "heavy imports"], rows)


if __name__ == "__main__":
    main()

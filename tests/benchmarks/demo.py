"""The demo from nothing, again, and with five seeds: python -m tests.benchmarks.demo.

Wanted: 3 minutes, pretraining included; 6 s for the same again; over seeds 1-5 pretrained at least 10 points of mean
test accuracy above random, and random above chance (50 %).
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from sweeper.records.record import records
from tests.benchmarks.measure import print_table, seconds
from tests.records import best_metrics


def main() -> None:
    """Run the demo in a new directory and print times and accuracies."""
    with tempfile.TemporaryDirectory() as directory:
        sweep = ["-m", "sweeper.run", "-m", "model=pt,rd", f"outputs={directory}"]
        first = seconds(*sweep, "seed=1,2,3")
        again = seconds(*sweep, "seed=1,2,3")
        seconds(*sweep, "seed=1,2,3,4,5")
        pretrained, random = (test_accuracies(Path(directory, "demo"), model) for model in ("pt", "rd"))
    print_table(
        ["", "measured", "wanted"],
        [
            ["first run (s)", f"{first:.1f}", "180 at most"],
            ["the same again (s)", f"{again:.1f}", "6 at most"],
            ["pretrained, test accuracy (%)", spread(pretrained), ""],
            ["random, test accuracy (%)", spread(random), "above 50"],
            ["difference (points)", f"{statistics.mean(pretrained) - statistics.mean(random):.1f}", "10 at least"],
        ],
    )


def test_accuracies(study: Path, model: str) -> list[float]:
    """Test accuracy (%) of each trial of a model, at its best validation epoch."""
    found = []
    for record in records(study):
        description = record.description()
        assert description is not None
        if description["choices"]["model"] == model:
            found.append(100 * best_metrics(record.path)["test/accuracy"])
    assert len(found) == 5
    return found


def spread(accuracies: list[float]) -> str:
    """Mean and sample standard deviation."""
    return f"{statistics.mean(accuracies):.1f} ± {statistics.stdev(accuracies):.1f}"


if __name__ == "__main__":
    main()

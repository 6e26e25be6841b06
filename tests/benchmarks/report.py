"""What a report of many trials takes: python -m tests.benchmarks.report.

Writes records of finished trials, 5 epochs each, 2 models × 2 frameworks × learning rates × seeds, with the real
writer but for its waiting for the disk, then the whole report of each study on one core. Wanted for 10,000 trials:
20 s and 1 GB at most; for 1,000: a page below 5 MB.
"""

from __future__ import annotations

import json
import os
import tempfile
from itertools import product
from pathlib import Path
from random import Random
from unittest import mock

from tests.benchmarks.measure import print_table, said
from tests.records import trial, write

SEEDS = 5
MEASURED = """
import json, os, resource, sys, time
from pathlib import Path
from sweeper.report.directory import write_report
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
began = time.perf_counter()
directory = write_report(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "wall": time.perf_counter() - began,
    "cpu": used.ru_utime + used.ru_stime,
    "memory": used.ru_maxrss * 1024,
    "page": (directory / "report.html").stat().st_size,
    "whole": sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()),
}))
"""


def main() -> None:
    """Report studies of three sizes and print time, memory and sizes."""
    rows = []
    for trials in (100, 1000, 10_000):
        with tempfile.TemporaryDirectory() as directory:
            generate(Path(directory), trials)
            found = json.loads(said("-c", MEASURED, directory))
        took = [f"{found['wall']:.1f}", f"{found['cpu']:.1f}", f"{found['memory'] / 1e6:.0f}"]
        rows.append([f"{trials:,}", *took, f"{found['page'] / 1e6:.2f}", f"{found['whole'] / 1e6:.1f}"])
    print_table(["trials", "wall (s)", "CPU (s)", "memory (MB)", "page (MB)", "all files (MB)"], rows)


def generate(study: Path, trials: int) -> None:
    """Write the records of a study of so many trials, a multiple of 4 · `SEEDS`."""
    random = Random(1)
    rates = [1e-3 * 0.99**number for number in range(trials // (4 * SEEDS))]
    with mock.patch("os.fsync"):  # a trial takes minutes, and nobody waits for its disk
        for model, framework, rate, seed in product(("pt", "rd"), ("hf", "fairseq"), rates, range(1, SEEDS + 1)):
            values = [random.random() for _ in range(5)]
            write(study, trial(model, framework, seed=seed, train={"learning_rate": rate}), values, values)


if __name__ == "__main__":
    assert hasattr(os, "sched_setaffinity"), "one core can be asked for on Linux only"
    main()

"""What an update of fairseq costs here beside fairseq's own command: python -m tests.benchmarks.fairseq.

Both train the same model from the same weights on the same batches, one thread, a process each, in turns. Printed are
seconds an update, evaluations excluded, and seconds of the whole training after all imports. Wanted: an update at most
5 % slower than the command's. The command writes its best checkpoints besides, the program the best weights.
"""

from __future__ import annotations

import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measure import Updates, print_table, said

ROUNDS, EPOCHS, UPDATES_PER_EPOCH = 5, 2, 25  # the demo's 200 texts in batches of 8
ARCHES = ("roberta_tiny", "roberta_small_fr")
KINDS = ("command", "program")
SELF = ("-m", "tests.benchmarks.fairseq")  # by its file it would be what `import fairseq` finds


def main() -> None:
    """Measure both in turns and print the medians."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        for arch in ARCHES:
            said(*SELF, "prepare", arch, directory)
            found: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
            for _ in range(ROUNDS):
                for kind, times in found.items():
                    times.append([float(word) for word in said(*SELF, kind, arch, directory).split()[-2:]])
            for number, name in enumerate(("update", "training")):
                command, program = (median(times[number] for times in found[kind]) for kind in KINDS)
                rows.append([f"{arch}: {name} (s)", f"{command:.4f}", f"{program:.4f}", f"{program / command:.3f}"])
    print_table(["", *KINDS, "program / command"], rows)


class Clock:
    """Measures fairseq's trainer from outside: from the end of each epoch's first update to that of its last."""

    def __init__(self) -> None:
        from fairseq.trainer import Trainer

        self.began = time.perf_counter()
        self.first = 0.0
        self.seconds = 0.0
        train_step = Trainer.train_step

        def timed(trainer: Any, *args: Any, **kwargs: Any) -> Any:
            result = train_step(trainer, *args, **kwargs)
            self.update(trainer.get_num_updates())
            return result

        Trainer.train_step = timed

    def update(self, number: int) -> None:
        """Note the end of an update."""
        now = time.perf_counter()
        if number % UPDATES_PER_EPOCH == 1:
            self.first = now
        if number % UPDATES_PER_EPOCH == 0:
            self.seconds += now - self.first

    def tell(self) -> None:
        """Print seconds an update and of the whole training."""
        print(self.seconds / (EPOCHS * (UPDATES_PER_EPOCH - 1)), time.perf_counter() - self.began)


def one(kind: str, arch: str, outputs: Path) -> None:
    """Train once, in this process; "prepare" makes what both need."""
    import torch

    from sweeper.frameworks.fairseq.arguments import arguments
    from sweeper.frameworks.fairseq.binarised import binarised
    from sweeper.frameworks.fairseq.training import logged, train
    from tests.contracts.frameworks import make_trial

    torch.set_num_threads(1)
    # fairseq's own random weights: the command makes them, too.
    settings = [f"arch={arch}", "data.limit=null", "framework.fairseq.initialization=own", f"train.epochs={EPOCHS}"]
    trial = make_trial(outputs, "framework=fairseq", *settings)
    data = binarised(trial)
    if kind == "prepare":
        return
    with tempfile.TemporaryDirectory(dir=outputs) as place:
        clock = Clock()
        if kind == "program":
            train(trial, Path(place), Updates(best=True))
        else:
            sys.argv[1:] = arguments(trial, EPOCHS * UPDATES_PER_EPOCH, data, Path(place))
            with logged():
                import_module("fairseq_cli.train").cli_main()
        clock.tell()


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else one(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

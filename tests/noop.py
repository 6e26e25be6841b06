"""A framework from outside the package, for tests: it measures nothing and says so at once.

Used as any other of a user's own: importable from the working directory or PYTHONPATH, and named by
`framework.name=noop framework._target_=tests.noop.Noop`.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.frameworks import Interrupted, Report
from sweeper.trial import Trial

if TYPE_CHECKING:
    from torch import nn

OPTIONS = {
    "raises": "seed of the trial that raises in its second epoch",
    "dies": "seed of the trial that is killed in its second epoch",
    "once": "directory that remembers a mishap, for it to happen a single time",
    "seconds": "length of an epoch",
    "awaits": "file without which its second epoch does not end",
    "megabytes": "memory that it takes",
}


class Noop:
    """The adapter; its accuracy is a function of seed and epoch."""

    def check(self, trial: Trial) -> None:
        """Refuse options that it does not know."""
        for name in trial.framework.options:
            if name not in OPTIONS:
                raise WrongInput(f"framework.options.{name}: unknown key\nallowed there: {', '.join(OPTIONS)}")

    def build(self, trial: Trial) -> nn.Module:
        """Return a module without parameters."""
        from torch import nn

        return nn.Identity()

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Report every epoch that is not in the checkpoint, which is a file with a number."""
        options = trial.framework.options
        print("GPU", os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
        checkpoint = directory / "checkpoint" / "epoch"
        checkpoint.parent.mkdir(exist_ok=True)
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        taken = bytes(options.get("megabytes", 0) * 2**20)
        taken = taken.replace(b"\0", b"x")  # touched, and so resident
        for epoch in range(done + 1, trial.train.epochs + 1):
            if epoch == 2:
                mishap(trial)
            time.sleep(options.get("seconds", 0.0))
            while epoch == 2 and not Path(options.get("awaits", os.curdir)).exists() and not report.must_stop():
                time.sleep(0.02)
            report.progress(epoch, 10 * epoch, 10 * trial.train.epochs, lambda: 1.0)
            accuracy = 0.5 + (trial.seed % 10) / 100 + epoch / 1000
            metrics = {"train/loss": 1 / epoch, "valid/accuracy": accuracy, "test/accuracy": accuracy - 0.01}
            if report.epoch(epoch, 10 * epoch, metrics):
                (directory / "best").mkdir(exist_ok=True)
            checkpoint.write_text(str(epoch))
            if report.must_stop() and epoch < trial.train.epochs:
                raise Interrupted(10 * epoch)

    def export(self, directory: Path, destination: Path) -> None:
        """Copy the best weights, of which there are none."""
        shutil.copytree(directory / "best", destination)


def mishap(trial: Trial) -> None:
    """Let happen what the options wish on the trial."""
    options = trial.framework.options
    if "once" in options:
        known = Path(options["once"]) / str(trial.seed)
        if known.exists():
            return
        known.parent.mkdir(exist_ok=True)
        known.touch()
    if options.get("raises") == trial.seed:
        raise RuntimeError("as the test wished")
    if options.get("dies") == trial.seed:
        os.kill(os.getpid(), signal.SIGKILL)

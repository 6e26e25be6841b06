"""Frameworks: adapters from a trial to the library that trains it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sweeper.progress import Report
from sweeper.trial import Trial

if TYPE_CHECKING:
    from torch import nn


class Framework(Protocol):
    """One way to train a trial. Its module imports nothing heavy; its methods may."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what this framework cannot do; imports nothing heavy."""

    def build(self, trial: Trial) -> nn.Module:
        """Return the model as it would be trained, its random weights drawn from the trial's seed."""

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Train, resuming from `directory/checkpoint` when there is one; keep the best weights in `directory/best`.

        Seeds everything before the first weight is made, and reports once an epoch.
        """

    def export(self, directory: Path, destination: Path) -> None:
        """Write the best weights of a finished trial as a Transformers directory."""

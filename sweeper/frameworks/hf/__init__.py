"""framework=hf: an encoder fine-tuned with Transformers' own models and Trainer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.frameworks import check_classifies_encoders, check_precision
from sweeper.frameworks.reporter import Report
from sweeper.trial.trial import Trial

if TYPE_CHECKING:
    from torch import nn


class HuggingFace:
    """The adapter; what needs torch is in `sweeper.frameworks.hf.training`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what Transformers' Trainer cannot do on the trial's device."""
        check_precision(trial)
        check_classifies_encoders(trial)

    def build(self, trial: Trial) -> nn.Module:
        """Return the classifier, its random weights drawn from the trial's seed."""
        from sweeper.frameworks.hf.training import build

        model: nn.Module = build(trial)
        return model

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Fine-tune with the Trainer; see `Framework.train`."""
        from sweeper.frameworks.hf.training import train

        train(trial, directory, report)

    def export(self, directory: Path, destination: Path) -> None:
        """Copy the best weights, which are a Transformers directory already."""
        shutil.copytree(directory / "best", destination)

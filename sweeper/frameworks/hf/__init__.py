"""framework=hf: an encoder or a causal language model fine-tuned with Transformers' own models and Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.frameworks import Framework, Report, check_precision
from sweeper.frameworks.classifier_checks import check_classifies, check_roberta
from sweeper.trial import Trial
from sweeper.trial.settings import FrameworkSettings

if TYPE_CHECKING:
    from torch import nn


class HuggingFace(Framework):
    """The adapter; what needs torch is in `training`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what Transformers' Trainer cannot do on the trial's device."""
        check_precision(trial)
        check_classifies(trial)
        if trial.framework.hf.match_fairseq:
            check_roberta(trial, "framework.hf.match_fairseq=true")

    def has_head(self, settings: FrameworkSettings) -> bool:  # noqa: ARG002  the contract's
        """Every model classifies by a head here."""
        return True

    def build(self, trial: Trial) -> nn.Module:
        """Return the classifier, its random weights drawn from the trial's seed."""
        from sweeper.frameworks.hf.training import build

        model: nn.Module = build(trial)
        return model

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Fine-tune with the Trainer; see `Framework.train`."""
        from sweeper.frameworks.hf.training import train

        train(trial, directory, report)

"""framework=fairseq: a RoBERTa fine-tuned by fairseq 0.12.2 itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.frameworks import Framework, Report, check_precision
from sweeper.frameworks.classifier_checks import check_classifies, check_roberta
from sweeper.frameworks.fairseq.mends import check_version
from sweeper.trial import Trial
from sweeper.trial.settings import LARGEST_SEED

if TYPE_CHECKING:
    from torch import nn


LAYER_NORM_EPS = 1e-5  # hard-wired in fairseq


class Fairseq(Framework):
    """The adapter; what needs torch is in `training`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what fairseq's sentence prediction cannot do, and where it is not installed."""
        check_version()
        check_roberta(trial, "framework=fairseq")
        check_classifies(trial)
        if trial.arch.layer_norm_eps != LAYER_NORM_EPS:
            raise WrongInput(
                f"framework=fairseq does not do layer_norm_eps={trial.arch.layer_norm_eps} of arch={trial.arch.name}\n"
                f"allowed: {LAYER_NORM_EPS}"
            )
        check_precision(trial)
        if trial.data_seed + trial.train.epochs > LARGEST_SEED:
            raise WrongInput(
                f"data_seed={trial.data_seed} leaves fairseq no room to add the epoch's number\n"
                f"allowed: at most {LARGEST_SEED - trial.train.epochs}"
            )

    def build(self, trial: Trial) -> nn.Module:
        """Return the classifier with its first weights, without what fairseq builds but never uses."""
        from sweeper.frameworks.fairseq.model import build

        return build(trial)

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Fine-tune with fairseq's training command; see `Framework.train`."""
        from sweeper.frameworks.fairseq.training import train

        train(trial, directory, report)

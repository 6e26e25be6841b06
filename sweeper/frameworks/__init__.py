"""Frameworks, adapters from a trial to the library that trains it: the contract, and what its authors need.

Beside what is handed on here: `inputs`, what a trial reads, and `metrics`, what outputs are worth.
"""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sweeper.data import DataSettings
from sweeper.errors import WrongInput
from sweeper.frameworks.interruption import Interrupted
from sweeper.frameworks.reporter import Answers, Report
from sweeper.records.classes import Allowed
from sweeper.records.importing import loading
from sweeper.trial import Trial
from sweeper.trial.settings import FrameworkSettings, Precision

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "ALLOWED",
    "MOVED",
    "Answers",
    "Framework",
    "Interrupted",
    "Report",
    "check_precision",
    "load_framework",
]

# How earlier versions called the modules that training imports; their YAML and records name them to be preloaded.
MOVED = {
    "sweeper.frameworks.fairseq_training": "sweeper.frameworks.fairseq.training",
    "sweeper.frameworks.hf_training": "sweeper.frameworks.hf.training",
    "sweeper.frameworks.lora_training": "sweeper.frameworks.lora.classification",
    "sweeper.frameworks.qa_training": "sweeper.frameworks.lora.questions",
}


class Framework(Protocol):
    """One way to train a trial. Its module imports nothing heavy; its methods may."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what this framework cannot do; imports nothing heavy."""

    def build(self, trial: Trial) -> nn.Module:
        """Return the model as it would be trained, its random weights drawn from the trial's seed."""

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Train, resuming from `directory/checkpoint` when there is one; keep the best weights in `directory/best`.

        Seeds everything before the first weight is made, and reports once an epoch. Asked to stop (`Report.must_stop`),
        it writes a checkpoint and raises `Interrupted`.
        """

    def has_head(self, settings: FrameworkSettings) -> bool:  # noqa: ARG002  for those that can choose
        """Whether a causal language model classifies by a head here; else it answers in words, in a prompt."""
        return False

    def export(self, directory: Path, destination: Path) -> None:
        """Write the best weights of a finished trial as a Transformers directory; `best` may be one already."""
        shutil.copytree(directory / "best", destination)


# What a record may name
ALLOWED = Allowed(data=DataSettings, methods=("check", "build", "train", "export"))


def check_precision(trial: Trial) -> None:
    """Raise WrongInput for half precision that a CPU cannot train in."""
    if trial.train.precision is Precision.fp16 and trial.device == "cpu":
        raise WrongInput("train.precision=fp16 needs a GPU\nallowed on a CPU: fp32, bf16")


def load_framework(trial: Trial) -> Framework:
    """Return the adapter that the trial's framework names. Raises WrongInput when there is no such class."""
    return load_adapter(trial.framework)


def has_head(adapter: Framework, settings: FrameworkSettings) -> bool:
    """Whether a causal language model classifies by a head; a class with the four methods alone does not say."""
    asked = getattr(adapter, "has_head", None)
    return bool(asked(settings)) if callable(asked) else False


def load_adapter(settings: FrameworkSettings) -> Framework:
    """Return the adapter that a framework's settings name. Raises WrongInput when there is no such class."""
    target = settings._target_
    module, _, name = target.rpartition(".")
    with loading(f"framework._target_={target}"):
        kind = getattr(import_module(module), name)
        if isinstance(kind, type) and ALLOWED.is_framework(kind):
            adapter: Framework = kind()
            return adapter
    raise WrongInput(
        f"framework._target_={target} is no framework\nneeded: the methods of sweeper.frameworks.Framework"
    )

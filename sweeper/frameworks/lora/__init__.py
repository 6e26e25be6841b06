"""framework=lora: a causal language model or an encoder under PEFT's LoRA, trained with Transformers' Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.data.facts import read_facts
from sweeper.data.verbalisers import verbalisers
from sweeper.frameworks import ALLOWED, Framework, Report
from sweeper.frameworks.lora import checks
from sweeper.records.files import write_json
from sweeper.records.record import Record
from sweeper.records.restore import restored
from sweeper.tokens.prompts import PROMPTS, prompt_text
from sweeper.trial import Trial
from sweeper.trial.settings import ClassifiedBy, FrameworkSettings

if TYPE_CHECKING:
    from torch import nn

    from sweeper.tokens.tokenizer import Tokenizer


class Lora(Framework):
    """The adapter; what needs torch is in `classification`, `head`, `questions` and `model`."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what cannot be adapted, or not on the trial's device."""
        checks.check(trial)

    def has_head(self, settings: FrameworkSettings) -> bool:
        """Whether a causal language model is asked to classify by a head."""
        return settings.lora.classify is ClassifiedBy.head

    def build(self, trial: Trial) -> nn.Module:
        """Return the base under its adapter, random weights drawn from the trial's seed."""
        from sweeper.frameworks.lora.model import build

        model: nn.Module = build(trial)
        return model

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Train the adapter with the Trainer; see `Framework.train`."""
        if trial.task.name == "qa":
            from sweeper.frameworks.lora.questions import train
        elif checks.has_head(trial):
            from sweeper.frameworks.lora.head import train
        else:
            from sweeper.frameworks.lora.classification import train
        train(trial, directory, report)

    def export(self, directory: Path, destination: Path) -> None:
        """Write the base with the best adapter merged into it, and how it is asked where it has no head."""
        from sweeper.frameworks.lora.model import export

        tokenizer = export(directory, destination)
        trial = restored(directory, ALLOWED)
        if not checks.has_head(trial):
            known = read_facts((Record(directory).description() or {}).get("facts", {}))  # the data set may be gone
            write_json(destination / PROMPTS, prompting(trial, tokenizer, known.label_names if known else ()))


def prompting(trial: Trial, tokenizer: Tokenizer, names: Sequence[str] = ()) -> dict[str, Any]:
    """Return how a trial's model is asked: the prompt, and of a classifier each class's answer and what decides.

    `names` are the classes where they are known already.
    """
    asked = {
        "prompt": prompt_text("{question}"),
        "answer": " {answer}",
        "begins": tokenizer.begins,
        "ends": tokenizer.ends,
    }
    if trial.task.name == "qa":
        return asked
    names = names or trial.data.label_names()
    answers = dict(zip(names, verbalisers(trial.data, names), strict=True))
    mean = ", over its number of ids" if trial.framework.lora.length_normalised else ""
    return asked | {"classes": answers, "class": f"the greatest log-likelihood of answer and end{mean}"}

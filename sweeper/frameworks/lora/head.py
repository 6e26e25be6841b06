"""task=classification of framework=lora by a head: the adapter is trained, and what is beside the model's body."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from peft import PeftModel

from sweeper.frameworks import inputs
from sweeper.frameworks.fine_tuning import ClassifierTrainer, classifier_collator, fine_tuner
from sweeper.frameworks.lora.model import base_files, build
from sweeper.frameworks.reporter import Report
from sweeper.trial import Trial


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train adapter and head; see `Framework.train`."""
    model = build(trial)
    trainer_of(trial, directory, report, model, base_files(trial, model, directory / "best")).run()


def trainer_of(
    trial: Trial,
    directory: Path,
    report: Report,
    model: PeftModel,
    extra_files: Mapping[str, str] = MappingProxyType({}),
) -> ClassifierTrainer:
    """Return the Trainer of a trial's model, before the first update or as it is to be measured."""
    columns = inputs.tokenized(trial)["train"].column_names
    collator = classifier_collator(model.get_base_model(), columns, trial.train.max_length)
    return fine_tuner(ClassifierTrainer, trial, directory, report, model, collator, extra_files)

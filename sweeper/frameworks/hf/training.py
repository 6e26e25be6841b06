"""Fine-tuning a classifier with Transformers' Trainer."""

from __future__ import annotations

from pathlib import Path

from torch import nn
from transformers import PreTrainedModel

from sweeper.frameworks import fine_tuning, inputs
from sweeper.frameworks.classifier import build_classifier
from sweeper.frameworks.fine_tuning import classifier_collator, fine_tuner
from sweeper.frameworks.reporter import Report
from sweeper.trial import Trial


def build(trial: Trial) -> PreTrainedModel:
    """Return the classifier, its random weights drawn from the trial's seed."""
    model = build_classifier(trial)
    if trial.framework.hf.match_fairseq:
        for name, parameter in model.named_parameters():
            if "token_type_embeddings" in name:  # which fairseq's RoBERTa lacks
                parameter.requires_grad_(False)
    return model


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    trainer_of(trial, directory, report, build(trial)).run()


def trainer_of(trial: Trial, directory: Path, report: Report, model: PreTrainedModel) -> ClassifierTrainer:
    """Return the Trainer of a trial's classifier, before its first update or as it is to be measured."""
    columns = inputs.tokenized(trial)["train"].column_names
    collator = classifier_collator(model, columns, trial.train.max_length)
    trainer = fine_tuner(ClassifierTrainer, trial, directory, report, model, collator)
    trainer.decay_all = trial.framework.hf.match_fairseq
    return trainer


class ClassifierTrainer(fine_tuning.ClassifierTrainer):
    """The Trainer, which decays every parameter on demand, as fairseq does."""

    decay_all = False

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Return the parameters that weight decay applies to: by default no bias and no norm."""
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        names: list[str] = super().get_decay_parameter_names(model)
        return names

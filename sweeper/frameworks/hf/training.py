"""Fine-tuning a classifier with Transformers' Trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sweeper.frameworks.fine_tuning import build_classifier, fine_tuner, padded
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import ReportingTrainer
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
    trainer = fine_tuner(ClassifierTrainer, trial, directory, report, model, Collator(model.config.pad_token_id))
    trainer.decay_all = trial.framework.hf.match_fairseq
    return trainer


@dataclass(frozen=True)
class Collator:
    """Pads a batch to its longest example."""

    pad_id: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask [batch, longest] and labels [batch]."""
        ids, mask = padded([example["input_ids"] for example in examples], self.pad_id)
        labels = torch.tensor([example["labels"] for example in examples])
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class ClassifierTrainer(ReportingTrainer):
    """The Trainer, which decays every parameter on demand, as fairseq does."""

    measure = staticmethod(classification_metrics)
    decay_all = False

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Return the parameters that weight decay applies to: by default no bias and no norm."""
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        names: list[str] = super().get_decay_parameter_names(model)
        return names

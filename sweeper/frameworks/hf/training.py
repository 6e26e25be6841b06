"""Fine-tuning with Transformers' Trainer: the arguments, and its events reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers.utils.logging import disable_progress_bar

from sweeper.data import EVALUATED
from sweeper.frameworks import inputs
from sweeper.frameworks.fine_tuning import build_classifier, by_length, freeze_token_types, measure, training_arguments
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import Watch, WatchedTrainer
from sweeper.trial.trial import Trial


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    disable_progress_bar()  # a log is no terminal
    model = build_classifier(trial)
    if trial.framework.hf.match_fairseq:
        freeze_token_types(model)
    splits = inputs.tokenized(trial)
    watch = Watch(directory, report, inputs.tokenizer(trial), EVALUATED)
    trainer = ClassifierTrainer(
        model=model,
        args=training_arguments(trial, len(splits["train"]), directory / "checkpoint"),
        data_collator=Collator(model.config.pad_token_id),
        train_dataset=splits["train"],
        eval_dataset={name: by_length(splits[name]) for name in EVALUATED},
        compute_metrics=measure,
        watch=watch,
    )
    trainer.decay_all = trial.framework.hf.match_fairseq
    trainer.run()


class Collator:
    """Pads a batch to its longest example."""

    def __init__(self, pad_id: int):
        self.pad_id = pad_id

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask [batch, longest] and labels [batch]."""
        rows = [torch.tensor(example["input_ids"]) for example in examples]
        return {
            "input_ids": pad_sequence(rows, batch_first=True, padding_value=self.pad_id),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
            "labels": torch.tensor([example["labels"] for example in examples]),
        }


class ClassifierTrainer(WatchedTrainer):
    """The Trainer, which decays every parameter on demand, as fairseq does."""

    decay_all = False

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Return the parameters that weight decay applies to: by default no bias and no norm."""
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        names: list[str] = super().get_decay_parameter_names(model)
        return names

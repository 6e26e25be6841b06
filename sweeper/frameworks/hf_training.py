"""Fine-tuning with Transformers' Trainer: the arguments, and its events reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import EvalPrediction, TrainingArguments
from transformers.utils.logging import disable_progress_bar

from sweeper import inputs
from sweeper.classifier import build_classifier, total_steps
from sweeper.frameworks.hf import freeze_token_types
from sweeper.metrics import classification_metrics
from sweeper.progress import Report
from sweeper.trainer import Watch, WatchedTrainer, optimisation
from sweeper.trial import Trial

# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    disable_progress_bar()  # a log is no terminal
    model = build_classifier(trial)
    if trial.framework.hf.match_fairseq:
        freeze_token_types(model)
    splits = inputs.tokenized(trial)
    watch = Watch(directory, report, inputs.tokenizer(trial), ("valid", "test"))
    trainer = ClassifierTrainer(
        model=model,
        args=training_arguments(trial, len(splits["train"]), directory / "checkpoint"),
        data_collator=Collator(model.config.pad_token_id),
        train_dataset=splits["train"],
        eval_dataset={name: by_length(splits[name]) for name in ("valid", "test")},
        compute_metrics=measure,
        watch=watch,
    )
    trainer.decay_all = trial.framework.hf.match_fairseq
    trainer.run()


def by_length(split: Dataset) -> Dataset:
    """Return a split with like lengths together, for less padding; in memory, since trials share the files."""
    return split.select(np.argsort(split["length"], kind="stable"), keep_in_memory=True)


def training_arguments(trial: Trial, examples: int, output: Path) -> TrainingArguments:
    """Translate a trial's settings into the Trainer's."""
    return TrainingArguments(
        output_dir=str(output),
        **optimisation(trial.train, total_steps(trial, examples), trial.device),
        seed=trial.seed,
        data_seed=trial.data_seed * DATA_SEED_STRIDE,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
    )


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


def measure(prediction: EvalPrediction) -> dict[str, float]:
    """Metrics of an evaluated data set, computed from all its logits at once."""
    return classification_metrics(prediction.predictions, prediction.label_ids)


class ClassifierTrainer(WatchedTrainer):
    """The Trainer, which decays every parameter on demand, as fairseq does."""

    decay_all = False

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Return the parameters that weight decay applies to: by default no bias and no norm."""
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        names: list[str] = super().get_decay_parameter_names(model)
        return names

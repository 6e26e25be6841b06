"""Fine-tuning with Transformers' Trainer: the model, the arguments, and its events reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoModelForSequenceClassification,
    EvalPrediction,
    PreTrainedModel,
    TrainingArguments,
    set_seed,
)
from transformers.utils.logging import disable_progress_bar

from sweeper import inputs
from sweeper.checkpoints.architecture import transformers_config
from sweeper.metrics import classification_metrics
from sweeper.progress import Report
from sweeper.trainer import Watch, WatchedTrainer, optimisation
from sweeper.trial import Trial, WrongInput

# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003
HEADS = ("classifier.", "score.")  # of a classifier; always random


def build_classifier(trial: Trial) -> PreTrainedModel:
    """Return a sequence classifier of the trial's shape: pretrained body or random, the head always random."""
    set_seed(trial.seed)
    tokenizer = inputs.tokenizer(trial)
    config = transformers_config(trial.arch, tokenizer, labels=trial.data.label_names())
    if trial.model.pretrained:
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            inputs.weights(trial), config=config, output_loading_info=True
        )
        missing = [name for name in loaded["missing_keys"] if not name.startswith(HEADS)]
        if missing:  # they would be random, and the trial no pretrained one
            raise WrongInput(f"model.path={inputs.weights(trial)} lacks {', '.join(missing[:5])}")
        return model
    return AutoModelForSequenceClassification.from_config(config)


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    disable_progress_bar()  # a log is no terminal
    model = build_classifier(trial)
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
    if trial.framework.hf.match_fairseq:
        trainer.match_fairseq()
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


def total_steps(trial: Trial, examples: int) -> int:
    """Updates of the whole training: the epochs' (a last, smaller batch counts), or max_steps when that is fewer."""
    steps = trial.train.epochs * -(-examples // trial.train.batch_size)
    return min(steps, trial.train.max_steps or steps)


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
    """The Trainer, with fairseq's choice of what is frozen and decayed on demand."""

    decay_all = False

    def match_fairseq(self) -> None:
        """Freeze the token-type row, which fairseq's RoBERTa lacks, and decay every parameter, as fairseq does."""
        for name, parameter in self.model.named_parameters():
            if "token_type_embeddings" in name:
                parameter.requires_grad_(False)
        self.decay_all = True

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Return the parameters that weight decay applies to: by default no bias and no norm."""
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        names: list[str] = super().get_decay_parameter_names(model)
        return names

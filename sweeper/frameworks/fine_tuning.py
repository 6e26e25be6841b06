"""What frameworks that fine-tune share: a classifier, the number of updates, and a Trainer of a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, PreTrainedModel, TrainingArguments, set_seed

from sweeper.checkpoints.architecture import transformers_config
from sweeper.data import EVALUATED
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import ReportingTrainer, TrainerReporter, optimisation
from sweeper.trial import Trial

AnyTrainer = TypeVar("AnyTrainer", bound=ReportingTrainer)
HEADS = ("classifier.", "score.")  # of a classifier; always random
# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003


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


def total_steps(trial: Trial, examples: int) -> int:
    """Updates of the whole training: the epochs' (a last, smaller one counts), or max_steps when that is fewer."""
    steps = trial.train.epochs * -(-examples // trial.train.update_size)
    return min(steps, trial.train.max_steps or steps)


def fine_tuner(
    kind: type[AnyTrainer],
    trial: Trial,
    directory: Path,
    report: Report,
    model: PreTrainedModel,
    collator: Callable[[Any], dict[str, Tensor]],
    extra_files: Mapping[str, str] = MappingProxyType({}),
) -> AnyTrainer:
    """Return a Trainer of some kind for a trial's model, data and settings."""
    splits = inputs.tokenized(trial)
    return kind(
        model=model,
        args=training_arguments(trial, len(splits["train"]), directory / "checkpoint"),
        data_collator=collator,
        train_dataset=splits["train"],
        eval_dataset={name: _by_length(splits[name]) for name in EVALUATED},
        reporter=TrainerReporter(directory, report, inputs.tokenizer(trial), EVALUATED, extra_files),
    )


def _by_length(split: Dataset) -> Dataset:
    """Put like lengths together, for less padding; in memory, since trials share the files."""
    return split.select(np.argsort(split["length"], kind="stable"), keep_in_memory=True)


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: str = "right") -> tuple[Tensor, Tensor]:
    """Return ids and attention mask, each [rows, longest]."""
    tensors = [torch.tensor(row) for row in rows]
    pad = partial(pad_sequence, batch_first=True, padding_side=side)
    return pad(tensors, padding_value=pad_id), pad([torch.ones_like(ids) for ids in tensors])


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

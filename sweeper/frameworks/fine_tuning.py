"""What frameworks that fine-tune share: batches, the number of updates, and a Trainer of a trial."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, TrainingArguments

from sweeper.data import EVALUATED
from sweeper.frameworks import inputs
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import ReportingTrainer, TrainerReporter, optimisation
from sweeper.trial import Trial

AnyTrainer = TypeVar("AnyTrainer", bound=ReportingTrainer)
# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003


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
    by_length = np.argsort(split["length"], kind="stable")  # like lengths together need less padding
    return split.select(by_length, keep_in_memory=True)  # trials share the files


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: str = "right") -> tuple[Tensor, Tensor]:
    """Return ids and attention mask, each [rows, longest]."""
    tensors = [torch.tensor(row) for row in rows]
    pad = partial(pad_sequence, batch_first=True, padding_side=side)
    return pad(tensors, padding_value=pad_id), pad([torch.ones_like(ids) for ids in tensors])


@dataclass(frozen=True)
class Collator:
    """Pads a batch to its longest example."""

    pad_id: int
    side: str = "right"
    token_types: bool = False

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask and, where wanted, token_type_ids [batch, longest], and labels [batch]."""
        ids, mask = padded([example["input_ids"] for example in examples], self.pad_id, self.side)
        batch = {"input_ids": ids, "attention_mask": mask}
        if self.token_types:
            batch["token_type_ids"], _ = padded([example["token_type_ids"] for example in examples], 0, self.side)
        return batch | {"labels": torch.tensor([example["labels"] for example in examples])}


def classifier_collator(model: PreTrainedModel, columns: Collection[str]) -> Collator:
    """Return what makes a classifier's batches of tokenized examples with these columns."""
    text = model.config.get_text_config()
    takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    # A summary of the last position, XLNet's, is of the text's end only where that is the batch's.
    last = getattr(text, "summary_type", None) == "last" and hasattr(model, "sequence_summary")
    return Collator(text.pad_token_id, "left" if last else "right", takes_types and "token_type_ids" in columns)


class ClassifierTrainer(ReportingTrainer):
    """The Trainer of a classifier with a head."""

    measure = staticmethod(classification_metrics)

    def prediction_step(self, *args: Any, **kwargs: Any) -> tuple[Tensor | None, Any, Any]:
        """Return loss, logits and labels, and nothing else that a model may put out."""
        loss, outputs, labels = super().prediction_step(*args, **kwargs)
        return loss, outputs[0] if isinstance(outputs, tuple) else outputs, labels


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

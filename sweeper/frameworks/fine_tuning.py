"""What frameworks that fine-tune share: batches, the number of updates, and a Trainer of a trial."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, TrainingArguments

from sweeper.checkpoints.checkpoint import PREFIXES
from sweeper.data import EVALUATED
from sweeper.frameworks import inputs
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import ReportingTrainer, TrainerReporter, optimisation
from sweeper.trial import Trial

AnyTrainer = TypeVar("AnyTrainer", bound=ReportingTrainer)
# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003
LENGTHS = (3, 5, 8, 16)  # in ids, of texts by which it is measured whether padding is read
SAME_SCORES = 1e-4  # how far its scores may be apart, over the largest or 1: rounding is below 1e-5


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
    orders = {name: _by_length(splits[name]) for name in EVALUATED}
    return kind(
        model=model,
        args=training_arguments(trial, len(splits["train"]), directory / "checkpoint"),
        data_collator=collator,
        train_dataset=splits["train"],
        # Trials share the files.
        eval_dataset={name: splits[name].select(order, keep_in_memory=True) for name, order in orders.items()},
        reporter=TrainerReporter(directory, report, inputs.tokenizer(trial), EVALUATED, extra_files, orders),
    )


def _by_length(split: Dataset) -> NDArray[np.intp]:
    return np.argsort(split["length"], kind="stable")  # like lengths together need less padding


def padded(rows: Sequence[Sequence[int]], pad_id: int, side: str = "right") -> tuple[Tensor, Tensor]:
    """Return ids and attention mask, each [rows, longest]."""
    tensors = [torch.tensor(row) for row in rows]
    stack = partial(pad_sequence, batch_first=True, padding_side=side)
    return stack(tensors, padding_value=pad_id), stack([torch.ones_like(ids) for ids in tensors])


@dataclass(frozen=True)
class Collator:
    """Pads a batch to its longest example, or all to one `length`."""

    pad_id: int
    side: str = "right"
    token_types: bool = False
    length: int | None = None

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask and, where wanted, token_type_ids [batch, longest], and labels [batch]."""
        ids, mask = padded([example["input_ids"] for example in examples], self.pad_id, self.side)
        batch = {"input_ids": self._of_length(ids, self.pad_id), "attention_mask": self._of_length(mask, 0)}
        if self.token_types:
            types, _ = padded([example["token_type_ids"] for example in examples], 0, self.side)
            batch["token_type_ids"] = self._of_length(types, 0)
        return batch | {"labels": torch.tensor([example["labels"] for example in examples])}

    def _of_length(self, rows: Tensor, value: int) -> Tensor:
        missing = (self.length or rows.shape[1]) - rows.shape[1]
        return pad(rows, (missing, 0) if self.side == "left" else (0, missing), value=value)


def classifier_collator(model: PreTrainedModel, columns: Collection[str], max_length: int) -> Collator:
    """Return what makes a classifier's batches of tokenized examples with these columns, of at most `max_length` ids.

    A model whose scores depend on how far a text is padded gets all at that length, and the log says so: what a text
    is worth must not depend on the others of its batch.
    """
    text = model.config.get_text_config()
    takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    # A summary of the last position, XLNet's, is of the text's end only where that is the batch's.
    last = getattr(text, "summary_type", None) == "last" and hasattr(model, "sequence_summary")
    collator = Collator(text.pad_token_id, "left" if last else "right", takes_types and "token_type_ids" in columns)
    if not _reads_padding(model, collator, max_length):
        return collator
    print(
        f"A {model.config.model_type} reads padding: every text is padded to train.max_length={max_length}.", flush=True
    )
    return replace(collator, length=max_length)


def _reads_padding(model: PreTrainedModel, collator: Collator, max_length: int) -> bool:
    """Whether a text gets other scores, or none, beside a longer one."""
    if model.config.model_type in PREFIXES:
        return False
    known = range(min(model.config.get_text_config().vocab_size, LENGTHS[-1] + 1))
    ids = [index for index in known if index != collator.pad_id]
    sizes = [size for size in LENGTHS if size <= min(max_length, len(ids))] or [1]
    rows = [{"input_ids": ids[:size], "token_type_ids": [0] * size, "labels": 0} for size in sizes]
    trained = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model.eval()
            together = _scores(model, collator(rows))
            alone = torch.cat([_scores(model, collator([row])) for row in rows])
    except (IndexError, RuntimeError):
        return True
    finally:
        model.train(trained)
    return bool((alone - together).abs().max() > SAME_SCORES * max(1.0, float(alone.abs().max())))


def _scores(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    scores: Tensor = model(**{name: rows.to(model.device) for name, rows in batch.items() if name != "labels"}).logits
    return scores.float()


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

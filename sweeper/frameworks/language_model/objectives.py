"""What a language model is pretrained to predict: hidden words (encoders) or the next one (causal models)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel
from transformers.trainer_utils import EvalLoopOutput

from sweeper.frameworks.metrics import prediction_metrics
from sweeper.frameworks.reporter import SequenceLosses
from sweeper.frameworks.trainer import ReportingTrainer

FIRST_WORD_ID = 4  # after <s>, <pad>, </s> and <unk>, which are never hidden
IGNORED = -100  # label of a position that is not to be predicted


@dataclass(frozen=True)
class Masking:
    """Makes a padded batch and hides a share of its words.

    Of the hidden words 80 % become <mask>, 10 % a random word and 10 % stay (Devlin et al. 2019, section 3.1). What
    is hidden depends on `seed` and the number of the batch's first sequence alone: other words each time a text
    comes again (Liu et al. 2019, section 4.1), the same ones when an interrupted run makes a batch anew.
    """

    probability: float
    mask_id: int
    pad_id: int
    seed: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask and labels, each of shape (examples, longest sequence)."""
        ids = _padded(examples, self.pad_id)
        words = np.random.SeedSequence([self.seed, int(examples[0]["number"])]).generate_state(2, np.uint32)
        generator = torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))
        hidden = (torch.rand(ids.shape, generator=generator) < self.probability) & (ids >= FIRST_WORD_ID)
        fate = torch.rand(ids.shape, generator=generator)
        random_words = torch.randint(FIRST_WORD_ID, self.mask_id, ids.shape, generator=generator)
        shown = ids.masked_fill(hidden & (fate < 0.8), self.mask_id)
        return {
            "input_ids": torch.where(hidden & (fate >= 0.9), random_words, shown),
            "attention_mask": (ids != self.pad_id).long(),
            "labels": ids.masked_fill(~hidden, IGNORED),
        }


@dataclass(frozen=True)
class NextToken:
    """Makes a padded batch in which every position is to predict the id after it."""

    pad_id: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids, attention_mask and labels, each of shape (examples, longest sequence)."""
        ids = _padded(examples, self.pad_id)
        following = torch.full_like(ids, IGNORED)
        following[:, :-1] = ids[:, 1:].masked_fill(ids[:, 1:] == self.pad_id, IGNORED)
        return {"input_ids": ids, "attention_mask": (ids != self.pad_id).long(), "labels": following}


def _padded(examples: Sequence[Mapping[str, Any]], pad_id: int) -> Tensor:
    rows = [torch.as_tensor(example["input_ids"]) for example in examples]
    return pad_sequence(rows, batch_first=True, padding_value=pad_id)


def sequence_key(ids: Any) -> int:
    """Return by what a sequence is known: the first 8 bytes of SHA-256 of its ids, 4 bytes each, the lowest first."""
    return int.from_bytes(hashlib.sha256(np.asarray(ids, "<i4").tobytes()).digest()[:8], "big")


class LanguageModelTrainer(ReportingTrainer):
    """Trainer whose loss is the mean over all positions that are to be predicted, in training and evaluation."""

    keys: Sequence[int] = ()  # of the held-out sequences, once they are evaluated
    measure = staticmethod(prediction_metrics)

    def outputs(self, found: EvalLoopOutput, examples: Any) -> SequenceLosses:
        """Return the loss of each sequence."""
        if len(self.keys) != len(examples):
            self.keys = [sequence_key(example["input_ids"]) for example in examples]
        return SequenceLosses(found.predictions, found.label_ids, self.keys)

    def compute_loss(
        self, model: PreTrainedModel, inputs: Mapping[str, Tensor], *_: Any, num_items_in_batch: Any = None
    ) -> Tensor:
        """Return the mean loss in nats over the positions to be predicted."""
        losses = self.losses(model, inputs)
        items = len(losses) if num_items_in_batch is None else num_items_in_batch
        # A small batch may hide nothing.
        return losses.sum() / max(items, 1)

    def items(self, batch: Mapping[str, Tensor]) -> Any:
        """Return the number of positions to be predicted."""
        return (batch["labels"] != IGNORED).sum()

    def losses(self, model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the loss in nats at each position to be predicted, row by row.

        The head is as wide as the vocabulary and costs most of the time, so the other positions don't pass it.
        """
        with self.accelerator.autocast():
            states = model.base_model(inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
            wanted = inputs["labels"] != IGNORED
            logits = model.lm_head(states[wanted])
        return cross_entropy(logits.float(), inputs["labels"][wanted], reduction="none")

    def prediction_step(
        self, model: PreTrainedModel, inputs: Mapping[str, Tensor], *_: Any, **__: Any
    ) -> tuple[None, Tensor, Tensor]:
        """Return each example's summed loss as its prediction and its number of predicted positions as its label."""
        inputs = self._prepare_inputs(inputs)
        wanted = inputs["labels"] != IGNORED
        rows = wanted.nonzero()[:, 0]
        with torch.no_grad():
            sums = torch.zeros(len(wanted), dtype=torch.float64, device=rows.device)
            sums.index_add_(0, rows, self.losses(model, inputs).double())
        return None, sums, wanted.sum(dim=1)

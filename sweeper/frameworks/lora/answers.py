"""Training on answers alone: prompts to the left of them in a batch, and the likelihood of each id of an answer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from sweeper.frameworks.fine_tuning import padded
from sweeper.frameworks.trainer import ReportingTrainer


class AnswerTrainer(ReportingTrainer):
    """Trainer whose loss is that of the answers' ids, </s> included; a batch also has what `answer_batch` makes."""

    def compute_loss(
        self, model: PeftModel | PreTrainedModel, inputs: Mapping[str, Tensor], *_: Any, num_items_in_batch: Any = None
    ) -> Tensor:
        """Return the mean loss in nats over all ids of the batch's answers."""
        losses = answer_losses(model, inputs, inputs["answers"], inputs["answers_mask"])
        return losses.sum() / (self.items(inputs) if num_items_in_batch is None else num_items_in_batch)

    def items(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the number of ids of the answers."""
        return batch["answers_mask"].sum()


def answer_batch(answers: Sequence[Sequence[int]], pad_id: int) -> dict[str, Tensor]:
    """Return answers [examples, longest], padded to the right, and answers_mask, 1 where there is an id."""
    ids, mask = padded(answers, pad_id)
    return {"answers": ids, "answers_mask": mask}


def answer_losses(
    model: PeftModel | PreTrainedModel, prompts: Mapping[str, Tensor], answers: Tensor, answers_mask: Tensor
) -> Tensor:
    """Return the loss in nats of each id of the answers, 0 where there is none; [examples, longest answer].

    `prompts` has input_ids and attention_mask, padded to the left, so that all answers begin in one column. The head
    is as wide as the vocabulary, so no other positions than the answers' pass it.
    """
    longest = answers.shape[1]
    mask = torch.cat([prompts["attention_mask"], answers_mask], dim=1)
    found = model(
        input_ids=torch.cat([prompts["input_ids"], answers], dim=1),
        attention_mask=mask,
        logits_to_keep=longest + 1,
        use_cache=False,
        **_positions(model, mask),
    )
    logits = found.logits[:, -longest - 1 : -1].float()
    losses = cross_entropy(logits.transpose(1, 2), answers, reduction="none")
    return losses * answers_mask


def _positions(model: PeftModel | PreTrainedModel, mask: Tensor) -> dict[str, Tensor]:
    """Return each id's position from 0, for models that would count the padding on the left."""
    plain = model.get_base_model() if isinstance(model, PeftModel) else model
    if "position_ids" not in inspect.signature(plain.forward).parameters:
        return {}
    return {"position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0)}

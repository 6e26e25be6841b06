"""task=classification of framework=lora: trained to answer with a class's words, judged by how likely each are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from sweeper.frameworks import inputs
from sweeper.frameworks.fine_tuning import fine_tuner, padded
from sweeper.frameworks.lora.answers import AnswerTrainer, answer_batch, answer_losses
from sweeper.frameworks.lora.model import base_files, build
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.reporter import Report
from sweeper.tokens.prompted import class_answers
from sweeper.trial import Trial


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the adapter; see `Framework.train`."""
    model = build(trial)
    trainer_of(trial, directory, report, model, base_files(trial, model, directory / "best")).run()


def trainer_of(
    trial: Trial,
    directory: Path,
    report: Report,
    model: PreTrainedModel | PeftModel,
    extra_files: Mapping[str, str] = MappingProxyType({}),
) -> ClassTrainer:
    """Return the Trainer of a trial's model, under its adapter before the first update or as it is to be measured."""
    tokenizer = inputs.tokenizer(trial)
    # The names as they were tokenized: the data set's own files may be gone when an export is measured.
    answers = class_answers(trial.data, tokenizer, inputs.tokenized(trial)["valid"].features["labels"].names)
    collator = PromptCollator(answers, tokenizer.pad)
    trainer = fine_tuner(ClassTrainer, trial, directory, report, model, collator, extra_files)
    trainer.classes = answer_batch(answers, tokenizer.pad)
    trainer.length_normalised = trial.framework.lora.length_normalised
    return trainer


@dataclass(frozen=True)
class PromptCollator:
    """Makes batches of prompts, each with its class's answer."""

    answers: Sequence[Sequence[int]]
    pad_id: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask [batch, longest], padded to the left, labels [batch], and the answers."""
        ids, mask = padded([example["input_ids"] for example in examples], self.pad_id, "left")
        labels = [example["labels"] for example in examples]
        own = answer_batch([self.answers[label] for label in labels], self.pad_id)
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor(labels), **own}


class ClassTrainer(AnswerTrainer):
    """Trainer that evaluates by the classes' scores."""

    measure = staticmethod(classification_metrics)
    classes: dict[str, Tensor]  # every class's answer, as `answer_batch` makes it
    length_normalised: bool

    def prediction_step(
        self, model: PeftModel, inputs: Mapping[str, Tensor], *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean loss of the classes, each example's scores [batch, classes], and its class's number."""
        inputs = self._prepare_inputs(inputs)
        classes = self._prepare_inputs(self.classes)
        with torch.no_grad(), self.compute_loss_context_manager():
            scores = class_scores(model, inputs, classes["answers"], classes["answers_mask"], self.length_normalised)
        return cross_entropy(scores, inputs["labels"]), scores, inputs["labels"]


def class_scores(
    model: PeftModel, prompts: Mapping[str, Tensor], answers: Tensor, answers_mask: Tensor, length_normalised: bool
) -> Tensor:
    """Return the log-likelihood in nats of each class's whole answer, </s> included, after each prompt.

    Shape [examples, classes]; length-normalised: divided by the number of the answer's ids. One class after the other,
    so that memory does not grow with their number.
    """
    columns = []
    for ids, mask in zip(answers, answers_mask, strict=True):
        examples, length = len(prompts["input_ids"]), int(mask.sum())
        repeated = (tensor[:length].expand(examples, length) for tensor in (ids, mask))
        score = -answer_losses(model, prompts, *repeated).double().sum(dim=1)
        columns.append(score / length if length_normalised else score)
    return torch.stack(columns, dim=1)

"""task=qa of framework=lora: trained to answer questions, judged by its loss on answers and by those that it gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft import PeftModel, load_peft_weights, set_peft_model_state_dict
from torch import Tensor
from transformers.trainer_utils import EvalLoopOutput

from sweeper.frameworks import inputs
from sweeper.frameworks.fine_tuning import fine_tuner, padded
from sweeper.frameworks.lora.answers import AnswerTrainer, answer_batch, answer_losses
from sweeper.frameworks.lora.generation import generate
from sweeper.frameworks.lora.model import base_files, build
from sweeper.frameworks.metrics import answer_metrics, prediction_metrics
from sweeper.frameworks.reporter import Answers, Report
from sweeper.records.files import write_file
from sweeper.records.record import Record
from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial import Trial

SHOWN = 10  # test questions whose answers before and after training are kept
SPARE = 8  # ids that an answer may have beyond the longest of the data set


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the adapter; see `Framework.train`. Keeps some answers of before and after in the trial's directory."""
    model = build(trial)
    trainer = trainer_of(trial, directory, report, model, base_files(trial, model, directory / "best"))
    test = inputs.tokenized(trial)["test"]
    shown = test.select(range(min(SHOWN, len(test))))
    before = trainer.answers(shown)
    trainer.run()
    if (directory / "best").exists():
        load_adapter(trainer.model, directory / "best")
        _write_answers(Record(directory).answers, shown, before, trainer.answers(shown))


def trainer_of(
    trial: Trial,
    directory: Path,
    report: Report,
    model: PeftModel,
    extra_files: Mapping[str, str] = MappingProxyType({}),
) -> QuestionTrainer:
    """Return the Trainer of a trial's model, before the first update or as it is to be measured."""
    tokenizer = inputs.tokenizer(trial)
    collator = QuestionCollator(tokenizer.pad)
    trainer = fine_tuner(QuestionTrainer, trial, directory, report, model, collator, extra_files)
    trainer.tokenizer = tokenizer
    splits = inputs.tokenized(trial).values()
    trainer.longest_answer = max(int(np.max(np.subtract(split["length"], split["answer"]))) for split in splits) + SPARE
    trainer.positions = trial.arch.positions
    return trainer


@dataclass(frozen=True)
class QuestionCollator:
    """Makes batches of questions, each with its answer."""

    pad_id: int

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return input_ids and attention_mask [batch, longest], padded to the left, and the answers."""
        ids, mask = padded([example["input_ids"][: example["answer"]] for example in examples], self.pad_id, "left")
        answers = answer_batch([example["input_ids"][example["answer"] :] for example in examples], self.pad_id)
        return {"input_ids": ids, "attention_mask": mask, **answers}


class AnswerLossTrainer(AnswerTrainer):
    """Trainer that evaluates by the loss on answers."""

    measure = staticmethod(prediction_metrics)

    def prediction_step(
        self, model: PeftModel, inputs: Mapping[str, Tensor], *_: Any, **__: Any
    ) -> tuple[None, Tensor, Tensor]:
        """Return each answer's summed loss as its prediction, and its number of ids as its label."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            losses = answer_losses(model, inputs, inputs["answers"], inputs["answers_mask"])
        return None, losses.double().sum(dim=1), inputs["answers_mask"].sum(dim=1)


class QuestionTrainer(AnswerLossTrainer):
    """Trainer that also evaluates by the answers that the model gives itself."""

    tokenizer: Tokenizer
    longest_answer: int  # ids that are generated at most
    positions: int  # of the model

    def evaluation_loop(self, dataloader: Any, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        """Evaluate a data set; what the model answers is compared with what is expected."""
        output = super().evaluation_loop(dataloader, *args, **kwargs)
        questions = dataloader.dataset
        given = self.answers(questions)
        measured = answer_metrics(given, questions["expected"][:])
        self.reporter.output = Answers(given, output.predictions, output.label_ids)
        prefix = kwargs["metric_key_prefix"]
        output.metrics.update({f"{prefix}_{name}": value for name, value in measured.items()})
        return output

    def answers(self, questions: Dataset) -> list[str]:
        """Return what the model answers to each question, in their order."""
        prompts = [example["input_ids"][: example["answer"]] for example in questions]
        base = self.model.get_base_model()  # with the adapter in its layers
        with self.accelerator.autocast():
            return generate(
                base, self.tokenizer, prompts, self.longest_answer, self.positions, self.args.per_device_eval_batch_size
            )


def load_adapter(model: PeftModel, directory: Path) -> None:
    """Put the adapter that lies in a directory in place of a model's."""
    device = str(next(model.parameters()).device)
    set_peft_model_state_dict(model, load_peft_weights(str(directory), device=device))


def _write_answers(file: Path, questions: Dataset, before: Sequence[str], after: Sequence[str]) -> None:
    lines = [
        json.dumps(
            {"question": example["question"], "expected": example["expected"], "before": first, "after": last},
            ensure_ascii=False,
        )
        for example, first, last in zip(questions, before, after, strict=True)
    ]
    write_file(file, "".join(f"{line}\n" for line in lines).encode(), alone=True)

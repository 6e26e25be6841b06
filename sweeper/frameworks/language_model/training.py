"""Pretraining: weights made from unlabelled text, by the library's own Trainer.

What the model learns to predict is in `objectives`; this is how it starts and how it is trained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
    PrinterCallback,
    TrainingArguments,
    set_seed,
)

from sweeper.errors import WrongInput
from sweeper.frameworks.language_model.objectives import LanguageModelTrainer, Masking, NextToken
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import TrainerReporter, optimisation
from sweeper.tokens.packed import Sequences
from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial.settings import Family, PretrainingSettings, TrainSettings

# Each text is seen a few times only: dropout would slow learning and guard against nothing.
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "hidden_dropout", "attention_dropout")


@dataclass(frozen=True)
class Pretraining:
    """What is trained, on what, and how.

    `sequences` are training examples in their order, as many as the updates take; `held_out` those that the loss is
    measured on `evaluations` times, if it is. Each is a mapping of `input_ids` (with <s> and </s>) and `number`.
    `token_counts` says how often each id occurs. `weights` is a directory to go on from; None: random weights.
    """

    family: Family
    config: PreTrainedConfig
    settings: TrainSettings
    mask_probability: float
    seed: int
    tokenizer: Tokenizer
    token_counts: Sequence[int]
    sequences: Sequences
    held_out: Sequences | None = None
    evaluations: int = 1
    weights: str | None = None
    device: str = "cpu"

    @property
    def updates(self) -> int:
        """Number of updates that the sequences make."""
        return len(self.sequences) // self.settings.update_size


def pretrain(pretraining: Pretraining, directory: Path, report: Report) -> PreTrainedModel:
    """Train a language model in `directory` and return it; resumes from the checkpoint that it finds there.

    With held-out text, its loss and perplexity are reported at every evaluation, the best weights so far kept in
    `directory`/best. Sets the process's seeds and its number of threads; the same call gives the same weights to
    the last bit on one machine's CPU, interrupted or not.
    """
    torch.set_num_threads(pretraining.settings.threads)
    set_seed(pretraining.seed)
    trainer = trainer_of(pretraining, start(pretraining), directory, report)
    trainer.run()
    model: PreTrainedModel = trainer.model
    return model


def trainer_of(
    pretraining: Pretraining, model: PreTrainedModel, directory: Path, report: Report
) -> LanguageModelTrainer:
    """Return the Trainer of a language model, before its first update or as it is to be measured."""
    trainer = LanguageModelTrainer(
        model=model,
        args=training_arguments(pretraining, directory / "checkpoint"),
        train_dataset=pretraining.sequences,
        eval_dataset=None if pretraining.held_out is None else {"valid": pretraining.held_out},
        data_collator=_collator(pretraining),
        reporter=TrainerReporter(directory, report, pretraining.tokenizer, ("valid",)),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def start(pretraining: Pretraining) -> PreTrainedModel:
    """Return the model before its first update: random weights, or those to go on from; no dropout while it learns."""
    kind = AutoModelForMaskedLM if pretraining.family is Family.encoder else AutoModelForCausalLM
    asked = {name: getattr(pretraining.config, name) for name in DROPOUTS if hasattr(pretraining.config, name)}
    pretraining.config.update(dict.fromkeys(asked, 0.0))
    if pretraining.weights is None:
        model: PreTrainedModel = kind.from_config(pretraining.config)
        _start_output_bias(model, pretraining.token_counts)
    else:
        model = kind.from_pretrained(pretraining.weights, config=pretraining.config, dtype=torch.float32)
    for config in (model.config, pretraining.config):
        config.update(asked)  # what is saved is for who fine-tunes
    return model


def _start_output_bias(model: PreTrainedModel, token_counts: Sequence[int]) -> None:
    """Set the head's bias, if it has one, to the log of token frequency (plus one): embeddings need not learn it."""
    bias = model.get_output_embeddings().bias
    if bias is None:
        return
    counts = torch.zeros(len(bias))
    counts[: len(token_counts)] = torch.as_tensor(token_counts, dtype=torch.float32)
    counts += 1
    with torch.no_grad():
        bias.copy_((counts / counts.sum()).log())


def recipe_settings(recipe: PretrainingSettings, threads: int) -> TrainSettings:
    """Return an architecture's recipe as the settings of a training."""
    shared = {item.name for item in fields(recipe)} & {item.name for item in fields(TrainSettings)}
    chosen = {name: getattr(recipe, name) for name in shared}
    return TrainSettings(max_steps=recipe.updates, threads=threads, **chosen)


def needs_mask(family: Family, tokenizer: Tokenizer) -> None:
    """Raise WrongInput when an encoder's tokenizer has nothing to hide words with."""
    if family is Family.encoder and tokenizer.mask is None:
        raise WrongInput(
            "the tokenizer has no <mask>, which pretraining needs\nset tokenizer.path=FILE or model.path=DIR"
        )


@dataclass(frozen=True)
class Numbered(Dataset[dict[str, Any]]):
    """Parts of sequences of ids, one part after the other, as training examples that know their number."""

    parts: Sequence[Sequences]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __getitem__(self, number: int) -> dict[str, Any]:
        place = number
        for part in self.parts:
            if place < len(part):
                return {"input_ids": part[place], "number": number}
            place -= len(part)
        raise IndexError(number)


def _collator(pretraining: Pretraining) -> Masking | NextToken:
    tokenizer = pretraining.tokenizer
    if pretraining.family is Family.causal_lm:
        return NextToken(tokenizer.pad)
    assert tokenizer.mask is not None, "checked before"
    return Masking(pretraining.mask_probability, tokenizer.mask, tokenizer.pad, pretraining.seed)


def training_arguments(pretraining: Pretraining, output: Path) -> TrainingArguments:
    """Translate the settings into the Trainer's."""
    measured = pretraining.held_out is not None
    interval = math.ceil(pretraining.updates / pretraining.evaluations)
    return TrainingArguments(
        output_dir=str(output),
        **optimisation(pretraining.settings, pretraining.updates, pretraining.device),
        seed=pretraining.seed,
        # The sequences come in the order of training already.
        train_sampling_strategy="sequential",
        eval_strategy="steps" if measured else "no",
        save_strategy="steps" if measured else "no",
        eval_steps=interval,
        save_steps=interval,
        logging_steps=interval,
    )

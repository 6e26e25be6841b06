"""What every framework that fine-tunes an encoder for classification begins with: the model, and how many updates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    EvalPrediction,
    PreTrainedModel,
    TrainingArguments,
    set_seed,
)

from sweeper.checkpoints.architecture import transformers_config
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.trainer import optimisation
from sweeper.trial.trial import Trial

if TYPE_CHECKING:
    from torch import nn


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
    """Updates of the whole training: the epochs' (a last, smaller batch counts), or max_steps when that is fewer."""
    steps = trial.train.epochs * -(-examples // trial.train.batch_size)
    return min(steps, trial.train.max_steps or steps)


def freeze_token_types(model: nn.Module) -> None:
    """Freeze the token-type row, which fairseq's RoBERTa lacks."""
    for name, parameter in model.named_parameters():
        if "token_type_embeddings" in name:
            parameter.requires_grad_(False)


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


def measure(prediction: EvalPrediction) -> dict[str, float]:
    """Metrics of an evaluated data set, computed from all its logits at once."""
    return classification_metrics(prediction.predictions, prediction.label_ids)

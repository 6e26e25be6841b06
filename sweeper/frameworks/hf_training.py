"""Fine-tuning with Transformers' Trainer: the model, the arguments, and its events reported."""

from __future__ import annotations

import math
import shutil
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
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.utils.logging import disable_progress_bar

from sweeper import inputs
from sweeper.checkpoints.architecture import transformers_config
from sweeper.data.tokenizer import Tokenizer
from sweeper.frameworks import Report
from sweeper.metrics import classification_metrics
from sweeper.trial import Precision, Schedule, Trial

COMPLETE = "complete"
# accelerate draws epoch e's order from data_seed + e: far-apart seeds keep the orders of two trials apart.
DATA_SEED_STRIDE = 100_003
SCHEDULES = {Schedule.constant: "constant_with_warmup"}


def build_classifier(trial: Trial) -> PreTrainedModel:
    """Return a sequence classifier of the trial's shape: pretrained body or random, the head always random."""
    set_seed(trial.seed)
    tokenizer = inputs.tokenizer(trial)
    config = transformers_config(trial.arch, tokenizer, labels=trial.data.label_names())
    if trial.model.pretrained:
        return AutoModelForSequenceClassification.from_pretrained(inputs.weights(trial), config=config)
    return AutoModelForSequenceClassification.from_config(config)


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    disable_progress_bar()  # a log is no terminal
    model = build_classifier(trial)
    splits = inputs.tokenized(trial)
    watch = EpochReport(directory, report, inputs.tokenizer(trial))
    trainer = ClassifierTrainer(
        model=model,
        args=training_arguments(trial, len(splits["train"]), directory / "checkpoint"),
        data_collator=Collator(model.config.pad_token_id),
        train_dataset=splits["train"],
        eval_dataset={name: by_length(splits[name]) for name in ("valid", "test")},
        compute_metrics=measure,
        callbacks=[watch],
        watch=watch,
    )
    if trial.framework.hf.match_fairseq:
        trainer.match_fairseq()
    checkpoint = last_checkpoint(directory / "checkpoint")
    if checkpoint is None:
        trainer.train()
    # From the end of an epoch that max_steps cut short the Trainer would make one more update.
    elif step_of(checkpoint) < trainer.args.max_steps:
        trainer.train(resume_from_checkpoint=str(checkpoint))


def by_length(split: Dataset) -> Dataset:
    """Return a split with like lengths together, for less padding; in memory, since trials share the files."""
    return split.select(np.argsort(split["length"], kind="stable"), keep_in_memory=True)


def training_arguments(trial: Trial, examples: int, output: Path) -> TrainingArguments:
    """Translate a trial's settings into the Trainer's."""
    settings = trial.train
    steps = total_steps(trial, examples)
    polynomial = {"power": settings.polynomial_power, "lr_end": 0.0}
    return TrainingArguments(
        output_dir=str(output),
        max_steps=steps,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        learning_rate=settings.learning_rate,
        adam_beta1=settings.betas[0],
        adam_beta2=settings.betas[1],
        adam_epsilon=settings.eps,
        weight_decay=settings.weight_decay,
        optim="adamw_torch",
        lr_scheduler_type=SCHEDULES.get(settings.schedule, settings.schedule.value),
        lr_scheduler_kwargs=polynomial if settings.schedule is Schedule.polynomial else None,
        warmup_steps=int(settings.warmup_ratio * steps),
        max_grad_norm=settings.gradient_clip,
        bf16=settings.precision is Precision.bf16,
        fp16=settings.precision is Precision.fp16,
        use_cpu=trial.device == "cpu",
        seed=trial.seed,
        data_seed=trial.data_seed * DATA_SEED_STRIDE,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        logging_nan_inf_filter=False,  # a diverged loss is shown as it is
        remove_unused_columns=False,
        dataloader_pin_memory=trial.device != "cpu",
        disable_tqdm=True,
        report_to=[],
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


class ClassifierTrainer(Trainer):  # type: ignore[misc]
    """The Trainer, with random states fenced around evaluation and its loss shown at every update."""

    def __init__(self, *args: Any, watch: EpochReport, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.watch = watch
        self.decay_all = False

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Make a forward and a backward pass, keeping the loss for who watches."""
        self.watch.loss = super().training_step(*args, **kwargs)
        return self.watch.loss

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate without moving the random state, so that evaluating more changes no weight."""
        with torch.random.fork_rng():
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

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


class EpochReport(TrainerCallback):  # type: ignore[misc]
    """Reports each epoch, keeps the best weights, and keeps one whole checkpoint.

    The Trainer calls its methods with (args, state, control, **everything else).
    """

    def __init__(self, directory: Path, report: Report, tokenizer: Tokenizer):
        self.directory = directory
        self.report = report
        self.tokenizer = tokenizer
        self.loss = torch.tensor(0.0)
        self.train_loss = float("nan")
        self.metrics: dict[str, float] = {}

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Tell how far training is."""
        self.report.progress(current_epoch(state), state.global_step, state.max_steps, lambda: float(self.loss))

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        """Keep the epoch's mean training loss."""
        self.train_loss = logs.get("loss", self.train_loss)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        model: nn.Module,
        **_: Any,
    ) -> None:
        """Collect validation, then test; report both and keep the weights if they are the best."""
        for split in ("valid", "test"):
            for name in ("accuracy", "loss"):
                if (value := metrics.get(f"eval_{split}_{name}")) is not None:
                    self.metrics[f"{split}/{name}"] = float(value)
        if "test/loss" not in self.metrics:
            return
        epoch = current_epoch(state)
        if self.report.epoch(epoch, state.global_step, {"train/loss": self.train_loss, **self.metrics}):
            save_model(model, self.tokenizer, self.directory / "best")
        self.metrics = {}

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Mark the new checkpoint whole, then drop the older ones."""
        root = Path(args.output_dir)
        newest = root / f"checkpoint-{state.global_step}"
        (newest / COMPLETE).touch()
        for path in root.glob("checkpoint-*"):
            if path != newest:
                shutil.rmtree(path)


def current_epoch(state: TrainerState) -> int:
    """Number of the epoch under way or just ended, from 1; an epoch that max_steps cut short counts."""
    return max(1, math.ceil(round(float(state.epoch), 6)))


def save_model(model: PreTrainedModel, tokenizer: Tokenizer, directory: Path) -> None:
    """Replace a directory by a model and its tokenizer; what a kill leaves half-written never has its name."""
    temporary = directory.with_name(f".{directory.name}")
    shutil.rmtree(temporary, ignore_errors=True)  # of a launch that was killed here
    model.save_pretrained(temporary)
    tokenizer.save(temporary)
    if directory.exists():
        shutil.rmtree(directory)
    temporary.rename(directory)


def last_checkpoint(root: Path) -> Path | None:
    """Return the newest whole checkpoint and remove what a kill left half-written."""
    whole = []
    for path in root.glob("checkpoint-*"):
        if (path / COMPLETE).exists():
            whole.append(path)
        else:
            shutil.rmtree(path)
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """Return the update after which the Trainer wrote a checkpoint."""
    return int(checkpoint.name.rpartition("-")[2])

"""Transformers' Trainer as every adapter uses it: reporting, resumable, its evaluations without a trace.

A checkpoint is written after every evaluation, and after any update when the training is asked to stop. What evaluates
after "epoch" or after so many "steps" is the adapter's choice.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput
from transformers.utils.logging import disable_progress_bar

from sweeper.frameworks.interruption import Interrupted
from sweeper.frameworks.reporter import Answers, Report
from sweeper.records.files import new_directory
from sweeper.tokens.tokenizer import Tokenizer
from sweeper.trial.settings import Precision, Schedule, TrainSettings

COMPLETE = "complete"
LOSSES = "losses.json"  # sum and number of the training losses since the last evaluation
SCHEDULES = {Schedule.constant: "constant_with_warmup"}
UNREPORTED = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")

disable_progress_bar()  # in a process that trains: a log is no terminal


class ReportingTrainer(Trainer):  # type: ignore[misc]
    """The Trainer, with random states fenced around evaluation and its loss shown at every update.

    The loss of an update is the mean over what all its batches predict, however it is cut into them.
    """

    # The Trainer would take it from the model: one that is given the number of items is trusted to divide by it, and
    # RoBERTa ignores it, so that an update of two batches would have twice the gradient.
    loss_is_scaled_for_ga = True
    measure: Callable[[Any, Any], dict[str, float]]  # metrics by name, of an evaluated set's predictions and labels

    def __init__(self, *, reporter: TrainerReporter, **kwargs: Any):
        super().__init__(
            callbacks=[reporter],
            compute_metrics=lambda found: self.measure(found.predictions, found.label_ids),
            **kwargs,
        )
        self.reporter = reporter

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], Any]:
        """Return an update's batches and the number of what they predict together; None where it is one batch."""
        batches, _ = super().get_batch_samples(*args, **kwargs)
        return batches, sum(map(self.items, batches)) if len(batches) > 1 else None

    def items(self, batch: Mapping[str, Tensor]) -> Any:
        """Return how much a batch predicts, which its loss is a mean over."""
        return len(batch["input_ids"])

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the mean loss of a batch, or what it adds to the mean over so many items."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        if num_items_in_batch is not None:
            loss = loss * (self.items(inputs) / num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(self, dataloader: Any, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        """Evaluate a data set, keeping its outputs until it is known whether they are the best so far."""
        output = super().evaluation_loop(dataloader, *args, **kwargs)
        self.reporter.output = self.outputs(output, dataloader.dataset)
        return output

    def outputs(self, found: EvalLoopOutput, examples: Any) -> Any:
        """Return what `Report.predictions` takes of evaluated examples, in their order."""
        return found.predictions

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Make a forward and a backward pass, keeping the loss to report it."""
        loss: Tensor = super().training_step(*args, **kwargs)
        self.reporter.add_loss(loss)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log; the mean loss is the reporter's, since the Trainer's own one begins anew with every launch."""
        super().log(logs | {"loss": self.reporter.mean_loss()} if "loss" in logs else logs, *args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate without moving the random state, so that evaluating more changes no weight."""
        with torch.random.fork_rng():
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

    def run(self) -> None:
        """Train from the newest whole checkpoint, or from the start. Raises Interrupted when asked to stop."""
        self.reporter.report.model(self.model)
        checkpoint = _last_checkpoint(Path(self.args.output_dir))
        if checkpoint is None:
            self.train()
        # From the end of an epoch that max_steps cut short the Trainer would make one more update.
        elif _step_of(checkpoint) < self.args.max_steps:
            self.reporter.resume(checkpoint)
            self.train(resume_from_checkpoint=str(checkpoint))


class TrainerReporter(TrainerCallback):  # type: ignore[misc]
    """Reports progress and evaluations, keeps the best weights and one whole checkpoint, and stops when asked to.

    `splits` are the data sets that are evaluated, in their order; `extra_files` are kept with the weights, by name with
    their content; `orders` are the places in the data set of what is evaluated in another order. The Trainer calls the
    methods with (args, state, control, **everything else).
    """

    def __init__(
        self,
        directory: Path,
        report: Report,
        tokenizer: Tokenizer,
        splits: Sequence[str],
        extra_files: Mapping[str, str] = MappingProxyType({}),
        orders: Mapping[str, NDArray[np.integer[Any]]] = MappingProxyType({}),
    ):
        self.directory = directory
        self.report = report
        self.tokenizer = tokenizer
        self.splits = splits
        self.extra_files = extra_files
        self.loss = torch.tensor(0.0)  # of the latest update, or of its batches so far
        self.loss_sum, self.losses = torch.tensor(0.0), 0  # since the last evaluation
        self.orders = orders
        self.metrics: dict[str, float] = {}
        self.output: Any = None  # of the set evaluated last
        self.outputs: dict[str, Any] = {}  # by split, in the data set's order

    def add_loss(self, loss: Tensor) -> None:
        """Add a batch's part of its update's loss, where it is, as the Trainer does: reading from a GPU would wait."""
        self.loss = self.loss + loss

    def mean_loss(self) -> float:
        """Return the mean training loss since the last evaluation, also over launches; nan before the first update."""
        return self.loss_sum.item() / self.losses if self.losses else math.nan

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Begin an update."""
        self.loss = torch.tensor(0.0)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Tell how far training is, and ask for a checkpoint when it has to stop.

        After the last update of an epoch comes its evaluation, with a checkpoint at its end: one that is written before
        it would go on with the next epoch.
        """
        self.loss_sum, self.losses = self.loss_sum + self.loss, self.losses + 1
        self.report.progress(_current_epoch(state), state.global_step, state.max_steps, lambda: float(self.loss))
        ends_epoch = control.should_training_stop or float(state.epoch).is_integer()
        if self.report.must_stop() and not ends_epoch:
            control.should_save = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        model: nn.Module,
        **_: Any,
    ) -> None:
        """Collect a split's metrics; after the last split report all, and keep the weights if they are the best."""
        for split in self.splits:
            measured = {key.removeprefix(f"eval_{split}_"): key for key in metrics if key.startswith(f"eval_{split}_")}
            self.metrics |= {
                f"{split}/{name}": float(metrics[key]) for name, key in measured.items() if name not in UNREPORTED
            }
            if measured:
                self.outputs[split] = in_order(self.output, self.orders.get(split))
        if not any(key.startswith(f"{self.splits[-1]}/") for key in self.metrics):
            return
        measured_now = {"train/loss": self.mean_loss(), **self.metrics}
        if self.report.epoch(_current_epoch(state), state.global_step, measured_now):
            save_model(model, self.tokenizer, self.directory / "best", self.extra_files)
            self.report.predictions(self.outputs)
        self.metrics, self.output, self.outputs = {}, None, {}
        self.loss_sum, self.losses = torch.tensor(0.0), 0

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Mark the new checkpoint whole, then drop the older ones; raises Interrupted when it is time to stop."""
        root = Path(args.output_dir)
        newest = root / f"checkpoint-{state.global_step}"
        (newest / LOSSES).write_text(json.dumps([self.loss_sum.item(), self.losses]))
        (newest / COMPLETE).touch()
        for path in root.glob("checkpoint-*"):
            if path != newest:
                shutil.rmtree(path)
        if self.report.must_stop() and state.global_step < state.max_steps:
            raise Interrupted(state.global_step)

    def resume(self, checkpoint: Path) -> None:
        """Go on from the losses of a checkpoint's unfinished epoch."""
        if (file := checkpoint / LOSSES).exists():  # older versions wrote checkpoints between epochs only
            total, self.losses = json.loads(file.read_text())
            self.loss_sum = torch.tensor(total)


def in_order(output: Any, order: NDArray[np.integer[Any]] | None) -> Any:
    """Return a split's outputs, of `Report.predictions`, in the data set's order; `order` are their places in it."""
    if order is None:
        return output
    if isinstance(output, Answers):
        given = [output.given[row] for row in np.argsort(order)]
        return Answers(given, in_order(output.losses, order), in_order(output.tokens, order))
    rows = np.asarray(output)
    found = np.empty_like(rows)
    found[order] = rows
    return found


def optimisation(settings: TrainSettings, steps: int, device: str) -> dict[str, Any]:
    """Return the TrainingArguments of `steps` updates under these settings, and those that every adapter shares."""
    polynomial = {"power": settings.polynomial_power, "lr_end": 0.0}
    return {
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "per_device_eval_batch_size": settings.eval_batch_size,
        "learning_rate": settings.learning_rate,
        "adam_beta1": settings.betas[0],
        "adam_beta2": settings.betas[1],
        "adam_epsilon": settings.eps,
        "weight_decay": settings.weight_decay,
        "optim": "adamw_torch",
        "lr_scheduler_type": SCHEDULES.get(settings.schedule, settings.schedule.value),
        "lr_scheduler_kwargs": polynomial if settings.schedule is Schedule.polynomial else None,
        "warmup_steps": int(settings.warmup_ratio * steps),
        "max_grad_norm": settings.gradient_clip,
        "bf16": settings.precision is Precision.bf16,
        "fp16": settings.precision is Precision.fp16,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": device != "cpu",
        "remove_unused_columns": False,
        "logging_nan_inf_filter": False,  # a diverged loss is shown as it is
        "disable_tqdm": True,
        "report_to": [],
    }


def _current_epoch(state: TrainerState) -> int:
    """Number of the epoch under way or just ended, from 1; an epoch that max_steps cut short counts."""
    return max(1, math.ceil(round(float(state.epoch), 6)))


def save_model(
    model: PreTrainedModel, tokenizer: Tokenizer, directory: Path, extra_files: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Replace a directory by a model and its tokenizer; what a kill leaves half-written never has its name."""
    with new_directory(directory) as temporary:
        used = model.config.use_cache
        model.config.use_cache = True  # the Trainer turns it off, for training; who generates wants it
        model.save_pretrained(temporary)
        model.config.use_cache = used
        tokenizer.save(temporary)
        for name, content in extra_files.items():
            (temporary / name).write_text(content, encoding="utf-8")
        if directory.exists():
            shutil.rmtree(directory)


def _last_checkpoint(root: Path) -> Path | None:
    whole = []
    for path in root.glob("checkpoint-*"):
        if (path / COMPLETE).exists():
            whole.append(path)
        else:
            shutil.rmtree(path)  # a kill left it half-written
    return max(whole, key=_step_of, default=None)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])

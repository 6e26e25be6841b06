"""fairseq's task of sentence prediction, reporting. Importing this module imports fairseq, mended.

Everything here goes through what fairseq lets others extend: a registered task, a registered optimizer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sweeper.frameworks.fairseq.mends import load_fairseq, no_arguments, own_hydra, root_logger_kept
from sweeper.frameworks.interruption import Interrupted
from sweeper.frameworks.metrics import classification_metrics
from sweeper.frameworks.reporter import Report

load_fairseq()

with root_logger_kept():
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf
    from fairseq.optim import register_optimizer
    from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig
    from fairseq.tasks import register_task
    from fairseq.tasks.sentence_prediction import SentencePredictionConfig, SentencePredictionTask

TASK, OPTIMIZER = "watched_sentence_prediction", "unstoppable_adam"
UNSCORED = "selected_by_sweeper"  # a validation metric that is never a number: fairseq then keeps no best file
FULL_PRECISION, LOSSES = "full_precision", "losses"  # what the task keeps in a checkpoint
# What fairseq builds and no classification reads: the language model's head, and a layer's copies for a fast path.
DEAD = re.compile(r"(?:^|\.)encoder\.lm_head\.|\.layers\.\d+\.[^.]+$")


@dataclass
class TaskReporter:
    """Collects what fairseq's training measures, reports it, and ends the training when asked to.

    `subsets` are evaluated in this order; `keep` is called with the weights of what is the best epoch so far;
    `end_after` makes an update the last one; an update takes so many `batches`, an epoch's last one fewer where there
    are no more. Of a resumed training: `full_precision` are the weights in half precision, `losses` those of the
    unfinished epoch's updates.
    """

    report: Report
    steps: int
    subsets: Sequence[str]
    keep: Callable[[Mapping[str, Tensor]], None]
    end_after: Callable[[int], None]
    batches: int = 1
    full_precision: Sequence[Tensor] = ()
    losses: Sequence[float] = ()

    def __post_init__(self) -> None:
        self.epoch = 0
        self.step: int | None = None  # the latest update of this launch
        self.stopped = False  # in the middle of an epoch
        self.loss = torch.tensor(0.0)  # of the latest update
        self.parts: list[tuple[Tensor, int]] = []  # of the update under way, each batch's summed loss and its examples
        self.epoch_losses = [torch.tensor(loss) for loss in self.losses]
        self.logits: list[Tensor] = []  # of the subset that is evaluated
        self.labels: list[Tensor] = []
        self.places: list[Tensor] = []  # of its examples in the data set
        self.outputs: dict[str, Any] = {}  # by subset, in the data set's order
        self.metrics: dict[str, float] = {}
        self.pending: list[str] = []  # subsets that are still to be evaluated

    def begin_epoch(self, epoch: int, model: nn.Module) -> None:
        """Begin an epoch; raises Interrupted to stop where the last one ended, whose checkpoint is written."""
        if self.step is not None and self.report.must_stop():
            raise Interrupted(self.step)
        if not self.epoch:
            self.report.model(model, [name for name, _ in model.named_parameters() if DEAD.search(name)])
        self.epoch = epoch

    def add_loss(self, loss: Tensor, examples: int, drawn: int) -> None:
        """Add a batch's summed loss, in nats; of an update keep the mean over its examples.

        `drawn` is how many batches of the epoch were taken: fairseq takes all of an update before it trains on them.
        """
        self.parts.append((loss, examples))
        if len(self.parts) > (drawn - 1) % self.batches:
            losses, sizes = zip(*self.parts, strict=True)
            self.loss, self.parts = sum(losses) / sum(sizes), []
            self.epoch_losses.append(self.loss)

    def end_step(self, step: int, ends_epoch: bool) -> None:
        """Tell how far training is, and end it here when it has to stop in the middle of an epoch."""
        self.step = step
        self.report.progress(self.epoch, step, self.steps, lambda: float(self.loss))
        if self.report.must_stop() and not ends_epoch and step < self.steps:
            self.stopped = True
            self.end_after(step)

    def add_batch(self, logits: Tensor, labels: Tensor, places: Tensor) -> None:
        """Keep what is evaluated: [batch, classes], [batch], and the examples' places in the data set [batch]."""
        self.logits.append(logits.float().cpu())
        self.labels.append(labels.cpu())
        self.places.append(places.cpu())

    def end_subset(self, step: int, model: nn.Module) -> None:
        """Measure a subset; after the last one report all, and keep the weights if they are the best."""
        self.pending = self.pending or list(self.subsets)
        subset = self.pending.pop(0)
        logits, labels, places = (torch.cat(parts).numpy() for parts in (self.logits, self.labels, self.places))
        measured = classification_metrics(logits, labels)
        self.outputs[subset] = logits[places.argsort()]
        self.logits, self.labels, self.places = [], [], []
        self.metrics |= {f"{subset}/{name}": value for name, value in measured.items()}
        if self.pending:
            return
        # As the Trainer of Transformers has it: a smaller last batch counts as much as the others.
        train_loss = float(torch.tensor(numbers(self.epoch_losses), dtype=torch.float64).mean())
        metrics, self.metrics, self.epoch_losses = {"train/loss": train_loss, **self.metrics}, {}, []
        if self.report.epoch(self.epoch, step, metrics):
            self.keep(model.state_dict())
            self.report.predictions(self.outputs)
        self.outputs = {}


REPORTER: ContextVar[TaskReporter] = ContextVar("reporter")


def numbers(losses: Sequence[Tensor]) -> list[float]:
    """Return losses as numbers, each exactly; some may be of this launch's device, others of an earlier launch."""
    return [float(loss) for loss in losses]


def full_precision(optimizer: Any) -> Sequence[Tensor]:
    """Return the weights that an optimizer for half precision updates in place of the model's; none of any other."""
    weights = getattr(optimizer, "fp32_params", ())
    return list(weights.values()) if isinstance(weights, dict) else list(weights)  # fp16 has one for each device


class ReportingTask(SentencePredictionTask):  # type: ignore[misc]
    """The task, which reports what it does; its seed is that of the examples' order alone."""

    optimizer: Any = None  # known from the first update on
    training: Any = None  # iterator of what is trained on

    def get_batch_iterator(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """Return batches in the order of the task's seed, where fairseq takes that of the weights."""
        iterator = super().get_batch_iterator(dataset, *args, **(kwargs | {"seed": self.cfg.seed}))
        if dataset is self.datasets.get("train"):
            self.training = iterator
        return iterator

    def begin_epoch(self, epoch: int, model: nn.Module) -> None:
        """Begin an epoch."""
        super().begin_epoch(epoch, model)
        REPORTER.get().begin_epoch(epoch, model)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the task: losses, and in half precision the weights in full."""
        weights = [weight.data for weight in full_precision(self.optimizer)]
        return {FULL_PRECISION: weights, LOSSES: numbers(REPORTER.get().epoch_losses)}

    def train_step(
        self, sample: dict[str, Any], model: nn.Module, criterion: nn.Module, optimizer: Any, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Make a forward and a backward pass. Raises MemoryError where fairseq would leave the batch out and go on."""
        if self.optimizer is None:
            self.optimizer = optimizer
            self.resume_full_precision()
        try:
            loss, size, logged = super().train_step(sample, model, criterion, optimizer, *args, **kwargs)
        except torch.OutOfMemoryError as error:
            raise MemoryError(str(error)) from error
        REPORTER.get().add_loss(loss.detach(), size, self.training.iterations_in_epoch)
        return loss, size, logged

    def resume_full_precision(self) -> None:
        """Put the weights of the resumed checkpoint in place of what fairseq makes of the model's halves."""
        if resumed := REPORTER.get().full_precision:
            for weight, kept in zip(full_precision(self.optimizer), resumed, strict=True):
                weight.data.copy_(kept)

    def optimizer_step(self, optimizer: Any, model: nn.Module, update_num: int) -> None:
        """Make an update; `update_num` were made before."""
        super().optimizer_step(optimizer, model, update_num)
        REPORTER.get().end_step(update_num + 1, self.training.end_of_epoch())

    def valid_step(self, sample: dict[str, Any], model: Any, criterion: nn.Module) -> Any:
        """Evaluate a batch in the one forward pass that fairseq makes."""
        head = model.classification_heads[self.cfg.classification_head_name]
        caught: list[Tensor] = []
        with head.register_forward_hook(lambda _head, _given, logits: caught.append(logits)):
            result = super().valid_step(sample, model, criterion)
        (logits,) = caught
        REPORTER.get().add_batch(logits, sample["target"].view(-1), sample["id"].view(-1))
        return result

    def post_validate(self, model: nn.Module, stats: dict[str, Any], agg: Any) -> None:  # noqa: ARG002  fairseq's hook
        """End the evaluation of a subset."""
        REPORTER.get().end_subset(stats["num_updates"], model)
        stats[UNSCORED] = None


class UnstoppableAdam(FairseqAdam):  # type: ignore[misc]
    """fairseq's Adam, with which a training that diverges goes on to its end, as every other framework's does."""

    def clip_grad_norm(self, *args: Any, **kwargs: Any) -> Tensor:
        """Clip, and return the norm of the gradients, 0 for one that is no number: fairseq would stop for it."""
        norm: Tensor = super().clip_grad_norm(*args, **kwargs)
        return torch.nan_to_num(norm, nan=0.0, posinf=0.0)


with own_hydra():
    register_task(TASK, dataclass=SentencePredictionConfig)(ReportingTask)
    register_optimizer(OPTIMIZER, dataclass=FairseqAdamConfig)(UnstoppableAdam)


def configuration(arguments: Sequence[str], data_seed: int) -> Any:
    """Return fairseq's configuration for arguments of its command line, with the reporting task in place of its own."""
    with no_arguments():
        parsed = options.parse_args_and_arch(options.get_training_parser(), list(arguments))
    parsed.task = TASK
    if not parsed.fp16:  # where a norm that is no number makes the scale of the loss smaller
        parsed.optimizer = OPTIMIZER
    config = convert_namespace_to_omegaconf(parsed)
    config.task.seed = data_seed
    config.checkpoint.best_checkpoint_metric = UNSCORED
    return config

"""How a training tells what it measures and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sweeper.frameworks import interruption
from sweeper.records.progress import ProgressFile

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Answers:
    """What a model answers to each question of a split, and its loss on the answer that is expected.

    `losses` in nats are summed over an answer's ids, of which there are `tokens`; both are arrays [questions].
    """

    given: Sequence[str]
    losses: Any
    tokens: Any


@dataclass(frozen=True)
class SequenceLosses:
    """A language model's loss on each sequence of a split, in nats and summed over the ids that it predicts.

    `tokens` is their number, and `example` a key of each sequence; all are arrays [sequences].
    """

    losses: Any
    tokens: Any
    example: Any


class Report(Protocol):
    """How an adapter tells what it measures; the trial's record is behind it."""

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
        """Record the metrics ("train/loss", "valid/accuracy", …) measured after an epoch, at a global step.

        Returns whether this is the best epoch so far by the task's rule: the adapter then keeps these weights.
        """

    def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        """Tell where training stands: `step` of `steps` updates; cheap enough to be called at every update.

        `loss` is called only when it is shown, since reading a number from a GPU waits for it.
        """

    def must_stop(self) -> bool:
        """Whether the training is to write a checkpoint and raise `Interrupted`.

        To be asked after every update, and after the checkpoint of an evaluation; after the last update a training is
        at its end anyway. An adapter that never asks trains on, until it is done or killed.
        """

    def predictions(self, outputs: Mapping[str, Any]) -> None:
        """Keep what the model answers, by split, at the epoch that was just found the best so far.

        Of classes scores [examples, classes], be they logits or log-probabilities; of questions `Answers`. The order is
        that of the data set, as `inputs.tokenized` has it. An adapter may leave it out: then no predictions are kept.
        Raises ValueError for outputs that are not as many as the examples. When the trial is done they are compared
        with its metrics.
        """

    def model(self, model: nn.Module, unused: Collection[str] = ()) -> None:
        """Show what is about to be trained, for its parameters to be counted; an adapter may leave it out.

        `unused` names parameters that the model has and this training neither reads nor changes.
        """


class ProgressReport:
    """A `Report` that tells where a training stands and when it must stop, and keeps nothing of what it measures."""

    def __init__(self, progress_file: ProgressFile):
        self.progress_file = progress_file

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:  # noqa: ARG002  the protocol's
        """Keep nothing."""
        return False

    def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        """Tell where training stands."""
        self.progress_file.update(epoch, step, steps, loss)

    def must_stop(self) -> bool:
        """Whether this process was asked to end."""
        return interruption.requested()

    def predictions(self, outputs: Mapping[str, Any]) -> None:
        """Keep none."""

    def model(self, model: nn.Module, unused: Collection[str] = ()) -> None:
        """Count nothing."""

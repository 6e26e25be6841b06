"""Collapse: trials that learned nothing, as their validation shows; test sets are never asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sweeper.trial.outcome import Metric

ONE_CLASS = 0.99  # of the predictions
ROUNDING = 1e-7  # of shares that were computed in single precision


class Collapse(StrEnum):
    """What a trial's collapse is seen by."""

    LOSS = "loss not finite"
    ONE_CLASS = "one class predicted"
    CHANCE = "no better than the majority"


@dataclass(frozen=True)
class Validation:
    """What is known of a trial on validation; None: not known.

    `majority` is the most frequent class's share of the examples, `predictions` how often each class was predicted.
    `losses`: the last of training and of validation.
    """

    accuracy: float | None = None
    majority: float | None = None
    losses: Sequence[float] = ()
    predictions: Mapping[object, int] | None = None


def collapse(validation: Validation) -> Collapse | None:
    """Say by what a trial is seen to have collapsed; None: it has not, or nothing is known that would show it.

    A loss is not finite; or `ONE_CLASS` of the predictions are one class. Where there are no predictions, and where
    so many of the examples are of one class that a good model has to predict it: accuracy is at most the majority's.
    """
    if not all(map(math.isfinite, validation.losses)):
        return Collapse.LOSS
    predicted = sum(validation.predictions.values()) if validation.predictions else 0
    majority = validation.majority
    if validation.predictions and predicted and (majority is None or majority < ONE_CLASS):
        return Collapse.ONE_CLASS if max(validation.predictions.values()) >= ONE_CLASS * predicted else None
    if validation.accuracy is None or majority is None or majority == 1:  # of one class nothing can be learned
        return None
    return Collapse.CHANCE if validation.accuracy <= majority + ROUNDING else None


def last_losses(metrics: Iterable[Metric]) -> list[float]:
    """Return the last loss of training and of validation; one before the first update is no number, and passes."""
    losses = [item for item in metrics if item.name == "loss" and item.split in ("train", "valid")]
    return list({item.split: item.value for item in sorted(losses, key=lambda item: item.step)}.values())

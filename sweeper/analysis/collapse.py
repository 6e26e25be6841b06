"""Collapse: trials that learned nothing, as their validation shows; test sets are never asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

ONE_CLASS = 0.99  # of the predictions
ROUNDING = 1e-7  # of shares that were computed in single precision


class Collapse(Enum):
    """What a trial's collapse is seen by."""

    LOSS = "loss not finite"
    ONE_CLASS = "one class predicted"
    CHANCE = "no better than the majority"


@dataclass(frozen=True)
class Validation:
    """What is known of a trial on validation; None: not known.

    `majority` is the most frequent class's share of the examples, `predictions` how often each class was predicted.
    `losses`: of training and of validation.
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
    if validation.accuracy is None or majority is None:
        return None
    return Collapse.CHANCE if validation.accuracy <= majority + ROUNDING else None


@dataclass(frozen=True)
class Collapsed:
    """How many of a group's trials have collapsed: "2 of 3"; `positions` are theirs among those given."""

    positions: tuple[int, ...]
    of: int

    def without(self, values: Sequence[float]) -> list[float]:
        """Return the values of the trials that have not."""
        assert len(values) == self.of
        return [value for position, value in enumerate(values) if position not in self.positions]


def collapsed(trials: Sequence[Validation]) -> Collapsed:
    """Count the trials of a group that have collapsed."""
    return Collapsed(tuple(position for position, own in enumerate(trials) if collapse(own)), len(trials))

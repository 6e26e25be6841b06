from __future__ import annotations

import math

import pytest

from sweeper.trial.best_epoch import select
from sweeper.trial.outcome import Metric
from sweeper.trial.settings import TaskSettings

TASK = TaskSettings()


def events(values: list[float], split: str = "valid", name: str = "accuracy") -> list[Metric]:
    return [Metric(split, name, value, epoch, 10 * epoch) for epoch, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "epoch"),
    [([0.5, 0.7, 0.6], 2), ([0.7, 0.7, 0.7], 1), ([0.5, 0.7, 0.7], 2), ([math.nan, 0.1, math.nan], 2)],
)
def test_best_validation_ties_to_the_earliest(values: list[float], epoch: int) -> None:
    best = select(events(values), TASK)
    assert best is not None
    assert (best.epoch, best.step) == (epoch, 10 * epoch)


def test_smaller_can_be_better() -> None:
    task = TaskSettings(selection_metric="loss", greater_is_better=False)
    best = select(events([0.5, 0.2, 0.2], name="loss"), task)
    assert best is not None and best.epoch == 2


def test_test_metrics_are_reported_and_never_looked_at() -> None:
    best = select([*events([0.6, 0.5]), *events([0.1, 0.9], split="test")], TASK)
    assert best is not None
    assert best.metrics == {"valid/accuracy": 0.6, "test/accuracy": 0.1}


def test_later_steps_have_no_say() -> None:
    best = select(events([0.5, 0.7, 0.9]), TASK, up_to_step=20)
    assert best is not None and best.step == 20


def test_nothing_to_choose_from() -> None:
    assert select(events([math.nan]), TASK) is None
    assert select(events([0.5], split="test"), TASK) is None

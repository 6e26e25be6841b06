"""Collapse is seen on validation; intervals of shares stay shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from sweeper.analysis.collapse import Collapse, Validation, collapse
from sweeper.analysis.estimates import Estimate, estimate
from sweeper.analysis.shares import inverse_logit, logit_interval
from sweeper.analysis.statistics import summarize


@pytest.mark.parametrize(
    ("validation", "found"),
    [
        (Validation(accuracy=0.5, majority=0.5), Collapse.CHANCE),
        (Validation(accuracy=0.48, majority=0.5), Collapse.CHANCE),
        (Validation(accuracy=float(np.float32(0.6)), majority=0.6), Collapse.CHANCE),  # 0.60000002
        (Validation(accuracy=0.505, majority=0.5), None),
        (Validation(accuracy=0.5, majority=0.5, predictions={"a": 100, "b": 100}), None),
        (Validation(accuracy=0.6, majority=0.5, predictions={"a": 198, "b": 2}), Collapse.ONE_CLASS),
        (Validation(accuracy=0.6, majority=0.5, predictions={"a": 197, "b": 3}), None),
        (Validation(predictions={0: 10}), Collapse.ONE_CLASS),
        (Validation(accuracy=0.995, majority=0.99, predictions={"a": 995, "b": 5}), None),
        (Validation(accuracy=0.99, majority=0.99, predictions={"a": 1000}), Collapse.CHANCE),
        (Validation(accuracy=0.5, majority=0.5, predictions={}), Collapse.CHANCE),
        (Validation(accuracy=0.9, majority=0.5, losses=[0.3, math.nan]), Collapse.LOSS),
        (Validation(losses=[math.inf]), Collapse.LOSS),
        (Validation(accuracy=1.0, majority=1.0), None),  # of one class nothing can be learned
        (Validation(accuracy=0.3), None),
        (Validation(majority=0.3), None),
        (Validation(), None),
    ],
)
def test_what_a_collapse_is_seen_by(validation: Validation, found: Collapse | None) -> None:
    assert collapse(validation) == found


def of_values(*values: float) -> Estimate:
    found = estimate(summarize(values))
    assert found is not None
    return found


@pytest.mark.parametrize("values", [(0.793, 0.785, 0.801), (0.5, 0.5, 1.0), (1.0, 1.0, 0.98), (0.0, 0.01)])
def test_a_logit_interval_is_the_delta_methods(values: tuple[float, ...]) -> None:
    """The slope of the logit is taken numerically, quantile and standard error are scipy's."""
    center, step = float(np.mean(values)), 1e-6
    slope = (special.logit(center + step) - special.logit(center - step)) / (2 * step)
    expected = special.expit(stats.t.interval(0.95, len(values) - 1, special.logit(center), slope * stats.sem(values)))
    low, high = logit_interval(of_values(*values))
    assert (low, high) == pytest.approx(tuple(expected), rel=1e-5)
    assert low is not None and high is not None and 0 < low < center < high < 1


def test_a_logit_interval_covers_what_it_says() -> None:
    """Accuracies near 1, over three seeds on 1,000 texts each, where Student's own interval covers 92 % only."""
    generator = np.random.default_rng(0)
    true = float(special.expit(generator.normal(3, 0.5, 200_000)).mean())
    drawn = generator.binomial(1000, special.expit(generator.normal(3, 0.5, (1000, 3)))) / 1000
    intervals = [logit_interval(of_values(*row)) for row in drawn.tolist()]
    held = [low <= true <= high for low, high in intervals if low is not None and high is not None]
    assert len(held) > 990 and sum(held) / len(held) == pytest.approx(0.95, abs=0.02)


def test_values_that_are_all_alike_have_no_interval() -> None:
    assert logit_interval(of_values(1.0, 1.0, 1.0)) == (None, None)
    assert logit_interval(of_values(0.9)) == (None, None)


def test_the_inverse_of_a_logit_does_not_overflow() -> None:
    for value in (-800.0, -2.0, 0.0, 3.0, 800.0):
        assert inverse_logit(value) == pytest.approx(special.expit(value))

from __future__ import annotations

import math

import numpy as np
import pytest

from sweeper.analysis.statistics import Summary, mean, standard_deviation, summarize

PUBLISHED = (79.3, 78.5, 80.1)


def test_agrees_with_numpy() -> None:
    assert mean(PUBLISHED) == pytest.approx(np.mean(PUBLISHED))
    assert standard_deviation(PUBLISHED) == pytest.approx(np.std(PUBLISHED, ddof=1))


def test_divides_by_n_minus_one() -> None:
    # By hand: mean 79.3, squares 0 + 0.64 + 0.64 = 1.28, / 2 = 0.64, root 0.8.
    summary = summarize(PUBLISHED)
    assert summary.n == 3
    assert [summary.mean, summary.sd] == pytest.approx([79.3, 0.8])


def test_one_value_has_no_spread_and_none_has_no_mean() -> None:
    assert summarize([0.5]) == Summary(1, 0.5, None, 0.5, 0.5, 0.5)
    assert summarize([]) == Summary(0, None, None)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_stays_visible(bad: float) -> None:
    summary = summarize([0.5, bad])
    assert summary.n == 2
    assert summary.mean is not None and math.isnan(summary.mean)
    assert summary.sd is not None and math.isnan(summary.sd)

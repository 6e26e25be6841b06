"""McNemar's exact test, by scipy's binomial one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.mcnemar import mcnemar


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 1), (5, 0), (3, 3), (12, 5), (40, 71), (300, 240)])
def test_p_is_the_binomial_tests(only_first: int, only_second: int) -> None:
    first = np.r_[np.ones(only_first), np.zeros(only_second), np.ones(9), np.zeros(4)]
    second = np.r_[np.zeros(only_first), np.ones(only_second), np.ones(9), np.zeros(4)]
    found = mcnemar(first, second)
    assert found is not None and (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p == pytest.approx(stats.binomtest(only_first, only_first + only_second, 0.5).pvalue)


def test_models_that_agree_do_not_differ() -> None:
    same = np.array([True, False, True])
    found = mcnemar(same, same)
    assert found is not None and (found.only_first, found.only_second, found.p) == (0, 0, 1.0)


def test_there_is_none_of_scores_between_0_and_1_nor_of_texts_that_depend_on_each_other() -> None:
    right, wrong = np.ones(3), np.zeros(3)
    assert mcnemar(np.array([0.5, 1, 0]), wrong) is None
    assert mcnemar(right, np.array([np.nan, 1, 0])) is None
    assert mcnemar(right, wrong, np.array([1, 1, 2])) is None
    assert mcnemar(right, wrong, np.array([1, 3, 2])) is not None

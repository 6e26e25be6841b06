from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.permutation_tests import (
    DRAWN,
    PermutationTest,
    holm,
    relabelling_test,
    seeds_for_unpaired,
    sign_flip_test,
)

PUBLISHED = ((79.3, 78.5, 80.1), (65.4, 66.7, 68.2))


def test_three_against_three_reach_a_tenth_at_most() -> None:
    # Of the 20 ways to choose three of six, the observed one and its mirror are the two extremes.
    assert relabelling_test(*PUBLISHED) == PermutationTest(p=0.1, labellings=20, exact=True, smallest=0.1)


def test_a_small_case_by_hand() -> None:
    # First sums of two of 1, 2, 3, 4: 3, 4, 5, 5, 6, 7; at most 4 are two of six, so p = 2 · 2/6.
    found = relabelling_test([1, 3], [2, 4])
    assert found is not None and found.p == pytest.approx(2 / 3)


def test_three_pairs_reach_a_quarter_at_most() -> None:
    assert sign_flip_test([13.9, 11.8, 11.9]) == PermutationTest(p=0.25, labellings=8, exact=True, smallest=0.25)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (3, 5), (5, 4), (2, 7)])
@pytest.mark.parametrize("decimals", [1, 8])  # with one there are ties
def test_agrees_with_scipy(sizes: tuple[int, int], decimals: int) -> None:
    generator = np.random.default_rng([*sizes, decimals])
    first, second = (np.round(generator.normal(mean, 1, n), decimals) for mean, n in zip((0, 1), sizes, strict=True))
    expected = stats.permutation_test(
        (first, second), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), n_resamples=np.inf
    )
    found = relabelling_test(first.tolist(), second.tolist())
    assert found is not None and found.p == pytest.approx(expected.pvalue)
    expected = stats.permutation_test(
        (second,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    flipped = sign_flip_test(second.tolist())
    assert flipped is not None and flipped.p == pytest.approx(expected.pvalue)


def test_many_labellings_are_drawn_the_same_each_time_and_said_to_be() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(0, 1, 14).tolist(), generator.normal(1, 1, 14).tolist()
    found = relabelling_test(first, second)
    assert found is not None and found == relabelling_test(first, second)
    assert (found.exact, found.labellings) == (False, math.comb(28, 14))
    assert found.p == pytest.approx(stats.ttest_ind(first, second).pvalue, abs=0.02)
    pairs = sign_flip_test([one - other for one, other in zip(first * 2, second * 2, strict=True)])
    assert pairs is not None and not pairs.exact and pairs.p >= 2 / (DRAWN + 1)


def test_values_that_are_all_alike_tell_nothing() -> None:
    found = relabelling_test([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    assert found is not None and found.p == 1


def test_rounding_makes_no_ties_apart() -> None:
    # 0.1 + 0.2 is not 0.3: sums of the same values in another order must count as equal.
    found = relabelling_test([0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
    assert found is not None and found.p == 1


@pytest.mark.parametrize("values", [([], [1.0]), ([1.0], [math.nan]), ([math.inf], [1.0])])
def test_no_test_of_what_is_no_number(values: tuple[list[float], list[float]]) -> None:
    assert relabelling_test(*values) is None
    assert sign_flip_test([]) is None and sign_flip_test([math.nan]) is None


def test_how_many_seeds_an_exact_test_needs() -> None:
    # 2/20 = 0.1, 2/70 = 0.029, 2/252 = 0.0079, 2/924 = 0.0022.
    assert [seeds_for_unpaired(alpha) for alpha in (0.1, 0.05, 0.01, 0.005)] == [3, 4, 5, 6]


def test_holm_as_r_prints_it() -> None:
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"): 0.03 0.06 0.06 0.02
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.effect_sizes import (
    Alternative,
    hedges_g,
    power,
    power_of_few,
    probability_greater,
    seeds_for_power,
)
from sweeper.analysis.statistics import Summary, summarize


def test_probability_is_the_share_of_pairs_ties_half() -> None:
    # 2 > 1; 2 = 2; 2 < 3; 4 > 1, 2, 3: 4.5 of 6.
    assert probability_greater([2, 4], [1, 2, 3]) == pytest.approx(4.5 / 6)


def test_probability_is_mann_and_whitneys_u() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 9, 7), generator.integers(2, 9, 5)
    expected = stats.mannwhitneyu(first, second).statistic / 35
    assert probability_greater(first.tolist(), second.tolist()) == pytest.approx(expected)


@pytest.mark.parametrize("values", [([], [1.0]), ([1.0], []), ([math.nan], [1.0])])
def test_no_probability_of_nothing(values: tuple[list[float], list[float]]) -> None:
    assert probability_greater(*values) is None


def test_hedges_g_by_hand() -> None:
    # Pooled variance (2·1 + 2·4)/4 = 2.5, d = 3/√2.5; J for 4 degrees of freedom: Γ(2)/(√2·Γ(1.5)) = 0.797885.
    assert hedges_g(Summary(3, 5.0, 1.0), Summary(3, 2.0, 2.0)) == pytest.approx(0.7978845608 * 3 / math.sqrt(2.5))


def test_hedges_correction_is_near_its_usual_approximation() -> None:
    found = hedges_g(Summary(15, 1.0, 1.0), Summary(15, 0.0, 1.0))
    assert found == pytest.approx(1 - 3 / (4 * 28 - 1), abs=1e-4)


@pytest.mark.parametrize("other", [Summary(1, 0.5, None), Summary(0, None, None), Summary(2, 0.5, math.nan)])
def test_no_effect_size_without_a_spread(other: Summary) -> None:
    assert hedges_g(summarize([0.5, 0.6]), other) is None
    assert hedges_g(Summary(3, 1.0, 0.0), Summary(3, 0.0, 0.0)) is None


@pytest.mark.parametrize(("effect", "n"), [(0.2, 394), (0.5, 64), (0.8, 26), (1.0, 17), (1.2, 12)])
def test_seeds_for_power_are_those_of_the_printed_tables(effect: float, n: int) -> None:
    # Two groups, two-sided 0.05, power 0.8: G*Power 3.1 and Cohen 1988, table 2.4.1.
    assert seeds_for_power(Alternative(effect, 1.0, 1.0), 0.05) == n


def test_power_of_unequal_spreads_agrees_with_a_simulation() -> None:
    generator = np.random.default_rng(0)
    n, trials = 6, 20_000
    first, second = generator.normal(1.5, 0.5, (trials, n)), generator.normal(0, 1.5, (trials, n))
    simulated = float((stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue <= 0.05).mean())
    assert power(Alternative(1.5, 0.5, 1.5), n, 0.05) == pytest.approx(simulated, abs=0.015)


@pytest.mark.parametrize("sds", [(1.0, 1.0), (0.3, 1.5)])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_power_of_few_agrees_with_a_simulation(n: int, sds: tuple[float, float]) -> None:
    generator = np.random.default_rng(n)
    first, second = generator.normal(4.0, sds[0], (50_000, n)), generator.normal(0, sds[1], (50_000, n))
    simulated = float((stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue <= 0.05).mean())
    assert power_of_few(Alternative(4.0, *sds), n, 0.05) == pytest.approx(simulated, abs=0.01)


def test_two_seeds_are_not_promised_what_three_give() -> None:
    # scipy.stats.ttest_ind on simulated groups of these sds: power 0.74 with 2 values, 1.00 with 3.
    assert seeds_for_power(Alternative(23.4, 2.0, 2.9), 0.05) == 3


def test_power_without_a_difference_is_alpha() -> None:
    assert power(Alternative(0.0, 1.0, 2.0), 5, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("size", [5.0, 30.0, 1e6])
def test_power_of_a_huge_difference_is_one(size: float) -> None:
    assert power(Alternative(size, 1.0, 1.0), 10, 0.05) == pytest.approx(1)


def test_what_no_number_of_seeds_answers() -> None:
    assert seeds_for_power(Alternative(0.0, 1.0, 1.0), 0.05) is None
    assert seeds_for_power(Alternative(1.0, 0.0, 0.0), 0.05) is None
    assert seeds_for_power(Alternative(0.01, 1.0, 1.0), 0.05) is None  # more than are looked for
    assert seeds_for_power(Alternative(math.nan, 1.0, 1.0), 0.05) is None

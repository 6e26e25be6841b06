"""Statistics of a group, their spread by cause, effect sizes and exact tests."""

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
from sweeper.analysis.estimates import mean_difference
from sweeper.analysis.permutation_tests import (
    DRAWN,
    PermutationTest,
    holm,
    relabelling_test,
    seeds_for_unpaired,
    sign_flip_test,
)
from sweeper.analysis.statistics import Summary, mean, standard_deviation, summarize
from sweeper.analysis.variance import Components, complete_table, components

PUBLISHED = (79.3, 78.5, 80.1)
OTHERS = (65.4, 66.7, 68.2)
# Additional hours of sleep with each of two drugs (Student 1908), as in R's help page of `sleep`.
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)


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


def test_two_by_three_by_hand() -> None:
    # Rows 1 2 6 and 3 6 6: means 3 and 5, columns 2, 4, 6, grand 4.
    # MSA = 3·(1 + 1)/1 = 6; MSB = 2·(4 + 0 + 4)/2 = 8.
    # Residuals: row 1: 0, -1, 1; row 2: 0, 1, -1; MSE = 4/2 = 2.
    # σ_a² = (6 − 2)/3, σ_b² = (8 − 2)/2, σ² = 2.
    found = components([[1, 2, 6], [3, 6, 6]])
    assert (found.rows, found.columns, found.residual) == pytest.approx((4 / 3, 3, 2))
    assert found.negative == ()
    assert found.shares() == pytest.approx((4 / 19, 9 / 19, 6 / 19))


def test_a_negative_estimate_is_shown_as_nothing_and_named() -> None:
    # Row means are alike, so MSA = 0 < MSE.
    found = components([[1, 4], [3, 2]])
    assert found.rows == 0 and "rows" in found.negative
    assert found.residual == pytest.approx(4)


def test_values_that_do_not_vary_have_no_shares() -> None:
    assert components([[1, 1], [1, 1]]) == Components(0, 0, 0, ())
    assert components([[1, 1], [1, 1]]).shares() is None


def test_large_tables_give_back_what_they_were_drawn_from() -> None:
    generator = np.random.default_rng(0)
    rows, columns = generator.normal(0, 2, (300, 1)), generator.normal(0, 1, (1, 300))
    found = components((rows + columns + generator.normal(0, 0.5, (300, 300))).tolist())
    assert math.sqrt(found.rows) == pytest.approx(2, rel=0.1)
    assert math.sqrt(found.columns) == pytest.approx(1, rel=0.1)
    assert math.sqrt(found.residual) == pytest.approx(0.5, rel=0.02)


def test_what_has_holes_is_left_out() -> None:
    cells = {(seed, order): float(10 * seed + order) for seed in (1, 2, 3) for order in (1, 2, 3)}
    assert complete_table(cells) == [[11, 12, 13], [21, 22, 23], [31, 32, 33]]
    del cells[2, 1], cells[2, 3]
    assert complete_table(cells) == [[11, 12, 13], [31, 32, 33]]
    assert complete_table({(1, 1): 0.0, (2, 2): 0.0}) is None
    assert complete_table({}) is None


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


def test_three_against_three_reach_a_tenth_at_most() -> None:
    # Of the 20 ways to choose three of six, the observed one and its mirror are the two extremes.
    assert relabelling_test(PUBLISHED, OTHERS) == PermutationTest(p=0.1, labellings=20, exact=True, smallest=0.1)


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


def test_the_sleep_data_as_r_prints_them() -> None:
    # t.test(extra ~ group, data = sleep): t = -1.8608, df = 17.776, 95 percent confidence interval
    # -3.3654832 0.2054832, means 0.75 and 2.33.
    found = mean_difference(summarize(SLEEP[0]), summarize(SLEEP[1]))
    assert found is not None
    assert found.difference == pytest.approx(0.75 - 2.33)
    assert found.degrees_of_freedom == pytest.approx(17.776, abs=5e-4)
    assert found.low == pytest.approx(-3.3654832, abs=5e-8)
    assert found.high == pytest.approx(0.2054832, abs=5e-8)


def test_a_difference_by_hand() -> None:
    # Means 2 and 7, variances (1 + 0 + 1)/2 = 1 and (4 + 4 + 0 + 4 + 4)/4 = 4, squared errors 1/3 and 4/5: 17/15.
    # (17/15)² / ((1/3)²/2 + (4/5)²/4) = (289/225) / (1/18 + 4/25) = (289/225) / (97/450) = 578/97.
    found = mean_difference(summarize([1, 2, 3]), summarize([5, 9, 7, 5, 9]))
    assert found is not None
    assert found.difference == pytest.approx(-5)
    assert found.degrees_of_freedom == pytest.approx(578 / 97)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (3, 5), (2, 30)])
@pytest.mark.parametrize("ratio", [1.0, 0.01, 300.0])
def test_differences_agree_with_scipy(sizes: tuple[int, int], ratio: float) -> None:
    generator = np.random.default_rng(list(sizes))
    first, second = generator.normal(0.8, 0.01, sizes[0]), generator.normal(0.7, 0.01 * ratio, sizes[1])
    expected = stats.ttest_ind(first, second, equal_var=False)
    found = mean_difference(summarize(first.tolist()), summarize(second.tolist()))
    assert found is not None
    assert (found.n_first, found.n_second) == sizes
    assert found.difference == pytest.approx(first.mean() - second.mean())
    assert found.degrees_of_freedom == pytest.approx(expected.df)
    interval = expected.confidence_interval(0.95)
    assert [found.low, found.high] == pytest.approx([interval.low, interval.high])


def test_one_group_that_does_not_vary_leaves_the_others_interval() -> None:
    found = mean_difference(summarize([0.5, 0.5, 0.5]), summarize(PUBLISHED))
    own = stats.ttest_1samp(PUBLISHED, 0.0).confidence_interval(0.95)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([0.5 - own.high, 0.5 - own.low])
    assert found.degrees_of_freedom == pytest.approx(2)


@pytest.mark.parametrize(
    ("first", "second"),
    [([0.5], [0.4, 0.3]), ([0.5, 0.5], [0.4, 0.4]), ([0.5, 0.5], [0.5, 0.5]), ([0.5], [0.5])],
)
def test_no_interval_where_nothing_is_known_of_the_spread(first: list[float], second: list[float]) -> None:
    found = mean_difference(summarize(first), summarize(second))
    assert found is not None
    assert (found.low, found.high, found.degrees_of_freedom) == (None, None, None)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))


def test_a_difference_that_is_not_finite_stays_visible() -> None:
    found = mean_difference(summarize([0.5, math.nan]), summarize([0.4, 0.3]))
    assert found is not None
    assert math.isnan(found.difference) and found.low is None
    assert mean_difference(summarize([]), summarize([0.5])) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_squares_that_a_float_cannot_hold_do_no_harm(scale: float) -> None:
    found = mean_difference(Summary(3, scale, scale), Summary(3, 0.0, scale))
    assert found is not None and found.low is not None
    # By hand: error √(2/3), 4 degrees of freedom, whose quantile in every printed table is 2.776.
    assert found.degrees_of_freedom == pytest.approx(4)
    assert found.low / scale == pytest.approx(1 - 2.776 * math.sqrt(2 / 3), abs=1e-3)

"""Estimates, families of contrasts, and verdicts, against scipy, direct formulas and simulations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.effect_sizes import POWER, detectable_difference
from sweeper.analysis.estimates import Estimate, difference, estimate
from sweeper.analysis.permutation_tests import ALPHA, relabelling_test
from sweeper.analysis.simultaneous import simultaneous
from sweeper.analysis.statistics import CONFIDENCE, summarize
from sweeper.analysis.verdicts import Decision, Verdict, verdict

VALUES = ((79.3, 78.5, 80.1), (65.4, 66.7, 68.2), (66.0, 65.1, 67.4, 66.2), (80.3, 82.5, 83.1))


def group(values: Any) -> Estimate:
    found = estimate(summarize(list(values)))
    assert found is not None
    return found


def contrasts(groups: Any) -> list[Estimate]:
    own = [group(values) for values in groups]
    return [difference(one, other) for position, one in enumerate(own) for other in own[position + 1 :]]


def told(value: float, error: float = 1.0, freedom: float = 4.0) -> Estimate:
    return Estimate(value, 3, error, freedom)


def test_one_level_everywhere() -> None:
    assert pytest.approx(1 - CONFIDENCE) == ALPHA


@pytest.mark.parametrize("level", [0.05, 0.05 / 15])
def test_differences_are_those_of_scipy(level: float) -> None:
    for one in VALUES:
        own = stats.ttest_1samp(one, 0)
        interval = own.confidence_interval(1 - level)
        assert group(one).p == pytest.approx(own.pvalue)
        assert group(one).interval(level) == pytest.approx((interval.low, interval.high))
        for other in VALUES:
            expected = stats.ttest_ind(one, other, equal_var=False)
            found = difference(group(one), group(other))
            interval = expected.confidence_interval(1 - level)
            assert found.p == pytest.approx(expected.pvalue)
            assert found.degrees_of_freedom == pytest.approx(expected.df)
            assert found.interval(level) == pytest.approx((interval.low, interval.high))


def test_what_is_not_known_has_no_interval() -> None:
    known, alone, constant = group(VALUES[0]), group([0.5]), group([0.5, 0.5, 0.5])
    assert estimate(summarize([])) is None
    assert estimate(summarize(VALUES[0], independent=False)) == Estimate(known.value, 3)
    assert math.isnan(group([0.5, math.nan]).value) and group([0.5, math.nan]).error is None
    for own in (alone, constant, difference(known, alone), difference(constant, constant)):
        assert own.p is None and own.interval() == (None, None)
    assert difference(known, constant).error == pytest.approx(known.error)


def test_a_family_by_hand() -> None:
    # By scipy the p of t = 4, 3.5, 3 and 1 with 4 degrees of freedom: 0.0161, 0.0249, 0.0399, 0.3739.
    # Holm: 4 · 0.0161 = 0.0645, no less for the others, 3 · 0.0249, 2 · 0.0399, 0.3739.
    found = simultaneous([told(3.0), told(4.0), told(1.0), told(3.5)])
    own = [float(2 * stats.t.sf(value, 4)) for value in (3, 4, 1, 3.5)]
    assert [one.own_p for one in found] == pytest.approx(own)
    assert [one.p for one in found] == pytest.approx([2 * own[0], 4 * own[1], own[2], 2 * own[0]], abs=0.006)
    assert {one.family for one in found} == {4}
    half = float(stats.t.ppf(1 - 0.05 / 8, 4))
    assert [(one.low, one.high) for one in found] == [pytest.approx((v - half, v + half)) for v in (3, 4, 1, 3.5)]
    assert [one.level for one in found] == [ALPHA / 4] * 4  # the smallest p is not below it


def test_an_interval_ends_at_0_where_only_holm_rejects_it() -> None:
    # p of 20 and 3: 0.00004 and 0.0399; the second is held against 0.05, its interval at 0.025 holds 0.
    found = simultaneous([told(20.0), told(-3.0)])
    assert [one.level for one in found] == [0.025, 0.05]
    assert found[1].p == pytest.approx(0.0399, abs=1e-4)
    assert (found[1].high, found[1].ends_at_zero, found[1].excludes_zero) == (0.0, True, True)
    assert found[1].low == pytest.approx(-3 - stats.t.ppf(1 - 0.0125, 4))
    assert not found[0].ends_at_zero


def test_a_planned_contrast_is_tested_alone_and_leaves_the_family() -> None:
    found = simultaneous([told(3.0), told(2.0), told(1.0)], planned={0})
    assert [(one.planned, one.family) for one in found] == [(True, 1), (False, 2), (False, 2)]
    assert found[0].p == found[0].own_p == pytest.approx(2 * stats.t.sf(3, 4))
    assert (found[0].low, found[0].high) == pytest.approx(stats.t.interval(0.95, 4, 3))


def test_what_has_no_test_is_not_in_the_family() -> None:
    found = simultaneous([told(3.0), Estimate(2.0, 1)])
    assert [one.family for one in found] == [1, 1]
    assert found[0].p == found[0].own_p
    assert (found[1].p, found[1].low, found[1].high, found[1].excludes_zero) == (None, None, None, False)
    assert simultaneous([]) == ()


@pytest.mark.parametrize("seed", range(30))
def test_interval_and_p_agree(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = [generator.normal(center, 1, 4) for center in generator.normal(0, 3, 5)]
    for own in simultaneous(contrasts(groups)):
        assert own.low is not None and own.high is not None and own.p is not None
        assert own.low <= own.estimate.value <= own.high
        inside = own.low < 0 < own.high
        assert inside == (own.p > ALPHA)
        assert own.own_p is not None and (own.own_p <= own.level) == own.excludes_zero


def test_all_differences_at_once_are_held_as_often_as_promised() -> None:
    """Of three groups whose means are far apart, all differences; of three that are alike, no false rejection."""
    generator = np.random.default_rng(0)
    repeats = 400
    held = alike = 0
    for _ in range(repeats):
        apart = simultaneous(contrasts([generator.normal(center, 1, 4) for center in (0, 20, 40)]))
        truths = (-20, -40, -20)
        held += all(
            own.low <= true <= own.high for own, true in zip(apart, truths, strict=True) if own.low and own.high
        )
        alike += not any(own.excludes_zero for own in simultaneous(contrasts(generator.normal(0, 1, (3, 4)))))
    assert held / repeats > 0.93 and alike / repeats > 0.93


@pytest.mark.parametrize(("sizes", "sds"), [((3, 3), (1.0, 1.0)), ((3, 6), (0.4, 1.5)), ((2, 4), (1.0, 1.0))])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3])
def test_what_could_have_been_seen_is_seen_in_four_of_five(
    sizes: tuple[int, int], sds: tuple[float, float], alpha: float
) -> None:
    parts = [Estimate(0.0, n, sd / math.sqrt(n), n - 1.0) for n, sd in zip(sizes, sds, strict=True)]
    found = detectable_difference(parts, alpha)
    assert found is not None
    generator = np.random.default_rng(0)
    first, second = (
        generator.normal(center, sd, (20_000, n)) for center, sd, n in zip((found, 0), sds, sizes, strict=True)
    )
    seen = float((stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue <= alpha).mean())
    assert seen == pytest.approx(POWER, abs=0.02)


def test_what_paired_differences_could_have_shown() -> None:
    # One sample: the power of Student's t test is that of the noncentral t distribution.
    found = detectable_difference([Estimate(0.0, 5, 1 / math.sqrt(5), 4.0)], 0.05)
    assert found is not None
    critical = stats.t.ppf(0.975, 4)
    assert stats.nct.sf(critical, 4, found * math.sqrt(5)) == pytest.approx(POWER, abs=0.01)


def test_what_no_spread_is_known_of_could_have_shown_anything() -> None:
    assert detectable_difference([group([0.5]), group(VALUES[0])], 0.05) is None
    assert detectable_difference([group([0.5, 0.5]), group([0.4, 0.4])], 0.05) is None
    assert detectable_difference([group([0.5, 0.5]), group(VALUES[0])], 0.05) is not None


def decided(first: Any, second: Any, *, greater_is_better: bool = True) -> Verdict:
    one, other = group(first), group(second)
    (contrast,) = simultaneous([difference(one, other)])
    return verdict(contrast, one, other, greater_is_better=greater_is_better)


def test_one_beats_the_other_where_the_interval_excludes_0() -> None:
    found = decided(VALUES[0], VALUES[1])
    assert found.decision == Decision.FIRST and found.told_apart and found.n == (3, 3)
    exact = relabelling_test(VALUES[0], VALUES[1])
    assert exact is not None and exact.p == pytest.approx(0.1)  # stands beside, decides nothing
    assert decided(VALUES[1], VALUES[0]).decision == Decision.SECOND
    assert decided(VALUES[0], VALUES[1], greater_is_better=False).decision == Decision.SECOND


def test_groups_that_cannot_be_told_apart_say_what_could_have_been_seen() -> None:
    found = decided(VALUES[1], VALUES[2])
    assert found.decision == Decision.HOLDS_ZERO and not found.told_apart
    assert found.detectable is not None and found.detectable > abs(found.contrast.estimate.value)


@pytest.mark.parametrize("few", [(79.3,), (79.3, 79.2)])
def test_no_verdict_of_fewer_than_three_seeds(few: tuple[float, ...]) -> None:
    assert decided(few, VALUES[1]).decision == Decision.FEW_SEEDS
    assert decided(VALUES[1], few).decision == Decision.FEW_SEEDS


def test_no_verdict_without_an_interval() -> None:
    found = decided([0.5, 0.5, 0.5], [0.4, 0.4, 0.4])
    assert (found.decision, found.detectable) == (Decision.NO_INTERVAL, None)
    assert decided([0.5, math.nan, 0.5], VALUES[0]).decision == Decision.NO_INTERVAL

"""Intervals over texts: against loops, ANOVA's special cases, scipy, and by simulation."""

from __future__ import annotations

import math
from itertools import product
from statistics import variance
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.crossed import crossed_mean
from sweeper.analysis.shares import logit_interval
from sweeper.analysis.simultaneous import simultaneous
from sweeper.analysis.text_moments import crossed_text_moments, text_moments
from sweeper.analysis.texts import (
    OverTexts,
    SpeaksFor,
    difference_over_texts,
    mean_over_texts,
    paired_over_texts,
)
from sweeper.analysis.verdicts import Decision, verdict
from tests.benchmarks.texts import CASES, LEAST, MOST, Case, coverage

Array = np.ndarray[Any, Any]


def drawn(
    seeds: int, texts: int, seed: int = 0, *, seed_sd: float = 0.3, rest: float = 1.0, shift: float = 0.8
) -> Array:
    """Right or wrong by seed and text, with effects of both; the texts' are the same in every drawing of as many."""
    shared = np.random.default_rng(texts).normal(0, 1, texts)
    generator = np.random.default_rng([seed, seeds, texts])
    own = seed_sd * generator.normal(0, 1, (seeds, 1)) + rest * generator.normal(0, 1, (seeds, texts))
    return np.asarray(shift + shared + own > 0)


def compared(first: Array, second: Array, clusters: Any = None) -> OverTexts:
    return difference_over_texts(text_moments(first, clusters), text_moments(second, clusters))


def mean_square(scores: Array) -> float:
    """Residual mean square by a loop."""
    n, m = scores.shape
    whole = sum(float(scores[s, j]) for s in range(n) for j in range(m)) / (n * m)
    of_seeds = [sum(float(scores[s, j]) for j in range(m)) / m for s in range(n)]
    of_texts = [sum(float(scores[s, j]) for s in range(n)) / n for j in range(m)]
    squares = ((scores[s, j] - of_seeds[s] - of_texts[j] + whole) ** 2 for s in range(n) for j in range(m))
    found: float = math.fsum(squares) / ((n - 1) * (m - 1))
    return found


def spread_of_seeds(scores: Array) -> float:
    return variance([float(row.mean()) for row in scores]) / len(scores)


@pytest.mark.parametrize(("n", "m"), [((3, 3), 40), ((5, 2), 30), ((2, 4), 7), ((10, 3), 200)])
def test_a_difference_is_the_formula(n: tuple[int, int], m: int) -> None:
    first, second = drawn(n[0], m), drawn(n[1], m, 1, shift=0.2)
    parts = [spread_of_seeds(own) for own in (first, second)]
    d = [float(first[:, j].mean() - second[:, j].mean()) for j in range(m)]
    texts = variance(d) / m
    shared = mean_square(first) / (n[0] * m) + mean_square(second) / (n[1] * m)
    whole = max(sum(parts) + texts - shared, sum(parts), texts)
    freedom = whole**2 / (parts[0] ** 2 / (n[0] - 1) + parts[1] ** 2 / (n[1] - 1) + texts**2 / (m - 1))
    found = compared(first, second)
    assert found.estimate.value == pytest.approx(first.mean() - second.mean())
    assert found.estimate.error == pytest.approx(math.sqrt(whole))
    assert found.estimate.degrees_of_freedom == pytest.approx(freedom)
    assert found.estimate.n == min(n)
    assert found.speaks_for is SpeaksFor.NEW_SEEDS_AND_TEXTS
    assert found.approximate == (min(n) == 2)
    assert (found.over_seeds, found.over_texts, found.shared) == pytest.approx((sum(parts), texts, shared))


def test_a_groups_mean_and_a_paired_difference_are_the_formula() -> None:
    first, second = drawn(4, 60), drawn(4, 60, 1)
    change = first.astype(float) - second
    for found, scores in ((mean_over_texts(text_moments(first)), first), (paired_over_texts(first, second), change)):
        seeds, texts = spread_of_seeds(scores), variance(scores.mean(axis=0).tolist()) / 60
        whole = max(seeds + texts - mean_square(scores) / (4 * 60), seeds, texts)
        assert found.estimate.value == pytest.approx(scores.mean())
        assert found.estimate.error == pytest.approx(math.sqrt(whole))
        share = seeds / whole
        assert found.estimate.degrees_of_freedom == pytest.approx(1 / (share / 3 + (1 - share) / 59))


def test_paired_is_not_the_order_of_the_texts_but_that_of_the_seeds() -> None:
    first, second = drawn(4, 60), drawn(4, 60, 1)
    shuffled = np.random.default_rng(0).permutation(60)
    found = paired_over_texts(first, second).estimate
    assert paired_over_texts(first[:, shuffled], second[:, shuffled]).estimate.error == pytest.approx(found.error)
    assert compared(first[::-1], second).estimate.error == pytest.approx(compared(first, second).estimate.error)
    assert paired_over_texts(first[[1, 0, 3, 2]], second).estimate.error != pytest.approx(found.error)


def test_texts_that_do_not_differ_leave_welchs_interval() -> None:
    first, second = np.random.default_rng(0).normal(0, 1, (2, 4, 1)) + np.zeros((2, 4, 50))
    low, high = compared(first, second).estimate.interval()
    expected = stats.ttest_ind(first[:, 0], second[:, 0], equal_var=False).confidence_interval()
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_one_seed_each_is_the_paired_t_test_over_texts() -> None:
    first, second = drawn(1, 300), drawn(1, 300, 1, shift=0.5)
    found, expected = compared(first, second), stats.ttest_rel(first[0].astype(float), second[0].astype(float))
    assert found.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS and not found.approximate
    assert found.estimate.p == pytest.approx(expected.pvalue)
    assert found.estimate.interval() == pytest.approx(tuple(expected.confidence_interval()))
    assert found.estimate.degrees_of_freedom == 299
    assert paired_over_texts(first, second).estimate.error == pytest.approx(found.estimate.error)


def test_one_seed_against_three_is_over_texts_alone() -> None:
    first, second = drawn(1, 100), drawn(3, 100, 1)
    found = compared(first, second)
    expected = stats.ttest_rel(first[0].astype(float), second.mean(axis=0))
    assert found.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS
    assert found.estimate.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_one_seeds_own_mean_is_over_texts_alone() -> None:
    scores = drawn(1, 100)
    found = mean_over_texts(text_moments(scores))
    assert found.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS
    assert found.estimate.error == pytest.approx(stats.sem(scores[0].astype(float)))


def test_seeds_that_answer_alike_leave_the_texts() -> None:
    """Models of no spread at all: V is the texts' part, with m − 1."""
    first, second = np.repeat(drawn(1, 80), 3, axis=0), np.repeat(drawn(1, 80, 1), 3, axis=0)
    found = compared(first, second).estimate
    assert found.degrees_of_freedom == pytest.approx(79)
    assert found.error == pytest.approx(stats.sem(first[0].astype(float) - second[0]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.ones((3, 20)), np.ones((3, 20))),
        (np.ones((3, 20)), np.zeros((3, 20))),
        (np.repeat(drawn(1, 20), 3, axis=0), np.repeat(drawn(1, 20), 3, axis=0)),
        (np.ones((1, 20)), np.ones((1, 20))),
    ],
)
def test_nothing_that_varies_is_no_interval(first: Array, second: Array) -> None:
    found = compared(first, second).estimate
    assert found.error == 0 and found.interval() == (None, None) and found.p is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_score_that_is_not_finite_makes_no_interval(value: float, seeds: int) -> None:
    first, second = drawn(seeds, 20).astype(float), drawn(3, 20, 1)
    first[0, 3] = value
    found = compared(first, second).estimate
    assert math.isnan(found.value) and found.error is None and found.interval() == (None, None)
    assert mean_over_texts(text_moments(first)).estimate.error is None


@pytest.mark.parametrize("clusters", [None, [7] * 5])
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_one_text_or_one_cluster_is_no_interval(seeds: int, clusters: list[int] | None) -> None:
    scores = drawn(seeds, 5 if clusters else 1)
    found = mean_over_texts(text_moments(scores, clusters)).estimate
    assert found.error is None and found.value == pytest.approx(scores.mean())


def test_a_cluster_a_text_is_none_at_all() -> None:
    first, second = drawn(3, 50), drawn(5, 50, 1)
    names = np.random.default_rng(0).permutation(50) * 1000 - 7
    plain, clustered = compared(first, second), compared(first, second, names)
    assert clustered.clusters == 50
    assert clustered.estimate.error == pytest.approx(plain.estimate.error)
    assert clustered.estimate.degrees_of_freedom == pytest.approx(plain.estimate.degrees_of_freedom)


def test_copies_of_all_texts_are_worth_no_more_than_the_texts() -> None:
    first, second = drawn(3, 50), drawn(3, 50, 1)
    once = compared(first, second).estimate
    twice = compared(np.tile(first, 2), np.tile(second, 2), np.tile(np.arange(50), 2)).estimate
    assert twice.error == pytest.approx(once.error)
    assert twice.degrees_of_freedom == pytest.approx(once.degrees_of_freedom)


def test_clusters_are_the_formula() -> None:
    first, second = drawn(3, 30), drawn(4, 30, 1)
    names = np.random.default_rng(3).integers(0, 6, 30)
    d = first.mean(axis=0) - second.mean(axis=0)
    scale = 6 / (5 * 30**2)
    texts = scale * sum(sum(d[j] - d.mean() for j in range(30) if names[j] == c) ** 2 for c in range(6))
    shared = 0.0
    for scores in (first, second):
        n = len(scores)
        r = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
        sums = (sum(r[s, j] for j in range(30) if names[j] == c) for s, c in product(range(n), range(6)))
        shared += 6 / (n * 30**2) * sum(own**2 for own in sums) / ((n - 1) * 5)
    found = compared(first, second, names)
    assert found.clusters == 6
    assert (found.over_texts, found.shared) == pytest.approx((texts, shared))


def test_crossed_seeds_are_a_loop() -> None:
    """Every text's own squared error of the crossed mean, from the residuals, for what both parts hold."""
    scores = np.stack([drawn(3, 40, data_seed) for data_seed in range(4)], axis=1)  # [seeds, data seeds, texts]
    cells = {(s, k): scores[s, k] for s, k in product(range(3), range(4))}
    found = crossed_text_moments({**cells, (9, 0): drawn(1, 40)[0]})
    assert found is not None
    means = crossed_mean({key: float(own.mean()) for key, own in cells.items()})
    assert means is not None and found.over_seeds == means.estimate
    r = scores - scores.mean(axis=2, keepdims=True) - scores.mean(axis=(0, 1)) + scores.mean()
    total = 0.0
    for j in range(40):
        of_seeds, of_orders = r[:, :, j].mean(axis=1), r[:, :, j].mean(axis=0)
        rest = r[:, :, j] - of_seeds[:, None] - of_orders
        total += (4 * (of_seeds**2).sum() / 2 + 3 * (of_orders**2).sum() / 3 - (rest**2).sum() / 6) / 12
    assert found.shared == pytest.approx(max(0.0, total) / (39 * 40))
    own = mean_over_texts(found)
    assert own.estimate.n == 3 and own.over_seeds == pytest.approx((means.estimate.error or 0) ** 2)


def test_crossed_seeds_without_two_of_each_have_none() -> None:
    assert crossed_text_moments({(0, 0): np.ones(5), (0, 1): np.ones(5)}) is None


def test_the_squared_error_is_that_of_many_repetitions() -> None:
    """Without bias where the lower limit does not count: on average V is the variance of the difference."""
    generator = np.random.default_rng(0)
    values, squares = [], []
    for _ in range(4000):
        texts = generator.normal(0, 1, (2, 20)) + generator.normal(0, 1, 20)
        groups = [
            own + generator.normal(0, 0.3, (n, 1)) + generator.normal(0, 1, (n, 20))
            for n, own in zip((3, 4), texts, strict=True)
        ]
        found = compared(*groups)
        assert found.over_seeds is not None and found.over_texts is not None and found.shared is not None
        values.append(found.estimate.value)
        squares.append(found.over_seeds + found.over_texts - found.shared)
    truth = 0.3**2 * (1 / 3 + 1 / 4) + 2 / 20 + 1 / 60 + 1 / 80
    assert np.mean(squares) == pytest.approx(truth, rel=0.02)
    assert np.var(values) == pytest.approx(truth, rel=0.06)


def test_verdicts_take_such_an_estimate() -> None:
    first, second = (text_moments(drawn(3, 400, seed, shift=shift)) for seed, shift in ((0, 1.5), (1, 0.2)))
    over_texts = difference_over_texts(first, second)
    contrast = simultaneous([over_texts.estimate])[0]
    means = [mean_over_texts(own).estimate for own in (first, second)]
    found = verdict(contrast, means[0], means[1], greater_is_better=True, over_texts=over_texts)
    assert found.decision is Decision.FIRST
    assert found.detectable is not None and found.detectable > 2 * (contrast.estimate.error or 0)
    low, high = logit_interval(means[0])
    assert low is not None and high is not None and 0 < low < means[0].value < high < 1


NAMED = [case for case in CASES if not case.approximate and case.texts == 400]


@pytest.mark.parametrize("case", NAMED, ids=lambda case: f"{case.name or case.seed_sd} {case.seeds[0]}")
def test_the_interval_covers_what_it_says(case: Case) -> None:
    """The benchmark with 2000 repetitions, whose shares have a standard error of 0.5 points."""
    found = coverage(case, 2000)
    assert LEAST - 0.01 <= found["difference"] <= MOST + 0.01
    assert LEAST - 0.01 <= found["one group"] <= MOST + 0.01

"""Differences between groups that differ in one setting, with intervals; pure functions of a comparison."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from sweeper.comparison import Comparison, GroupRow, Summaries
from sweeper.factors import Value
from sweeper.statistics import CONFIDENCE, Summary, student_quantile

MOST_PAIRS = 300


@dataclass(frozen=True)
class MeanDifference:
    """First mean minus second mean, and its interval of confidence `CONFIDENCE`; None where there is none."""

    n_first: int
    n_second: int
    difference: float
    low: float | None = None
    high: float | None = None
    degrees_of_freedom: float | None = None


@dataclass(frozen=True)
class MeanDifferences:
    """The difference in one metric on both sets. None: not measured in both groups."""

    validation: MeanDifference | None
    test: MeanDifference | None


@dataclass(frozen=True)
class Pair:
    """Two groups that differ in one factor, the earlier of the comparison's order first."""

    factor: str
    first: GroupRow
    second: GroupRow

    @property
    def independent(self) -> bool:
        """Whether trials of each group are independent of each other."""
        return self.first.independent and self.second.independent


@dataclass(frozen=True)
class DifferenceRow:
    """What two groups that differ in one factor differ by, at each trial's best epoch.

    `first` and `second` are the values of `factor`, `factors` those of all factors in the first group.
    """

    factor: str
    first: Value
    second: Value
    factors: tuple[Value, ...]
    metric: str
    validation: MeanDifference | None
    test: MeanDifference | None
    others: Mapping[str, MeanDifferences]


def pairs(comparison: Comparison) -> list[Pair]:
    """Return all pairs of groups that differ in exactly one factor and have the same metric and a done trial each.

    None where there are more than `MOST_PAIRS`: nobody reads so many, and their number grows with the square of groups.
    """
    if number_of_pairs(comparison) > MOST_PAIRS:
        return []
    alike = alike_but_one(comparison)
    return [Pair(factor, *two) for factor, rows in alike for two in combinations(rows, 2)]


def number_of_pairs(comparison: Comparison) -> int:
    """How many pairs of groups differ in exactly one factor, counted without making them."""
    return sum(math.comb(len(rows), 2) for _, rows in alike_but_one(comparison))


def alike_but_one(comparison: Comparison) -> Iterator[tuple[str, list[GroupRow]]]:
    """Yield each factor with groups that have a done trial and differ in nothing but it."""
    counted = [row for row in comparison.groups if row.trials > len(row.missing)]
    for position, factor in enumerate(comparison.factors):
        alike: dict[tuple[Value, ...], list[GroupRow]] = defaultdict(list)
        for row in counted:
            alike[(row.metric, *row.factors[:position], *row.factors[position + 1 :])].append(row)
        yield from ((factor, rows) for rows in alike.values())


def difference_rows(comparison: Comparison) -> Iterator[DifferenceRow]:
    """Yield what each of `pairs` differs by."""
    for pair in pairs(comparison):
        first, second = pair.first, pair.second
        position = comparison.factors.index(pair.factor)
        own = on_both_sets(first, second)
        shared = [name for name in first.others if name in second.others]
        yield DifferenceRow(
            factor=pair.factor,
            first=first.factors[position],
            second=second.factors[position],
            factors=first.factors,
            metric=first.metric,
            validation=own.validation,
            test=own.test,
            others={name: on_both_sets(first.others[name], second.others[name]) for name in shared},
        )


def on_both_sets(first: GroupRow | Summaries, second: GroupRow | Summaries) -> MeanDifferences:
    """Return the difference on validation and on test."""
    return MeanDifferences(
        mean_difference(first.validation, second.validation), mean_difference(first.test, second.test)
    )


def mean_difference(first: Summary, second: Summary) -> MeanDifference | None:
    """Return the difference of two means with Welch's t interval; None where a group has no value.

    The groups are taken for independent samples of normal distributions whose variances may differ (Welch 1947,
    Biometrika 34, 28–35): difference ± t · s with s² = s₁²/n₁ + s₂²/n₂ and t the two-sided quantile of Student's
    distribution with (s₁²/n₁ + s₂²/n₂)² / ((s₁²/n₁)²/(n₁ − 1) + (s₂²/n₂)²/(n₂ − 1)) degrees of freedom
    (Satterthwaite 1946, Biometrics Bulletin 2, 110–114).
    """
    if first.mean is None or second.mean is None:
        return None
    difference = first.mean - second.mean
    error = standard_error(first, second)
    if error is None:
        return MeanDifference(first.n, second.n, difference)
    freedom = degrees_of_freedom(first, second, error)
    half = student_quantile(freedom, (1 + CONFIDENCE) / 2) * error
    return MeanDifference(first.n, second.n, difference, difference - half, difference + half, freedom)


def standard_error(first: Summary, second: Summary) -> float | None:
    """Standard error of the difference of two means; None where it cannot be known.

    That is where a group has fewer than two values, or such as are not independent, a value is not finite, or neither
    group varies: the degrees of freedom would be 0 / 0.
    """
    if not (first.independent and second.independent):
        return None
    if first.sd is None or second.sd is None:
        return None
    error = math.hypot(first.sd / math.sqrt(first.n), second.sd / math.sqrt(second.n))
    return error if error > 0 and math.isfinite(error) else None


def degrees_of_freedom(first: Summary, second: Summary, error: float) -> float:
    """Welch and Satterthwaite's degrees of freedom, from shares of the squared error, which can't overflow."""
    assert first.sd is not None and second.sd is not None
    shares = [(first.sd / error) ** 2 / first.n, (second.sd / error) ** 2 / second.n]
    return 1 / (shares[0] ** 2 / (first.n - 1) + shares[1] ** 2 / (second.n - 1))

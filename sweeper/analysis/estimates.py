"""Estimates: a mean or a difference of means with its standard error, from whatever design it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.statistics import Summary, satterthwaite, student_p, student_quantile


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference of means, its standard error, and the degrees of freedom this was estimated with.

    `n` is how many independent values are behind it: seeds; of crossed seeds the fewer of either; of a difference those
    of the smaller group. None: not known. An error of 0 is that of values which are all equal.
    """

    value: float
    n: int
    error: float | None = None
    degrees_of_freedom: float | None = None

    def interval(self, level: float = ALPHA) -> tuple[float | None, float | None]:
        """Student's t interval of confidence 1 − level; None where nothing varies: that is no certainty."""
        if not self.error or self.degrees_of_freedom is None:
            return None, None
        half = student_quantile(self.degrees_of_freedom, 1 - level / 2) * self.error
        return self.value - half, self.value + half

    @property
    def p(self) -> float | None:
        """Two-sided p of Student's t test that it is 0; at most a level where that level's interval leaves 0 out."""
        if not self.error or self.degrees_of_freedom is None:
            return None
        return student_p(self.value, self.error, self.degrees_of_freedom)


def estimate(summary: Summary) -> Estimate | None:
    """Return a mean with sd / √n and n − 1 degrees of freedom, or as its crossed seeds have it; None without values."""
    if summary.mean is None:
        return None
    if crossed := summary.crossed:
        return Estimate(summary.mean, summary.replicates, crossed.error, crossed.degrees_of_freedom)
    if summary.sd is None or not math.isfinite(summary.sd) or not summary.independent:
        return Estimate(summary.mean, summary.n)
    return Estimate(summary.mean, summary.n, summary.sd / math.sqrt(summary.n), float(summary.n - 1))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return first − second of two independent groups, by Welch (1947, Biometrika 34, 28–35).

    The squared error is the sum of both, with Satterthwaite's degrees of freedom: of two groups over seeds s₁²/n₁ +
    s₂²/n₂ and (s₁²/n₁ + s₂²/n₂)² / ((s₁²/n₁)²/(n₁ − 1) + (s₂²/n₂)²/(n₂ − 1)). No error where one of them is not known.
    """
    value, n = first.value - second.value, min(first.n, second.n)
    known = [
        (own.error, own.degrees_of_freedom)
        for own in (first, second)
        if own.error is not None and own.degrees_of_freedom is not None
    ]
    if len(known) < 2 or not math.isfinite(value):
        return Estimate(value, n)
    varying = [part for part in known if part[0]]
    if not varying:
        return Estimate(value, n, 0.0)
    return Estimate(value, n, math.hypot(*(error for error, _ in varying)), satterthwaite(varying))


@dataclass(frozen=True)
class MeanDifference:
    """First mean minus second mean, of so many values, and its interval; None where there is none."""

    n_first: int
    n_second: int
    difference: float
    low: float | None = None
    high: float | None = None
    degrees_of_freedom: float | None = None


def mean_difference(first: Summary, second: Summary, level: float = ALPHA) -> MeanDifference | None:
    """Return the difference of two means with its interval of confidence 1 − level; None where a group has no value."""
    one, other = estimate(first), estimate(second)
    if one is None or other is None:
        return None
    found = difference(one, other)
    return MeanDifference(first.n, second.n, found.value, *found.interval(level), found.degrees_of_freedom)

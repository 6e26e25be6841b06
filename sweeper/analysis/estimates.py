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
    """Return the mean of independent values with sd / √n and n − 1 degrees of freedom; None where there are none."""
    if summary.mean is None:
        return None
    if summary.sd is None or not math.isfinite(summary.sd) or not summary.independent:
        return Estimate(summary.mean, summary.n)
    return Estimate(summary.mean, summary.n, summary.sd / math.sqrt(summary.n), float(summary.n - 1))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return first − second of two independent groups, by Welch (1947, Biometrika 34, 28–35) and Satterthwaite.

    The squared error is the sum of both; of two groups over seeds this is `statistics.mean_difference`.
    """
    value, n = first.value - second.value, min(first.n, second.n)
    known = [
        (own.error, own.degrees_of_freedom)
        for own in (first, second)
        if own.error is not None and own.degrees_of_freedom is not None
    ]
    if len(known) < 2:
        return Estimate(value, n)
    varying = [part for part in known if part[0]]
    if not varying:
        return Estimate(value, n, 0.0)
    return Estimate(value, n, math.hypot(*(error for error, _ in varying)), satterthwaite(varying))

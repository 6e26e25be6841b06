"""Effect sizes: how large a difference is, how many seeds would show it, and which one these seeds could."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.statistics import Summary, student_quantile

POWER = 0.8
MOST_SEEDS = 1000  # a group; more are not looked for
FEW, STEPS = 8, 40  # up to FEW seeds the noncentral t distribution promises too much


def probability_greater(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Share of pairs of a value of each group in which the first is greater; ties count half (Vargha and Delaney's A).

    It is Mann and Whitney's U over n₁ · n₂. None without values, or when one is not a number.
    """
    if not (first and second) or any(map(math.isnan, (*first, *second))):
        return None
    ordered = sorted(second)
    won = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in first) / 2
    return won / (len(first) * len(second))


def hedges_g(first: Summary, second: Summary) -> float | None:
    """Difference of means in pooled standard deviations, corrected for small samples (Hedges 1981).

    J · (m₁ − m₂) / s with s² = ((n₁ − 1) s₁² + (n₂ − 1) s₂²) / d, d = n₁ + n₂ − 2, and the exact
    J = Γ(d/2) / (√(d/2) · Γ((d − 1)/2)). None where s is not known or 0, or d is below 2.
    """
    if first.sd is None or second.sd is None or first.mean is None or second.mean is None:
        return None
    freedom = first.n + second.n - 2
    pooled = math.hypot(first.sd * math.sqrt((first.n - 1) / freedom), second.sd * math.sqrt((second.n - 1) / freedom))
    if not (math.isfinite(pooled) and pooled > 0):
        return None
    correction = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return correction * (first.mean - second.mean) / pooled


@dataclass(frozen=True)
class Alternative:
    """What is taken for true when power is computed: normal values, their difference of means and both sds."""

    difference: float
    first_sd: float
    second_sd: float


def power(alternative: Alternative, n: int, alpha: float) -> float:
    """Power of Welch's two-sided t test at level alpha with n values a group.

    From the noncentral t distribution (Cohen 1988, chapter 2, for equal sds): noncentrality difference / error, error²
    = (s₁² + s₂²) / n, Welch and Satterthwaite's degrees of freedom (s₁² + s₂²)² (n − 1) / (s₁⁴ + s₂⁴).
    """
    from scipy.special import nctdtr

    scale = max(alternative.first_sd, alternative.second_sd)
    variances = [(alternative.first_sd / scale) ** 2, (alternative.second_sd / scale) ** 2]
    error = scale * math.sqrt(sum(variances) / n)
    freedom = sum(variances) ** 2 * (n - 1) / sum(variance**2 for variance in variances)
    critical = student_quantile(freedom, 1 - alpha / 2)
    noncentrality = abs(alternative.difference) / error
    above = 1 - float(nctdtr(freedom, noncentrality, critical))
    if noncentrality > 5:  # beyond −critical lies less than 3e-7, and the function is nan so far out
        return above
    return above + float(nctdtr(freedom, noncentrality, -critical))


def power_of_few(alternative: Alternative, n: int, alpha: float) -> float:
    """Power of Welch's test with n values a group, few of them: its degrees of freedom are estimated, too."""
    sds = (alternative.first_sd, alternative.second_sd)
    return _power_of_estimated([(sd / math.sqrt(n), n - 1.0) for sd in sds], alpha)(alternative.difference)


def _power_of_estimated(parts: Sequence[tuple[float, float]], alpha: float) -> Callable[[float], float]:
    """Return the power by the true difference; parts are the true standard errors that it has, and their freedoms.

    Given all sample variances the difference of means is normal, and the test rejects beyond t · error of these; the
    mean of that over the variances' chi-squared distributions, at the midpoints of `STEPS` equal parts of each.
    """
    import numpy as np
    from scipy.special import chdtri, ndtr, stdtrit

    middles = (np.arange(STEPS) + 0.5) / STEPS
    drawn = np.meshgrid(*(error**2 * chdtri(own, middles) / own for error, own in parts))
    whole = sum(drawn)
    freedom = whole**2 / sum(square**2 / own for square, (_, own) in zip(drawn, parts, strict=True))
    limit = stdtrit(freedom, 1 - alpha / 2) * np.sqrt(whole)
    true = math.hypot(*(error for error, _ in parts))
    return lambda difference: float(np.mean(sum(ndtr((sign * difference - limit) / true) for sign in (1, -1))))


def detectable_difference(parts: Sequence[Estimate], alpha: float) -> float | None:
    """Smallest difference that Student's or Welch's two-sided test at level alpha shows with power `POWER`.

    `parts` are what is subtracted, two groups, or one mean of paired differences; their measured spreads are taken for
    the true ones. To a thousandth of itself. None where a spread is not known, or nothing varies.
    """
    known = [(own.error, own.degrees_of_freedom) for own in parts]
    varying = [(error, freedom) for error, freedom in known if error and freedom]
    if not varying or any(error is None for error, _ in known):
        return None
    found = _power_of_estimated(varying, alpha)
    low, high = 0.0, math.hypot(*(error for error, _ in varying))
    while found(high) < POWER:
        low, high = high, 2 * high
    while high - low > high / 1000:
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) >= POWER else (middle, high)
    return high


def seeds_for_power(alternative: Alternative, alpha: float) -> int | None:
    """Least n a group that gives power `POWER`; None where it is more than `MOST_SEEDS` or nothing varies."""
    known = (alternative.difference, alternative.first_sd, alternative.second_sd)
    if not all(map(math.isfinite, known)) or not alternative.difference or not any(known[1:]):
        return None
    enough = next((n for n in range(2, MOST_SEEDS + 1) if power(alternative, n, alpha) >= POWER), None)
    while enough is not None and enough <= FEW and power_of_few(alternative, enough, alpha) < POWER:
        enough += 1
    return enough

"""Statistics of one or two samples: mean, standard deviation, t intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Crossed:
    """The complete table of seeds × data seeds that a mean is of, its standard error and the error's freedom.

    `left_out` values have no place in the table. None: not known.
    """

    seeds: int
    data_seeds: int
    left_out: int
    error: float | None
    degrees_of_freedom: float | None


@dataclass(frozen=True)
class Summary:
    """Number of values, their mean (None without any), sample standard deviation (divisor n − 1; None below two).

    `low` and `high` bound the interval of the mean at confidence `CONFIDENCE`, None where there is none: of values that
    are not `independent` too, unless seeds and data seeds are `crossed`. Where `over_texts` says what it speaks for, it
    holds for new texts, too, and `over_seeds` are the bounds of that for new seeds on the same texts.
    """

    n: int
    mean: float | None
    sd: float | None
    median: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    low: float | None = None
    high: float | None = None
    independent: bool = True
    crossed: Crossed | None = None
    over_texts: str = ""
    over_seeds: tuple[float | None, float | None] | None = None

    @property
    def replicates(self) -> int:
        """How many independent values are behind the mean: seeds, or the fewer of crossed seeds and data seeds."""
        return min(self.crossed.seeds, self.crossed.data_seeds) if self.crossed else self.n


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None for no values, nan when one of them is not finite."""
    if not values:
        return None
    return statistics.fmean(values) if all(map(math.isfinite, values)) else math.nan


def standard_deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (divisor n − 1); None below two values, nan when one is not finite."""
    if len(values) < 2:
        return None
    if not all(map(math.isfinite, values)):
        return math.nan
    if min(values) == max(values):  # whose mean may be a rounding beside them
        return 0.0
    center = statistics.fmean(values)
    return math.hypot(*(value - center for value in values)) / math.sqrt(len(values) - 1)


def summarize(values: Sequence[float], *, independent: bool = True) -> Summary:
    """Number, mean, sample standard deviation, t interval, median and extremes of values."""
    center, sd = mean(values), standard_deviation(values)
    if center is None or math.isnan(center):  # one that is not finite cannot be ordered
        return Summary(len(values), center, sd, independent=independent)
    low, high = _mean_interval(center, sd, len(values)) if independent else (None, None)
    extremes = min(values), max(values)
    return Summary(len(values), center, sd, statistics.median(values), *extremes, low, high, independent)


def _mean_interval(center: float, sd: float | None, n: int) -> tuple[float | None, float | None]:
    """Student's t interval of a mean (Student 1908, Biometrika 6, 1–25): mean ± t(n − 1) · sd / √n; None below two.

    None too of values that are all equal: one of no width would claim to know everything.
    """
    if not sd:
        return None, None
    half = student_quantile(n - 1, (1 + CONFIDENCE) / 2) * sd / math.sqrt(n)
    return center - half, center + half


@cache
def student_quantile(degrees_of_freedom: float, probability: float) -> float:
    """Quantile of Student's t distribution."""
    from scipy.special import stdtrit  # scipy.stats has it too, and takes several times as long to import

    return float(stdtrit(degrees_of_freedom, probability))


def student_p(value: float, error: float, degrees_of_freedom: float) -> float:
    """Two-sided p of Student's t test that what was estimated to be `value` is 0."""
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees_of_freedom, -abs(value / error)))


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a squared error that is the sum of independent ones, each with its root and its own.

    (Σ s²)² / Σ (s⁴ / d) (Satterthwaite 1946, Biometrics Bulletin 2, 110–114), from shares, which can't overflow.
    """
    whole = math.hypot(*(error for error, _ in parts))
    return 1 / sum((error / whole) ** 4 / freedom for error, freedom in parts)

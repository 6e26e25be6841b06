"""Statistics of a few repeated measurements, as pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Number of values, their mean (None without any), sample standard deviation (None below two)."""

    n: int
    mean: float | None
    sd: float | None


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None for no values, nan when one of them is not finite."""
    if not values:
        return None
    return statistics.fmean(values) if all(map(math.isfinite, values)) else math.nan


def standard_deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (divisor n − 1); None below two values, nan when one is not finite."""
    if len(values) < 2:
        return None
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan


def summarize(values: Sequence[float]) -> Summary:
    """Number, mean and sample standard deviation of values."""
    return Summary(len(values), mean(values), standard_deviation(values))

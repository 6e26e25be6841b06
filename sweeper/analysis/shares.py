"""Intervals of shares, which stay between 0 and 1: on the logit's scale, one scale for all groups of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.statistics import student_quantile

Interval = tuple[float | None, float | None]


class Scale(Enum):
    """What a table's intervals are symmetric on; those of differences always are in points."""

    LOGIT = "logit"
    POINTS = "points"


@dataclass(frozen=True)
class Intervals:
    """The intervals of a table's groups, all on one scale."""

    scale: Scale
    intervals: tuple[Interval, ...]


def own_intervals(means: Sequence[Estimate], *, share: bool, level: float = ALPHA) -> Intervals:
    """Return the interval of each group's own mean: on the logit's scale where the metric is a share."""
    if share and all(0 <= own.value <= 1 for own in means):
        return Intervals(Scale.LOGIT, tuple(logit_interval(own, level) for own in means))
    return Intervals(Scale.POINTS, tuple(own.interval(level) for own in means))


def logit_interval(mean: Estimate, level: float = ALPHA) -> Interval:
    """Return Student's interval of the logit of a mean, turned back; None where nothing varies.

    By the delta method (Agresti 2013, Categorical Data Analysis, section 16.1) the error of ln(m / (1 − m)) is that of
    m over m·(1 − m). It needs no logit of a trial's own share, so trials with none or all right stay as they are.
    """
    if not mean.error or mean.degrees_of_freedom is None or not 0 < mean.value < 1:
        return None, None
    half = student_quantile(mean.degrees_of_freedom, 1 - level / 2) * mean.error / (mean.value * (1 - mean.value))
    center = logit(mean.value)
    return inverse_logit(center - half), inverse_logit(center + half)


def logit(share: float, examples: int | None = None) -> float:
    """Logit of a share; of none and all of m examples that of (k + ½) / (m + 1), infinite where m is not known.

    Half an example more of both kinds (Anscombe 1956, Biometrika 43, 461–464).
    """
    if share in (0, 1) and examples:
        share = (share * examples + 0.5) / (examples + 1)
    if share in (0, 1):
        return math.copysign(math.inf, share - 0.5)
    return math.log(share) - math.log1p(-share)


def inverse_logit(value: float) -> float:
    """Share of a logit, without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    odds = math.exp(value)
    return odds / (1 + odds)

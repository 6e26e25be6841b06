"""Intervals of shares, which stay between 0 and 1: symmetric on the logit's scale."""

from __future__ import annotations

import math

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.statistics import student_quantile


def logit_interval(mean: Estimate, level: float = ALPHA) -> tuple[float | None, float | None]:
    """Return Student's interval of the logit of a mean, turned back; None where nothing varies.

    By the delta method (Agresti 2013, Categorical Data Analysis, section 16.1) the error of ln(m / (1 − m)) is that of
    m over m·(1 − m). It needs no logit of a trial's own share, so trials with none or all right stay as they are; the
    mean of trials that vary is neither 0 nor 1.
    """
    if not mean.error or mean.degrees_of_freedom is None or not 0 < mean.value < 1:
        return None, None
    half = student_quantile(mean.degrees_of_freedom, 1 - level / 2) * mean.error / (mean.value * (1 - mean.value))
    center = math.log(mean.value) - math.log1p(-mean.value)
    return inverse_logit(center - half), inverse_logit(center + half)


def inverse_logit(value: float) -> float:
    """Share of a logit, without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    odds = math.exp(value)
    return odds / (1 + odds)

"""Intervals that hold for new texts: of a group's mean and of the difference of two, over seeds crossed with texts.

The trials of a group are seeds nested in it; all groups answer the same texts. It is the analysis of many readers and
many cases (Gallas, Pennello and Myers 2007, J. Opt. Soc. Am. A 24, B70; Obuchowski and Rockette 1995, Commun. Statist.
Simul. 24, 285), seeds as readers and texts as cases. `tests.benchmarks.texts` simulates what the intervals cover.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.text_moments import TextMoments, scale, text_moments

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FEW = 2  # seeds in a group with which an interval is approximate


class SpeaksFor(Enum):
    """What would be drawn anew if a measurement that an interval speaks for were made again."""

    NEW_SEEDS_AND_TEXTS = "for new seeds and new texts of this kind"
    THESE_MODELS_NEW_TEXTS = "for these models, on new texts of this kind"
    NEW_SEEDS_THESE_TEXTS = "for new seeds, on these texts"


@dataclass(frozen=True)
class OverTexts:
    """A mean or a difference of means with its error over texts, what that speaks for, and where its error is from.

    `estimate.n` are seeds. `over_seeds` and `over_texts` are the squared errors of either alone, both with `shared`,
    which counts once; None: not known. `approximate`: a group has two seeds. `clusters`: how many of them the texts are
    in, each its own where they are independent.
    """

    estimate: Estimate
    speaks_for: SpeaksFor
    approximate: bool
    texts: int
    clusters: int
    over_seeds: float | None = None
    over_texts: float | None = None
    shared: float | None = None


def mean_over_texts(group: TextMoments) -> OverTexts:
    """Return a group's mean; its interval is `Estimate.interval`, of a share `shares.logit_interval`."""
    return _crossed(group.over_seeds.value, [group], group.deviations)


def difference_over_texts(first: TextMoments, second: TextMoments) -> OverTexts:
    """Return first − second of two groups that answered the same texts, in the same order."""
    assert (first.texts, first.clusters) == (second.texts, second.clusters)
    value = first.over_seeds.value - second.over_seeds.value
    return _crossed(value, [first, second], first.deviations - second.deviations)


def paired_over_texts(
    first: Array | Sequence[Sequence[float]],
    second: Array | Sequence[Sequence[float]],
    clusters: Array | Sequence[int] | None = None,
) -> OverTexts:
    """Return first − second of scores [seeds, texts] whose rows go together, as they read the same order of examples.

    It is the mean of the differences, by the same formula as a group's.
    """
    import numpy as np

    return mean_over_texts(text_moments(np.subtract(first, second, dtype=np.float64), clusters))


def _crossed(value: float, groups: Sequence[TextMoments], deviations: Array) -> OverTexts:
    """Return a value with the error of its groups' seeds and of its texts' deviations [clusters].

    V = Σ s²_g/n_g + s²_d/m − Σ MS_g/(n_g·m), without bias, as each of the others holds the last; at least the larger of
    the first two, since it can be less. Of C clusters C stands for m; of crossed seeds the squared error of the group's
    mean and its degrees of freedom for s²_g/n_g and n_g − 1. One seed in a group: s²_d/m alone.
    """
    n = min(own.over_seeds.n for own in groups)
    texts, clusters = groups[0].texts, groups[0].clusters
    square = scale(clusters, texts) * float((deviations**2).sum()) if clusters > 1 else math.nan
    if n == 1:
        found = _estimate(value, n, square, clusters - 1)
        return OverTexts(found, SpeaksFor.THESE_MODELS_NEW_TEXTS, False, texts, clusters, None, square)
    seeds = [(own.over_seeds.error, own.over_seeds.degrees_of_freedom) for own in groups]
    known = [(error**2, freedom) for error, freedom in seeds if error is not None and freedom is not None]
    if len(known) < len(groups):
        return OverTexts(Estimate(value, n), SpeaksFor.NEW_SEEDS_AND_TEXTS, n == FEW, texts, clusters)
    first, shared = math.fsum(own for own, _ in known), math.fsum(own.shared or 0.0 for own in groups)
    whole = max(first + square - shared, first, square)
    found = _estimate(value, n, whole, degrees_of_freedom(known, (square, clusters - 1), whole))
    return OverTexts(found, SpeaksFor.NEW_SEEDS_AND_TEXTS, n == FEW, texts, clusters, first, square, shared)


def _estimate(value: float, n: int, square: float, freedom: float) -> Estimate:
    """Return an estimate with this squared error; without any where that is not known."""
    if not (math.isfinite(value) and math.isfinite(square)):
        return Estimate(value, n)
    return Estimate(value, n, math.sqrt(square), freedom) if square else Estimate(value, n, 0.0)


Part = tuple[float, float]  # a squared error, and its degrees of freedom


def degrees_of_freedom(seeds: Sequence[Part], texts: Part, whole: float) -> float:
    """Return those of a squared error `whole`, of each group's part over seeds and of the part over texts.

    Of two groups Satterthwaite's (1946): V² / Σ (s⁴/d). Of one group these are too many, as its few seeds make both s²
    and their share of V small at the same time: with 3 seeds the intervals would hold 91.5 to 93 % of the true means
    where seeds make most of the error. So 1/d of the parts counts by their shares in V, not by these squared: 93.5 to
    98.5 %.
    """
    if not whole or not math.isfinite(whole):
        return math.nan
    if len(seeds) == 1:
        (square, freedom), (_, of_texts) = seeds[0], texts
        return 1 / (square / whole / freedom + (1 - square / whole) / of_texts)
    return 1 / math.fsum((square / whole) ** 2 / freedom for square, freedom in (*seeds, texts))

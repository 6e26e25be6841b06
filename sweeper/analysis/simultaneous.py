"""Simultaneous intervals: those of a family of contrasts, which agree with the family's p after Holm's correction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA, holm


@dataclass(frozen=True)
class Corrected:
    """A contrast, and its p and interval, both corrected for the `family` contrasts it was tested with; 1: for none.

    `own_p` is uncorrected; `level` is what Holm's method held it against. `ends_at_zero`: 0 is an end of the interval,
    and outside it. None: there is no test, as a group has one value, or nothing varies; such are not in the family.
    """

    estimate: Estimate
    family: int
    planned: bool
    own_p: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = ALPHA
    ends_at_zero: bool = False

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 is outside the interval, which is where p is at most `ALPHA`."""
        return self.p is not None and self.p <= ALPHA


def simultaneous(contrasts: Sequence[Estimate], planned: Collection[int] = ()) -> tuple[Corrected, ...]:
    """Return each contrast with its p and interval; those at `planned` positions are tested alone, uncorrected.

    The others, m of them, are one family: p by Holm's method (1979, Scand. J. Statist. 6, 65–70), intervals by
    Bonferroni's, at level ALPHA / m (Dunn 1961, JASA 56, 52–64): with probability 1 − ALPHA these hold all m true
    differences. Holm's method, which is never less powerful, may reject 0 where such an interval still holds it: then
    the interval ends at 0, as all do that follow from Holm's method alone (Strassburger and Bretz 2008, Statist. Med.
    27, 4914–4927); that some such rejection is false has probability ALPHA at most, too. Intervals at levels ALPHA / m,
    ALPHA / (m − 1), … agree with Holm's p as well, but hold all true differences less often than promised.
    """
    tested = [position for position, own in enumerate(contrasts) if position not in planned and own.p is not None]
    own_p = [p for position in tested if (p := contrasts[position].p) is not None]
    corrected = dict(zip(tested, holm(own_p), strict=True))
    levels = dict(zip(tested, _levels(own_p), strict=True))
    return tuple(
        _corrected(own, len(tested), corrected[position], levels[position])
        if position in corrected
        else _alone(own, planned=position in planned)
        for position, own in enumerate(contrasts)
    )


def _alone(contrast: Estimate, *, planned: bool) -> Corrected:
    """A contrast that is corrected for no other."""
    return Corrected(contrast, 1, planned, contrast.p, contrast.p, *contrast.interval())


def _corrected(contrast: Estimate, family: int, p: float, level: float) -> Corrected:
    low, high = contrast.interval(ALPHA / family)
    assert low is not None and high is not None
    ends = p <= ALPHA and low <= 0 <= high
    if ends:
        low, high = (0.0, high) if contrast.value > 0 else (low, 0.0)
    return Corrected(contrast, family, False, contrast.p, p, low, high, level, ends)


def _levels(values: Sequence[float]) -> list[float]:
    """What Holm's holds each p against: ALPHA / m, ALPHA / (m − 1), …, and the same from the first that fails."""
    order = sorted(range(len(values)), key=values.__getitem__)
    levels, level, failed = [ALPHA] * len(values), ALPHA, False
    for rank, position in enumerate(order):
        level = level if failed else ALPHA / (len(values) - rank)
        failed = failed or values[position] > level
        levels[position] = level
    return levels

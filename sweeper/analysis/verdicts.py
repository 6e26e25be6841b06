"""Verdicts: whether one of two groups is said to beat the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from sweeper.analysis.effect_sizes import detectable_difference
from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.simultaneous import Corrected

LEAST_SEEDS = 3  # of each group, below which none is said to beat another


class Decision(Enum):
    """What is said of two groups; those that cannot be told apart say why."""

    FIRST = "the first beats the second"
    SECOND = "the second beats the first"
    HOLDS_ZERO = "the interval of the difference holds 0"
    FEW_SEEDS = f"fewer than {LEAST_SEEDS} seeds"
    NO_INTERVAL = "no interval"


@dataclass(frozen=True)
class Verdict:
    """A decision, and what it rests on: two groups, and their difference first − second with what corrects it.

    `paired`: the difference is the mean of differences seed by seed, whose own spread counts.
    """

    decision: Decision
    contrast: Corrected
    first: Estimate
    second: Estimate
    paired: bool = False

    @property
    def told_apart(self) -> bool:
        """Whether one of them beats the other."""
        return self.decision in (Decision.FIRST, Decision.SECOND)

    @property
    def n(self) -> tuple[int, int]:
        """The seeds of both."""
        return self.first.n, self.second.n

    @cached_property
    def detectable(self) -> float | None:
        """The difference that these seeds could have shown with power `effect_sizes.POWER`; None: not known.

        At the level of the interval: Holm's own depends on what the others of the family happen to be.
        """
        parts = (self.contrast.estimate,) if self.paired else (self.first, self.second)
        return detectable_difference(parts, ALPHA / self.contrast.family)


def verdict(
    contrast: Corrected, first: Estimate, second: Estimate, *, greater_is_better: bool, paired: bool = False
) -> Verdict:
    """Decide on two groups: one beats the other where the interval excludes 0 and each has `LEAST_SEEDS` seeds."""
    n = min(first.n, second.n, contrast.estimate.n)
    return Verdict(_decision(contrast, n, greater_is_better), contrast, first, second, paired)


def _decision(contrast: Corrected, n: int, greater_is_better: bool) -> Decision:
    if n < LEAST_SEEDS:
        return Decision.FEW_SEEDS
    if contrast.p is None:
        return Decision.NO_INTERVAL
    if not contrast.excludes_zero:
        return Decision.HOLDS_ZERO
    return Decision.FIRST if (contrast.estimate.value > 0) == greater_is_better else Decision.SECOND

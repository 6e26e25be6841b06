"""Verdicts: whether one of two groups is said to beat the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sweeper.analysis.effect_sizes import detectable_difference
from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import PermutationTest
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
    """A decision, and what it rests on: the difference first − second, corrected as `contrast` says.

    `n` are the seeds of both. `detectable`: the difference that these could have shown with power
    `effect_sizes.POWER`, at the level that the contrast was held to; None: not known. `exact` has no part in it.
    """

    decision: Decision
    contrast: Corrected
    n: tuple[int, int]
    detectable: float | None
    exact: PermutationTest | None

    @property
    def told_apart(self) -> bool:
        """Whether one of them beats the other."""
        return self.decision in (Decision.FIRST, Decision.SECOND)


def verdict(
    contrast: Corrected,
    first: Estimate,
    second: Estimate,
    *,
    greater_is_better: bool,
    paired: bool = False,
    exact: PermutationTest | None = None,
) -> Verdict:
    """Decide on two groups: one beats the other where the interval excludes 0 and each has `LEAST_SEEDS` seeds.

    `paired`: the contrast is the mean of differences seed by seed, whose own spread counts.
    """
    n = (first.n, second.n)
    detectable = detectable_difference((contrast.estimate,) if paired else (first, second), contrast.level)
    return Verdict(_decision(contrast, n, greater_is_better), contrast, n, detectable, exact)


def _decision(contrast: Corrected, n: tuple[int, int], greater_is_better: bool) -> Decision:
    if min(*n, contrast.estimate.n) < LEAST_SEEDS:
        return Decision.FEW_SEEDS
    if contrast.p is None:
        return Decision.NO_INTERVAL
    if not contrast.excludes_zero:
        return Decision.HOLDS_ZERO
    return Decision.FIRST if (contrast.estimate.value > 0) == greater_is_better else Decision.SECOND

"""Verdicts: whether one of two groups is said to beat the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeVar

from sweeper.analysis.effect_sizes import detectable_difference
from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.simultaneous import Corrected
from sweeper.analysis.texts import OverTexts, SpeaksFor

Group = TypeVar("Group")
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

    `over_texts`: the difference is for new texts, too; `lacks` says why it is not.
    """

    decision: Decision
    contrast: Corrected
    first: Estimate
    second: Estimate
    over_texts: OverTexts | None = None
    lacks: str = ""

    @property
    def speaks_for(self) -> SpeaksFor:
        """What would be drawn anew if the measurement were made again."""
        return self.over_texts.speaks_for if self.over_texts else SpeaksFor.NEW_SEEDS_THESE_TEXTS

    @property
    def told_apart(self) -> bool:
        """Whether one of them beats the other."""
        return self.decision in (Decision.FIRST, Decision.SECOND)

    def better(self, first: Group, second: Group) -> Group | None:
        """Return which of the two groups that it is on beats the other; None where they cannot be told apart."""
        return {Decision.FIRST: first, Decision.SECOND: second}.get(self.decision)

    @property
    def n(self) -> tuple[int, int]:
        """The seeds of both."""
        return self.first.n, self.second.n

    @cached_property
    def detectable(self) -> float | None:
        """The difference that these seeds could have shown with power `effect_sizes.POWER`; None: not known.

        At the level of the interval: Holm's own depends on what the others of the family happen to be. Of fewer than
        `LEAST_SEEDS` none is seen, however large.
        """
        if self.decision is Decision.FEW_SEEDS:
            return None
        # Over texts both groups go up and down together: their own errors say too little of the difference's.
        parts = (self.contrast.estimate,) if self.over_texts else (self.first, self.second)
        return detectable_difference(parts, ALPHA / self.contrast.family)


def verdict(
    contrast: Corrected,
    first: Estimate,
    second: Estimate,
    *,
    greater_is_better: bool,
    over_texts: OverTexts | None = None,
    lacks: str = "",
) -> Verdict:
    """Decide on two groups: one beats the other where the interval excludes 0 and each has `LEAST_SEEDS` seeds."""
    n = min(first.n, second.n, contrast.estimate.n)
    return Verdict(_decision(contrast, n, greater_is_better), contrast, first, second, over_texts, lacks)


def _decision(contrast: Corrected, n: int, greater_is_better: bool) -> Decision:
    if n < LEAST_SEEDS:
        return Decision.FEW_SEEDS
    if contrast.p is None:
        return Decision.NO_INTERVAL
    if not contrast.excludes_zero:
        return Decision.HOLDS_ZERO
    return Decision.FIRST if (contrast.estimate.value > 0) == greater_is_better else Decision.SECOND

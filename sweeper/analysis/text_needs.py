"""What so many seeds and texts allow: how many of either would show a difference of a given size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweeper.analysis.effect_sizes import MOST_SEEDS, detectable_difference
from sweeper.analysis.estimates import Estimate
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.text_moments import TextMoments
from sweeper.analysis.texts import degrees_of_freedom, difference_over_texts
from sweeper.analysis.verdicts import LEAST_SEEDS

DIFFERENCES = (0.01, 0.02, 0.05)  # of shares: 1, 2 and 5 points
MOST_TEXTS = 1_000_000  # more are not looked for


@dataclass(frozen=True)
class Needed:
    """What shows a difference of this size with power `effect_sizes.POWER`, at level `ALPHA`, uncorrected.

    `seeds` of each group, at least `LEAST_SEEDS`, on as many texts as there are; `texts` with as many seeds as there
    are; `both`: the fewest seeds and texts in the proportion that they have now. None: more than `MOST_SEEDS` or
    `MOST_TEXTS`, which for one of them alone may be any number.
    """

    difference: float
    seeds: int | None
    texts: int | None
    both: tuple[int, int] | None


@dataclass(frozen=True)
class Spreads:
    """Variances of two groups' difference: of each group's seeds, of a text, of each group's seeds on a text.

    `freedom` and `clusters`: degrees of freedom a seed more than one, and independent clusters a text.
    """

    seeds: tuple[float, ...]
    text: float
    rest: tuple[float, ...]
    freedom: tuple[float, ...]
    clusters: float

    def estimate(self, seeds: Sequence[int], texts: int) -> Estimate:
        """Return the error that so many seeds of each group and so many texts would have, of a difference of 0."""
        rest = [own / n for own, n in zip(self.rest, seeds, strict=True)]
        of_seeds = [own / n + left / texts for own, left, n in zip(self.seeds, rest, seeds, strict=True)]
        of_texts = (self.text + math.fsum(rest)) / texts
        whole = math.fsum(of_seeds) + self.text / texts
        freedom = [(n - 1) * own for n, own in zip(seeds, self.freedom, strict=True)]
        parts = list(zip(of_seeds, freedom, strict=True))
        found = degrees_of_freedom(parts, (of_texts, texts * self.clusters - 1), whole)
        return Estimate(0.0, min(seeds), math.sqrt(whole), found)


def spreads(first: TextMoments, second: TextMoments) -> Spreads | None:
    """Return what the spreads of two groups on the same texts are taken for; those below 0 are 0.

    None where a group has one seed, or an error is not known or 0.
    """
    found, groups = difference_over_texts(first, second), (first, second)
    if not found.estimate.error or None in (first.shared, second.shared) or found.over_texts is None:
        return None
    rest, seeds, freedom = [], [], []
    for own in groups:
        n, over_seeds = own.over_seeds.n, own.over_seeds
        shared = own.shared or 0.0
        rest.append(shared * n * own.texts)
        seeds.append(max(0.0, (over_seeds.error or 0.0) ** 2 - shared) * n)
        freedom.append((over_seeds.degrees_of_freedom or 0.0) / (n - 1))
    text = max(0.0, found.over_texts - (found.shared or 0.0)) * found.texts
    return Spreads(tuple(seeds), text, tuple(rest), tuple(freedom), found.clusters / found.texts)


def needed(
    first: TextMoments, second: TextMoments, differences: Sequence[float] = DIFFERENCES
) -> tuple[Needed, ...] | None:
    """Return a row for each size of a difference; None where `spreads` does not know, or sees none."""
    own = spreads(first, second)
    if own is None or not any((*own.seeds, own.text, *own.rest)):
        return None
    seeds, texts = (first.over_seeds.n, second.over_seeds.n), first.texts
    return tuple(_needed(own, seeds, texts, difference) for difference in differences)


def _needed(own: Spreads, seeds: tuple[int, int], texts: int, difference: float) -> Needed:
    def suffice(seeds: tuple[int, int], texts: int) -> bool:
        found = detectable_difference([own.estimate(seeds, texts)], ALPHA)
        return found is not None and found <= difference

    def in_proportion(n: int) -> int:
        return math.ceil(texts * n / min(seeds))

    most = min(MOST_SEEDS, MOST_TEXTS * min(seeds) // texts)
    both = _least(lambda n: suffice((n, n), in_proportion(n)), LEAST_SEEDS, most)
    return Needed(
        difference,
        _least(lambda n: suffice((n, n), texts), LEAST_SEEDS, MOST_SEEDS),
        _least(lambda m: suffice(seeds, m), math.ceil(2 / own.clusters), MOST_TEXTS),
        None if both is None else (both, in_proportion(both)),
    )


def _least(suffices: Callable[[int], bool], least: int, most: int) -> int | None:
    """Return the least number from `least` to `most` that suffices, as all greater ones do; None where none does."""
    high = least
    while not suffices(high):
        if high >= most:
            return None
        least, high = high + 1, min(2 * high, most)
    while least < high:
        middle = (least + high) // 2
        least, high = (least, middle) if suffices(middle) else (middle + 1, high)
    return high

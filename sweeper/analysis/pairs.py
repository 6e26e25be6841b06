"""Pairs: what two groups that differ in one setting differ by, with intervals and tests."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

from sweeper.analysis.effect_sizes import Alternative, hedges_g, probability_greater, seeds_for_power
from sweeper.analysis.factors import Value
from sweeper.analysis.permutation_tests import (
    ALPHA,
    PermutationTest,
    holm,
    relabelling_test,
    seeds_for_unpaired,
    sign_flip_test,
)
from sweeper.analysis.rows import Comparison, GroupRow, MeasuredRow, Summaries, TrialRow
from sweeper.analysis.statistics import MeanDifference, Summary, mean_difference, summarize

MOST_PAIRS = 300


@dataclass(frozen=True)
class MeanDifferences:
    """The difference in one metric on both sets. None: not measured in both groups."""

    validation: MeanDifference | None
    test: MeanDifference | None


@dataclass(frozen=True)
class Pair:
    """Two groups that differ in one factor, the earlier of the comparison's order first."""

    factor: str
    position: int  # of the factor among the comparison's
    first: GroupRow
    second: GroupRow

    @property
    def independent(self) -> bool:
        """Whether trials of each group are independent of each other."""
        return self.first.independent and self.second.independent

    def named(self) -> tuple[str, Value, Value, tuple[Value, ...]]:
        """Return what a `PairRow` has."""
        return self.factor, self.first.factors[self.position], self.second.factors[self.position], self.first.factors


@dataclass(frozen=True)
class PairRow:
    """A row of two groups that differ in one factor: its values, and those of all factors in the first group."""

    factor: str
    first: Value
    second: Value
    factors: tuple[Value, ...]


@dataclass(frozen=True)
class DifferenceRow(PairRow, MeasuredRow):
    """What two groups differ by in each metric, at each trial's best epoch."""

    metric: str
    validation: MeanDifference | None
    test: MeanDifference | None
    others: Mapping[str, MeanDifferences]


def pairs(comparison: Comparison) -> list[Pair]:
    """Return all pairs of groups that differ in exactly one factor and have the same metric and a done trial each.

    None where there are more than `MOST_PAIRS`: nobody reads so many, and their number grows with the square of groups.
    """
    if number_of_pairs(comparison) > MOST_PAIRS:
        return []
    alike = _alike_but_one(comparison)
    return [
        Pair(comparison.factors[position], position, *two) for position, rows in alike for two in combinations(rows, 2)
    ]


def number_of_pairs(comparison: Comparison) -> int:
    """How many pairs of groups differ in exactly one factor, counted without making them."""
    return sum(math.comb(len(rows), 2) for _, rows in _alike_but_one(comparison))


def _alike_but_one(comparison: Comparison) -> Iterator[tuple[int, list[GroupRow]]]:
    """Yield each factor's position with groups that have a done trial and differ in nothing but it."""
    counted = [row for row in comparison.groups if row.trials > len(row.missing)]
    for position in range(len(comparison.factors)):
        alike: dict[tuple[Value, ...], list[GroupRow]] = defaultdict(list)
        for row in counted:
            alike[(row.metric, *row.factors[:position], *row.factors[position + 1 :])].append(row)
        yield from ((position, rows) for rows in alike.values())


def difference_rows(comparison: Comparison) -> Iterator[DifferenceRow]:
    """Yield what each of `pairs` differs by."""
    for pair in pairs(comparison):
        first, second = pair.first, pair.second
        own = _on_both_sets(first, second)
        shared = [name for name in first.others if name in second.others]
        yield DifferenceRow(
            *pair.named(),
            metric=first.metric,
            validation=own.validation,
            test=own.test,
            others={name: _on_both_sets(first.others[name], second.others[name]) for name in shared},
        )


def _on_both_sets(first: GroupRow | Summaries, second: GroupRow | Summaries) -> MeanDifferences:
    return MeanDifferences(
        mean_difference(first.validation, second.validation), mean_difference(first.test, second.test)
    )


@dataclass(frozen=True)
class Paired:
    """The same two groups seed by seed, where both read the same examples in the same order under each seed.

    `difference` has Student's t interval of the mean of the n differences; `greater` is the share of seeds whose first
    value is the greater one, ties half.
    """

    difference: MeanDifference
    test: PermutationTest | None
    greater: float | None


@dataclass(frozen=True)
class Contrast(PairRow):
    """What two groups differ by in the selection metric on the set they are compared on, and how sure that is.

    `difference` is Welch's; `test` relabels all values; `holm_p` is its p corrected for all contrasts of the
    comparison; `greater` is the probability that a value of the first group is the greater one, ties half.
    Where trials of a group are not independent there is no test.
    `seeds_for_test` a group let an exact test reach ALPHA at all, `seeds_for_family` one that Holm has corrected,
    `seeds_for_power` give Welch's test POWER (None: unknown, or more than are looked for).
    """

    pair: Pair
    split: str
    metric: str
    difference: MeanDifference
    test: PermutationTest | None
    holm_p: float | None
    greater: float | None
    hedges_g: float | None
    seeds_for_test: int
    seeds_for_family: int
    seeds_for_power: int | None
    paired: Paired | None


@lru_cache(maxsize=1)
def contrasts(comparison: Comparison) -> tuple[Contrast, ...]:
    """Return a contrast for each of `pairs` whose groups both have a value, corrected for their number."""
    found = [made for pair in pairs(comparison) if (made := _contrast(pair, comparison.split))]
    tested = [made for made in found if made.test]
    corrected = iter(holm([made.test.p for made in tested if made.test]))
    needed = seeds_for_unpaired(ALPHA / max(1, len(tested)))
    return tuple(
        replace(made, holm_p=next(corrected) if made.test else None, seeds_for_family=needed) for made in found
    )


def _contrast(pair: Pair, split: str) -> Contrast | None:
    """Compare two groups on one set, uncorrected; None where one has no value."""
    metric = pair.first.metric
    first, second = (
        [value for row in group.counted if (value := row.on(split)) is not None] for group in (pair.first, pair.second)
    )
    one: Summary = pair.first.on(split)
    other: Summary = pair.second.on(split)
    difference = mean_difference(one, other)
    if difference is None:
        return None
    spread = None
    if one.sd is not None and other.sd is not None and pair.independent:
        spread = Alternative(difference.difference, one.sd, other.sd)
    return Contrast(
        *pair.named(),
        pair=pair,
        split=split,
        metric=metric,
        difference=difference,
        test=relabelling_test(first, second) if pair.independent else None,
        holm_p=None,
        greater=probability_greater(first, second),
        hedges_g=hedges_g(one, other),
        seeds_for_test=seeds_for_unpaired(ALPHA),
        seeds_for_family=seeds_for_unpaired(ALPHA),
        seeds_for_power=seeds_for_power(spread, ALPHA) if spread else None,
        paired=_paired(pair, split) if pair.independent else None,
    )


def _paired(pair: Pair, split: str) -> Paired | None:
    """Compare two groups by the seeds that both have, if these fix the order of the same examples; None below two."""
    first, second = (_by_order(group.counted, split) for group in (pair.first, pair.second))
    if not first or not second:
        return None
    both = [(first[key], second[key]) for key in first if key in second]
    if len(both) < min(2, len(second)):
        return None
    differences = [one - other for one, other in both]
    found = summarize(differences)
    if found.mean is None or math.isnan(found.mean):
        return None
    own = MeanDifference(len(both), len(both), found.mean)
    if found.sd:  # where all differences are equal, an interval of no width would claim to know everything
        own = replace(own, low=found.low, high=found.high, degrees_of_freedom=float(len(both) - 1))
    greater = sum((one > other) + 0.5 * (one == other) for one, other in both) / len(both)
    return Paired(own, sign_flip_test(differences), greater)


def _by_order(rows: Sequence[TrialRow], split: str) -> dict[tuple[Value, ...], float] | None:
    """Values by what fixes the order of the examples; None where two trials share it, or one has no value."""
    found = {(*row.order, row.seed, row.data_seed): row.on(split) for row in rows}
    known = {key: value for key, value in found.items() if value is not None}
    return known if len(known) == len(rows) else None

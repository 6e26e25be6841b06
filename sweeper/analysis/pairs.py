"""Pairs: what two groups that differ in one setting differ by, with intervals and tests."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, product

from sweeper.analysis.contents import MODEL, Value
from sweeper.analysis.effect_sizes import Alternative, hedges_g, probability_greater, seeds_for_power
from sweeper.analysis.permutation_tests import (
    ALPHA,
    PermutationTest,
    holm,
    relabelling_test,
    seeds_for_unpaired,
    sign_flip_test,
)
from sweeper.analysis.roles import same_value
from sweeper.analysis.rows import Comparison, GroupRow, MeasuredRow, Summaries, TrialRow
from sweeper.analysis.statistics import (
    CONFIDENCE,
    MeanDifference,
    Summary,
    mean_difference,
    student_quantile,
    summarize,
)
from sweeper.records.question import Primary

MOST_PAIRS = 300
# Of these what is measured depends on the pieces that a tokenizer makes of a text, in tasks that predict pieces.
BY_PIECE = ("loss", "perplexity")
PIECEWISE_TASKS = ("language_modelling", "qa")


@dataclass(frozen=True)
class MeanDifferences:
    """The difference in one metric on both sets. None: not measured in both groups."""

    validation: MeanDifference | None
    test: MeanDifference | None


@dataclass(frozen=True)
class Pair:
    """Two groups that differ in one compared factor, the earlier of the comparison's order first.

    `common` are the values of all factors in the first; of a random model that stands for several, those of the other.
    """

    factor: str
    position: int  # of the factor among the comparison's
    first: GroupRow
    second: GroupRow
    common: tuple[Value, ...]

    @property
    def independent(self) -> bool:
        """Whether trials of each group are independent of each other."""
        return self.first.independent and self.second.independent

    def named(self) -> tuple[str, Value, Value, tuple[Value, ...]]:
        """Return what a `PairRow` has."""
        return self.factor, self.first.factors[self.position], self.second.factors[self.position], self.common

    def compares(self, metric: str) -> bool:
        """Whether a metric means the same in both groups."""
        return measured_alike(self.first, self.second, metric)


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


def measured_alike(first: GroupRow, second: GroupRow, metric: str) -> bool:
    """Whether a metric can be compared between groups: of pieces of text it cannot between tokenizers."""
    tasks = {row.settings.get("task.name") for row in (first, second)}
    if metric not in BY_PIECE or not tasks & {*PIECEWISE_TASKS}:
        return first.metric == second.metric or metric != first.metric
    return first.settings.get("digests.tokenizer") == second.settings.get("digests.tokenizer")


def block_of(comparison: Comparison, row: GroupRow) -> tuple[Value, ...]:
    """Return the values of the block factors in a group."""
    return tuple(row.factors[comparison.factors.index(name)] for name in comparison.roles.blocks)


def pairs(comparison: Comparison) -> list[Pair]:
    """Return pairs of groups that differ in exactly one compared factor and have the same metric and a done trial each.

    None where there are more than `MOST_PAIRS`: nobody reads so many, and their number grows with the square of groups.
    """
    if number_of_pairs(comparison) > MOST_PAIRS:
        return []
    order = {id(row): number for number, row in enumerate(comparison.groups)}
    found = []
    for position, own, twins in _alike_but_one(comparison):
        for two in (*combinations(own, 2), *product(own, twins)):
            first, second = sorted(two, key=lambda row: order[id(row)])
            pair = Pair(comparison.factors[position], position, first, second, _common(comparison, first, two[0]))
            if any(map(pair.compares, (first.metric, *first.others))):
                found.append(pair)
    return found


def _common(comparison: Comparison, first: GroupRow, own: GroupRow) -> tuple[Value, ...]:
    """Return the first group's factors, but the model that the `own` one is of: a twin stands for several."""
    if first is own:
        return first.factors
    both = zip(comparison.factors, first.factors, own.factors, strict=True)
    return tuple(its if factor == MODEL else value for factor, value, its in both)


def number_of_pairs(comparison: Comparison) -> int:
    """How many pairs of groups differ in exactly one compared factor, counted without making them."""
    return sum(math.comb(len(own), 2) + len(own) * len(twins) for _, own, twins in _alike_but_one(comparison))


def _alike_but_one(comparison: Comparison) -> Iterator[tuple[int, list[GroupRow], list[GroupRow]]]:
    """Yield each compared factor's position with groups that have a done trial and differ in nothing but it.

    Random models that stand for the model of these, too, come apart: they are compared with these alone.
    """
    counted = [row for row in comparison.groups if row.trials > len(row.missing)]
    model = comparison.factors.index(MODEL) if MODEL in comparison.factors else None
    for position, factor in enumerate(comparison.factors):
        if factor in comparison.roles.blocks:
            continue
        alike: dict[tuple[Value, ...], tuple[list[GroupRow], list[GroupRow]]] = defaultdict(lambda: ([], []))
        for row in counted:
            alike[(row.metric, *row.factors[:position], *row.factors[position + 1 :])][0].append(row)
            for path in row.twins if model not in (None, position) else ():
                values = [path if at == model else value for at, value in enumerate(row.factors)]
                alike[(row.metric, *values[:position], *values[position + 1 :])][1].append(row)
        yield from ((position, own, twins) for own, twins in alike.values() if own)


def difference_rows(comparison: Comparison) -> Iterator[DifferenceRow]:
    """Yield what each of `pairs` differs by."""
    for pair in pairs(comparison):
        first, second = pair.first, pair.second
        own = _on_both_sets(first, second) if pair.compares(first.metric) else MeanDifferences(None, None)
        shared = [name for name in first.others if name in second.others and pair.compares(name)]
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

    `difference` is Welch's; `test` relabels all values; `holm_p` is its p corrected for the `family` contrasts of the
    same factor in the same block; `low` and `high` bound the interval that is corrected for as many. A primary
    comparison (`is_primary`) that was planned is a family apart from the others.
    `greater` is the probability that a value of the first group is the greater one, ties half.
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
    family: int = 1
    is_primary: bool = False
    low: float | None = None
    high: float | None = None


@lru_cache(maxsize=1)
def contrasts(comparison: Comparison) -> tuple[Contrast, ...]:
    """Return a contrast for each of `pairs` whose groups both have a value, corrected within its family."""
    found = [made for pair in pairs(comparison) if (made := _contrast(pair, comparison.split))]
    families: dict[tuple[Value, ...], list[int]] = defaultdict(list)
    for position, made in enumerate(found):
        found[position] = made = replace(made, is_primary=_is_primary(made, comparison.primary))
        planned = made.is_primary and comparison.primary is not None and comparison.primary.planned
        families[(made.factor, planned, *block_of(comparison, made.pair.first))].append(position)
    for positions in families.values():
        for position, made in zip(positions, _corrected([found[own] for own in positions]), strict=True):
            found[position] = made
    return tuple(found)


def _is_primary(made: Contrast, primary: Primary | None) -> bool:
    if primary is None or made.factor != primary.factor:
        return False
    both = (made.first, made.second)
    return any(
        same_value(typed[0], both[0]) and same_value(typed[1], both[1])
        for typed in (primary.values, primary.values[::-1])
    )


def _corrected(family: Sequence[Contrast]) -> list[Contrast]:
    """Return the contrasts of one family with p and interval corrected for their number."""
    tested = [made.test.p for made in family if made.test]
    holm_p = iter(holm(tested))
    needed = seeds_for_unpaired(ALPHA / max(1, len(tested)))
    return [
        replace(
            made,
            holm_p=next(holm_p) if made.test else None,
            seeds_for_family=needed,
            family=max(1, len(tested)),
            low=low,
            high=high,
        )
        for made, (low, high) in zip(family, _intervals(family), strict=True)
    ]


def _intervals(family: Sequence[Contrast]) -> list[tuple[float | None, float | None]]:
    """Return Welch's intervals at the levels of Holm's method on Welch's p: the smallest of m counts at ALPHA / m."""
    known = [number for number, made in enumerate(family) if made.difference.low is not None]
    known.sort(key=lambda number: _welch_p(family[number].difference))
    found: list[tuple[float | None, float | None]] = [(None, None)] * len(family)
    level, failed = ALPHA, False
    for place, number in enumerate(known):
        level = level if failed else ALPHA / (len(known) - place)
        failed = failed or _welch_p(family[number].difference) > level
        found[number] = _welch_interval(family[number].difference, level)
    return found


def _welch_error(found: MeanDifference) -> float:
    assert found.high is not None and found.degrees_of_freedom is not None
    return (found.high - found.difference) / student_quantile(found.degrees_of_freedom, (1 + CONFIDENCE) / 2)


def _welch_p(found: MeanDifference) -> float:
    from scipy.special import stdtr

    assert found.degrees_of_freedom is not None
    return 2 * float(stdtr(found.degrees_of_freedom, -abs(found.difference) / _welch_error(found)))


def _welch_interval(found: MeanDifference, level: float) -> tuple[float, float]:
    assert found.degrees_of_freedom is not None
    half = student_quantile(found.degrees_of_freedom, 1 - level / 2) * _welch_error(found)
    return found.difference - half, found.difference + half


def _contrast(pair: Pair, split: str) -> Contrast | None:
    """Compare two groups on one set, uncorrected; None where one has no value."""
    metric = pair.first.metric
    first, second = (
        [value for row in group.counted if (value := row.on(split)) is not None] for group in (pair.first, pair.second)
    )
    one: Summary = pair.first.on(split)
    other: Summary = pair.second.on(split)
    difference = mean_difference(one, other)
    if difference is None or not pair.compares(metric):
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

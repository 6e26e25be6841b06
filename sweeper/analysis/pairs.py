"""Pairs: which groups are compared, those of one data set that differ in one compared factor."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from sweeper.analysis.contents import MODEL, Value
from sweeper.analysis.factors import STUDY
from sweeper.analysis.roles import same_value
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.records.question import Primary

MOST_PAIRS = 300
# Of these what is measured depends on the pieces that a tokenizer makes of a text, in tasks that predict pieces.
BY_PIECE = ("loss", "perplexity")
PIECEWISE_TASKS = ("language_modelling", "qa")


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
    def shared(self) -> int:
        """How many trials are the same in both, which groups of different studies may be."""
        if self.factor != STUDY:
            return 0
        first, second = ({row.id for row in group.counted} for group in (self.first, self.second))
        return len(first & second)

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


def measured_alike(first: GroupRow, second: GroupRow, metric: str) -> bool:
    """Whether a metric can be compared between groups: of pieces of text it cannot between tokenizers."""
    if first.metric != second.metric and metric == first.metric:
        return False
    return tokenizer_of(first, metric) == tokenizer_of(second, metric)


def tokenizer_of(row: GroupRow, metric: str) -> Value:
    """Return the digest of the tokenizer that a group's metric depends on; None where it depends on none."""
    depends = metric in BY_PIECE and row.settings.get("task.name") in PIECEWISE_TASKS
    return row.settings.get("digests.tokenizer") if depends else None


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


def is_primary(pair: Pair, primary: Primary | None) -> bool:
    """Whether it is the comparison that a study was made for, whichever of both comes first."""
    if primary is None or pair.factor != primary.factor:
        return False
    _, first, second, _ = pair.named()
    return any(
        same_value(typed[0], first) and same_value(typed[1], second) for typed in (primary.values, primary.values[::-1])
    )


def families(comparison: Comparison, found: Sequence[Pair]) -> list[list[int]]:
    """Return the positions of pairs that are corrected for each other: those of one factor in one block.

    A planned primary comparison is a family apart from the others.
    """
    planned = comparison.primary is not None and comparison.primary.planned
    of: dict[tuple[Value, ...], list[int]] = defaultdict(list)
    for position, pair in enumerate(found):
        apart = planned and is_primary(pair, comparison.primary)
        metric = pair.first.metric
        own = (metric, tokenizer_of(pair.first, metric), *block_of(comparison, pair.first))
        of[(pair.factor, apart, *own)].append(position)
    return list(of.values())


def has_families(comparison: Comparison) -> bool:
    """Whether some pairs are corrected for others."""
    return any(len(family) > 1 for family in families(comparison, pairs(comparison)))

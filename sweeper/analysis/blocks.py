"""Blocks: what is compared within one data set, the verdict there, and ranks over several of them."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sweeper.analysis.contents import Value
from sweeper.analysis.pairs import Contrast, block_of, contrasts, measured_alike
from sweeper.analysis.rows import Comparison, GroupRow

FEWEST_SEEDS = 3  # a group, for a verdict


@dataclass(frozen=True)
class BlockVerdict:
    """What can be said in one block on one set, a contrast each.

    `beats` holds pairs of groups' factors, the better first, whose interval leaves 0 out with `FEWEST_SEEDS` values or
    more each; the other contrasts cannot be told apart. `ranking` is by mean, the best first: empty where not all
    groups are measured alike.
    """

    split: str
    contrasts: tuple[Contrast, ...]
    beats: frozenset[tuple[tuple[Value, ...], tuple[Value, ...]]]
    ranking: tuple[GroupRow, ...]

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that the study was made for, if it was for any."""
        return tuple(one for one in self.contrasts if one.is_primary)

    def better(self, contrast: Contrast) -> GroupRow | None:
        """Return the group of a contrast that beats the other; None where they cannot be told apart."""
        first, second = contrast.pair.first, contrast.pair.second
        if (first.factors, second.factors) in self.beats:
            return first
        return second if (second.factors, first.factors) in self.beats else None


@dataclass(frozen=True)
class Block:
    """What is compared within: the values of the block factors, groups, contrasts; one without any is the whole."""

    values: tuple[Value, ...]
    groups: tuple[GroupRow, ...]
    contrasts: tuple[Contrast, ...]
    verdict: BlockVerdict


@lru_cache(maxsize=1)
def blocks(comparison: Comparison) -> tuple[Block, ...]:
    """Return a comparison's blocks in the order of its groups; one where no data set or task varies."""
    groups: dict[tuple[Value, ...], list[GroupRow]] = defaultdict(list)
    for row in comparison.groups:
        groups[block_of(comparison, row)].append(row)
    found: dict[tuple[Value, ...], list[Contrast]] = defaultdict(list)
    for one in contrasts(comparison):
        found[block_of(comparison, one.pair.first)].append(one)
    return tuple(
        Block(values, tuple(rows), tuple(found[values]), _verdict(rows, found[values], comparison.split))
        for values, rows in groups.items()
    )


def _verdict(rows: Sequence[GroupRow], found: Sequence[Contrast], split: str) -> BlockVerdict:
    beats = (_better(one) for one in found)
    return BlockVerdict(split, tuple(found), frozenset(pair for pair in beats if pair), tuple(ranking(rows, split)))


def _better(one: Contrast) -> tuple[tuple[Value, ...], tuple[Value, ...]] | None:
    enough = min(one.difference.n_first, one.difference.n_second) >= FEWEST_SEEDS
    if not enough or one.low is None or one.high is None or one.low <= 0 <= one.high:
        return None
    first, second = one.pair.first, one.pair.second
    greater, less = (first, second) if one.low > 0 else (second, first)
    return (greater.factors, less.factors) if first.greater_is_better else (less.factors, greater.factors)


def ranking(rows: Sequence[GroupRow], split: str) -> list[GroupRow]:
    """Return groups by mean, the best first; none where they are not measured alike."""
    known = [row for row in rows if row.on(split).mean is not None and math.isfinite(row.on(split).mean)]
    if not all(measured_alike(known[0], row, row.metric) for row in known):
        return []
    return sorted(known, key=lambda row: row.on(split).mean, reverse=bool(known) and known[0].greater_is_better)


@dataclass(frozen=True)
class RankRow:
    """What is compared (values of the compared factors), over `blocks` in which all are: mean rank, first places.

    Equal means share a rank, and each that is first counts as a win. It describes; it tests nothing.
    """

    compared: tuple[Value, ...]
    mean_rank: float
    wins: int
    blocks: int


def rank_rows(comparison: Comparison) -> Iterator[RankRow]:
    """Yield ranks over several blocks, the best first; none where there is one, or none has all that is compared."""
    compared = [comparison.factors.index(name) for name in comparison.roles.compared]

    def method(row: GroupRow) -> tuple[Value, ...]:
        return tuple(row.factors[position] for position in compared)

    methods = {method(row) for row in comparison.groups}
    orders = [block.verdict.ranking for block in blocks(comparison)]
    complete = [rows for rows in orders if len({method(row) for row in rows}) == len(rows) == len(methods)]
    if len(complete) < 2 or len(methods) < 2:
        return
    ranks: dict[tuple[Value, ...], list[float]] = defaultdict(list)
    for rows in complete:
        means = [row.on(comparison.split).mean for row in rows]
        count = Counter(means)
        for row, mean in zip(rows, means, strict=True):
            ranks[method(row)].append(means.index(mean) + (count[mean] + 1) / 2)
    firsts: Counter[tuple[Value, ...]] = Counter()
    for rows in complete:
        best = rows[0].on(comparison.split).mean
        firsts.update(method(row) for row in rows if row.on(comparison.split).mean == best)
    for own in sorted(ranks, key=lambda own: statistics.fmean(ranks[own])):
        yield RankRow(own, statistics.fmean(ranks[own]), firsts[own], len(complete))

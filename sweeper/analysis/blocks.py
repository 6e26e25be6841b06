"""Blocks: what is compared within one data set, the verdict there, and ranks over several of them."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from sweeper.analysis.contents import Value
from sweeper.analysis.contrasts import Contrast, contrasts, decided
from sweeper.analysis.letters import MOST_LETTERS, Place, ranking
from sweeper.analysis.pairs import block_of, tokenizer_of
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.verdicts import Decision, Verdict

Factors = tuple[Value, ...]


@dataclass(frozen=True)
class Block:
    """What is compared within: groups on one data set and task, in one metric that means the same in all of them.

    `values` are those of the block factors, none where none varies; `tokenizer` is the digest of that which the metric
    depends on, if it does. `groups` have a value, the best mean first, `places` say each one's rank and letters: the
    groups that share one cannot be told apart. `beats` holds pairs of groups' factors, the better first. `untold` is
    how many pairs that differ in more than one setting were compared for the letters alone.
    """

    values: Factors
    metric: str
    tokenizer: Value
    split: str
    groups: tuple[GroupRow, ...]
    places: tuple[Place, ...]
    contrasts: tuple[Contrast, ...]
    beats: frozenset[tuple[Factors, Factors]]
    untold: int

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that the study was made for, if it was for any."""
        return tuple(one for one in self.contrasts if one.is_primary)

    @property
    def n(self) -> tuple[int, ...]:
        """How many seeds groups have, each number once."""
        return tuple(sorted({row.on(self.split).replicates for row in self.groups}))


@lru_cache(maxsize=1)
def blocks(comparison: Comparison) -> tuple[Block, ...]:
    """Return a comparison's blocks in the order of its groups; one where no data set or task varies."""
    of: dict[tuple[Factors, str, Value], list[GroupRow]] = defaultdict(list)
    for row in comparison.groups:
        if row.on(comparison.split).mean is not None:
            of[(block_of(comparison, row), row.metric, tokenizer_of(row, row.metric))].append(row)
    found = contrasts(comparison)
    return tuple(_block(comparison.split, key, rows, found) for key, rows in of.items())


def _block(split: str, key: tuple[Factors, str, Value], rows: Sequence[GroupRow], found: Sequence[Contrast]) -> Block:
    factors = {row.factors for row in rows}
    own = [one for one in found if {one.pair.first.factors, one.pair.second.factors} <= factors]
    known = [(one.pair.first, one.pair.second, one.verdict) for one in own]
    lettered = len(rows) <= MOST_LETTERS
    others = list(_other_verdicts(split, rows, own)) if lettered else []
    beats = frozenset(pair for one in (*known, *others) if (pair := _better(*one)))
    at = {row.factors: position for position, row in enumerate(rows)}
    apart = [(at[better], at[worse]) for better, worse in beats]
    means = [row.on(split).mean for row in rows]
    places = ranking(means, apart if lettered else None, greater_is_better=rows[0].greater_is_better)
    ranked = tuple(rows[place.position] for place in places)
    return Block(*key, split, ranked, tuple(places), tuple(own), beats, len(others))


def _other_verdicts(
    split: str, rows: Sequence[GroupRow], known: Sequence[Contrast]
) -> Iterator[tuple[GroupRow, GroupRow, Verdict]]:
    """Yield the verdicts of pairs that differ in several settings, a family of their own.

    They make no contrast, as nothing tells which setting makes the difference; but a ranking needs to know.
    """
    compared = {frozenset((one.pair.first.factors, one.pair.second.factors)) for one in known}
    both = [two for two in combinations(rows, 2) if frozenset(row.factors for row in two) not in compared]
    yield from ((first, second, own) for (first, second), own in zip(both, decided(split, both), strict=True))


def _better(first: GroupRow, second: GroupRow, verdict: Verdict) -> tuple[Factors, Factors] | None:
    if verdict.decision == Decision.FIRST:
        return first.factors, second.factors
    return (second.factors, first.factors) if verdict.decision == Decision.SECOND else None


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
    orders = [block.groups for block in blocks(comparison)]
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

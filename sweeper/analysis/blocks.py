"""Blocks: what is compared within one data set, the verdict there, and ranks over several of them."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from sweeper.analysis.contents import Value
from sweeper.analysis.contrasts import Contrast, contrasts, decided
from sweeper.analysis.letters import MOST_LETTERS, Place, ranking, rounded
from sweeper.analysis.pairs import block_of, tokenizer_of
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.verdicts import Verdict

Factors = tuple[Value, ...]


@dataclass(frozen=True)
class Compared:
    """Two groups of a block and the verdict on them; where they differ in one setting, the contrast that has it."""

    first: GroupRow
    second: GroupRow
    verdict: Verdict
    contrast: Contrast | None = None

    @property
    def better(self) -> GroupRow | None:
        """The group that beats the other; None where they cannot be told apart."""
        return self.verdict.better(self.first, self.second)


@dataclass(frozen=True)
class Block:
    """What is compared within: groups on one data set and task, in one metric that means the same in all of them.

    `values` are those of the block factors, none where none varies; `tokenizer` is the digest of that which the metric
    depends on, if it does. `groups` have a value, the best mean first, `places` say each one's rank and letters: the
    groups that share one cannot be told apart; no letters where some could not be tested. `compared` has all pairs,
    those of `contrasts` and those that differ in several settings; of too many groups the first alone.
    """

    values: Factors
    metric: str
    tokenizer: Value
    split: str
    groups: tuple[GroupRow, ...]
    places: tuple[Place, ...]
    contrasts: tuple[Contrast, ...]
    compared: Mapping[frozenset[Factors], Compared]

    @property
    def primary(self) -> tuple[Contrast, ...]:
        """The contrasts that the study was made for, if it was for any."""
        return tuple(one for one in self.contrasts if one.is_primary)

    @property
    def lettered(self) -> bool:
        """Whether letters say which groups can be told apart."""
        return any(place.letters for place in self.places)

    @property
    def of_several_settings(self) -> int:
        """How many pairs that differ in more than one setting were compared."""
        return sum(own.contrast is None for own in self.compared.values())

    def of(self, first: GroupRow, second: GroupRow) -> Compared | None:
        """Return what was found of two groups; None: they were not compared."""
        return self.compared.get(frozenset((first.factors, second.factors)))

    def beats(self, first: GroupRow, second: GroupRow) -> bool:
        """Whether the first of two groups beats the second."""
        own = self.of(first, second)
        return own is not None and own.better is not None and own.better.factors == first.factors


@lru_cache(maxsize=2)
def blocks(comparison: Comparison) -> tuple[Block, ...]:
    """Return a comparison's blocks in the order of its groups; one where no data set or task varies."""
    of: dict[tuple[Factors, str, Value], list[GroupRow]] = defaultdict(list)
    for row in comparison.groups:
        if row.on(comparison.split).mean is not None:
            of[(block_of(comparison, row), row.metric, tokenizer_of(row, row.metric))].append(row)
    found: dict[frozenset[Factors], Contrast] = {}
    for one in contrasts(comparison):
        found[frozenset((one.pair.first.factors, one.pair.second.factors))] = one
    return tuple(_block(comparison.split, key, rows, found) for key, rows in of.items())


def _block(
    split: str,
    key: tuple[Factors, str, Value],
    rows: Sequence[GroupRow],
    found: Mapping[frozenset[Factors], Contrast],
) -> Block:
    factors = {row.factors for row in rows}
    own = {pair: one for pair, one in found.items() if pair <= factors}
    known = [Compared(one.pair.first, one.pair.second, one.verdict, one) for one in own.values()]
    few = len(rows) <= MOST_LETTERS
    compared = [*known, *(_of_several_settings(split, rows, own) if few else ())]
    at = {row.factors: position for position, row in enumerate(rows)}
    apart = [(at[one.first.factors], at[one.second.factors]) for one in compared if one.verdict.told_apart]
    tested = few and all(_is_known(row, split) for row in rows)
    means = [row.on(split).mean for row in rows]
    places = ranking(means, apart if tested else None, greater_is_better=rows[0].greater_is_better)
    ranked = tuple(rows[place.position] for place in places)
    by_pair = {frozenset((one.first.factors, one.second.factors)): one for one in compared}
    return Block(*key, split, ranked, tuple(places), tuple(own.values()), by_pair)


def _is_known(row: GroupRow, split: str) -> bool:
    """Whether a group's trials are independent, or crossed: else nothing tells how sure its mean is."""
    return row.independent or row.on(split).crossed is not None


def _of_several_settings(
    split: str, rows: Sequence[GroupRow], known: Collection[frozenset[Factors]]
) -> Iterator[Compared]:
    """Yield the verdicts of pairs that differ in several settings, a family of their own.

    They make no contrast, as nothing tells which setting makes the difference; but a ranking needs to know.
    """
    both = [two for two in combinations(rows, 2) if frozenset(row.factors for row in two) not in known]
    for (first, second), own in zip(both, decided(split, both), strict=True):
        yield Compared(first, second, own)


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
        means = [rounded(row.on(comparison.split).mean) for row in rows]
        count = Counter(means)
        for row, mean in zip(rows, means, strict=True):
            ranks[method(row)].append(means.index(mean) + (count[mean] + 1) / 2)
    firsts: Counter[tuple[Value, ...]] = Counter()
    for rows in complete:
        best = rounded(rows[0].on(comparison.split).mean)
        firsts.update(method(row) for row in rows if rounded(row.on(comparison.split).mean) == best)
    for own in sorted(ranks, key=lambda own: statistics.fmean(ranks[own])):
        yield RankRow(own, statistics.fmean(ranks[own]), firsts[own], len(complete))

"""Tuned settings: of each group the value with the best mean validation is taken, and only that is compared."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sweeper.analysis.contents import Value
from sweeper.analysis.factors import rank
from sweeper.analysis.letters import rounded
from sweeper.analysis.rows import Choice, Comparison, Grid, GridRow, GroupRow, TrialRow

Values = tuple[Value, ...]
Chosen = Mapping[Values, GroupRow]


@dataclass(frozen=True)
class _Positions:
    """Positions of factors: those that are `kept`, and the tuned ones."""

    factors: tuple[str, ...]
    kept: tuple[int, ...]
    tuned: tuple[int, ...]

    def own(self, values: Values) -> Values:
        """Return a row's factors without the tuned ones."""
        return tuple(values[position] for position in self.kept)

    def of_tuned(self, values: Values) -> Values:
        """Return the values of the tuned ones."""
        return tuple(values[position] for position in self.tuned)

    def order(self, values: Values) -> list[tuple[int, float, str]]:
        """Sorting key of the tuned values."""
        return [rank(self.factors[position], values[position]) for position in self.tuned]


def selected(whole: Comparison) -> Comparison:
    """Return the comparison of the chosen values, with the whole grid beside; test has no part in the choice."""
    tuned = tuple(whole.factors.index(name) for name in whole.roles.tuned)
    kept = tuple(position for position in range(len(whole.factors)) if position not in tuned)
    at = _Positions(whole.factors, kept, tuned)
    grids: dict[Values, list[GroupRow]] = defaultdict(list)
    for row in whole.groups:
        grids[at.own(row.factors)].append(row)
    grids = {own: grids[own] for own in sorted(grids, key=lambda own: _order(at, own))}
    chosen = {own: _best(rows, at) for own, rows in grids.items()}
    groups = [_without_tuned(row, own) for own, row in chosen.items()]
    names = {row.name for group in groups for row in group.members}
    epochs = defaultdict(list)
    for epoch in whole.epochs:
        epochs[epoch.factors].append(epoch)
    return replace(
        whole,
        factors=tuple(whole.factors[position] for position in kept),
        groups=tuple(groups),
        trials=tuple(row for group in groups for row in group.members),
        epochs=tuple(replace(row, factors=own) for own, group in chosen.items() for row in epochs[group.factors]),
        curves={name: curve for name, curve in whole.curves.items() if name in names},
        grid=Grid(whole.roles.tuned, tuple(_grid_rows(grids, chosen, at)), tuple(_choices(grids, chosen, at)), whole),
    )


def _order(at: _Positions, own: Values) -> list[tuple[int, float, str]]:
    return [rank(at.factors[position], value) for position, value in zip(at.kept, own, strict=True)]


def _best(rows: Sequence[GroupRow], at: _Positions) -> GroupRow:
    """Return the row with the best mean validation, ties to the smaller value; the first where none has a mean.

    Values with fewer trials than another one have no part in it: those left after failures would flatter it.
    """
    known = [row for row in rows if row.validation.mean is not None and math.isfinite(row.validation.mean)]
    most = max((row.validation.n for row in known), default=0)
    known = [row for row in known if row.validation.n == most]

    def worse(row: GroupRow) -> tuple[float, list[tuple[int, float, str]]]:
        assert row.validation.mean is not None
        mean = rounded(row.validation.mean)
        return (-mean if row.greater_is_better else mean), at.order(row.factors)

    return min(known, key=worse) if known else min(rows, key=lambda row: at.order(row.factors))


def _without_tuned(row: GroupRow, own: Values) -> GroupRow:
    def shown(rows: Sequence[TrialRow]) -> tuple[TrialRow, ...]:
        return tuple(replace(member, factors=own) for member in rows)

    return replace(row, factors=own, members=shown(row.members), counted=shown(row.counted))


def _grid_rows(grids: Mapping[Values, Sequence[GroupRow]], chosen: Chosen, at: _Positions) -> Iterator[GridRow]:
    for own, rows in grids.items():
        for row in sorted(rows, key=lambda row: at.order(row.factors)):
            values = at.of_tuned(row.factors)
            yield GridRow(own, values, row.metric, row.validation, row is chosen[own], row.collapses)


def _choices(grids: Mapping[Values, Sequence[GroupRow]], chosen: Chosen, at: _Positions) -> Iterator[Choice]:
    tried = {own: {at.of_tuned(row.factors) for row in rows if row.counted} for own, rows in grids.items()}
    unequal = len({frozenset(values) for values in tried.values()}) > 1
    for own, row in chosen.items():
        edges = (_edge(at, number, [values[number] for values in tried[own]]) for number in range(len(at.tuned)))
        values = at.of_tuned(row.factors)
        named = (at.factors[position] for position in at.tuned)
        at_edge = tuple(name for name, ends, value in zip(named, edges, values, strict=True) if value in ends)
        yield Choice(own, values, len(tried[own]), at_edge, unequal)


def _edge(at: _Positions, number: int, tried: Sequence[Value]) -> set[Value]:
    """Return the ends of what was tried of a setting; none where its values are no numbers, or one alone."""
    numbers = {value for value in tried if isinstance(value, int | float) and not isinstance(value, bool)}
    ordered = sorted(numbers, key=lambda value: rank(at.factors[at.tuned[number]], value))
    return {ordered[0], ordered[-1]} if len(ordered) > 1 else set()

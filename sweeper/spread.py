"""Where a group's spread comes from, when its seeds of weights and of the examples' order vary separately."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweeper.comparison import Comparison, GroupRow, TrialRow
from sweeper.factors import Value
from sweeper.variance import Components, complete_table, components


@dataclass(frozen=True)
class SpreadRow:
    """A group's variance by cause: rows of `components` are seeds, columns data seeds.

    `left_out` trials have no place in the complete grid.
    """

    factors: tuple[Value, ...]
    metric: str
    split: str
    seeds: int
    data_seeds: int
    components: Components
    left_out: int


def is_crossed(rows: Sequence[TrialRow]) -> bool:
    """Whether some trials share a seed under several data seeds, and some a data seed under several seeds."""
    cells = {(row.seed, row.data_seed) for row in rows}
    return all(len({cell[place] for cell in cells}) < len(cells) for place in (0, 1)) and all(
        len({cell[place] for cell in cells}) > 1 for place in (0, 1)
    )


def spread_rows(comparison: Comparison) -> Iterator[SpreadRow]:
    """Yield the split of each group whose seeds are crossed; none where a seed occurs twice with the same data seed."""
    for group in comparison.groups:
        if is_crossed(group.counted) and (row := spread_row(group, comparison.split)):
            yield row


def spread_row(group: GroupRow, split: str) -> SpreadRow | None:
    """Split the variance of one group's selection metric on a set; None where its grid is too small."""
    cells = {(row.seed, row.data_seed): row.value(split, row.metric) for row in group.counted}
    known = {key: value for key, value in cells.items() if value is not None and math.isfinite(value)}
    table = complete_table(known)
    if len(cells) < len(group.counted) or table is None:
        return None
    size = (len(table), len(table[0]))
    left_out = len(group.counted) - size[0] * size[1]
    return SpreadRow(group.factors, group.metric, split, *size, components(table), left_out)

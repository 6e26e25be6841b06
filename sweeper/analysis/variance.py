"""Variance by cause: how much of a spread comes from either of two crossed seeds, by two-way random effects."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sweeper.analysis.factors import Value
from sweeper.analysis.rows import Comparison, GroupRow

MOST_ENUMERATED = 10  # rows or columns, of which all choices are looked at


@dataclass(frozen=True)
class Components:
    """Variances of the rows' effect, the columns' and the rest; `negative` estimates, below 0, are shown as 0."""

    rows: float
    columns: float
    residual: float
    negative: tuple[str, ...]

    def shares(self) -> tuple[float, float, float] | None:
        """Share of rows, columns and residual in their sum; None where nothing varies."""
        total = self.rows + self.columns + self.residual
        return (self.rows / total, self.columns / total, self.residual / total) if total > 0 else None


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a complete table's rows, columns and the rest, and how many rows and columns it has."""

    rows: float
    columns: float
    residual: float
    height: int
    width: int


def mean_squares(table: Sequence[Sequence[float]]) -> MeanSquares:
    """Two-way ANOVA without replication, of a complete table [rows, columns]; at least two of each."""
    height, width = len(table), len(table[0])
    assert height > 1 and width > 1 and all(len(row) == width for row in table)
    center = statistics.fmean(value for row in table for value in row)
    of_rows = [statistics.fmean(row) - center for row in table]
    of_columns = [statistics.fmean(column) - center for column in zip(*table, strict=True)]
    left = math.fsum(
        (value - center - of_rows[i] - of_columns[j]) ** 2 for i, row in enumerate(table) for j, value in enumerate(row)
    )
    return MeanSquares(
        rows=width * math.fsum(effect**2 for effect in of_rows) / (height - 1),
        columns=height * math.fsum(effect**2 for effect in of_columns) / (width - 1),
        residual=left / ((height - 1) * (width - 1)),
        height=height,
        width=width,
    )


def components(table: Sequence[Sequence[float]]) -> Components:
    """Estimate the components of a complete table [rows, columns] with one value a cell, by ANOVA's method of moments.

    y_ij = μ + a_i + b_j + e_ij; the expected mean squares are σ² + J·σ_a² of I rows, σ² + I·σ_b² of J columns, and σ²
    of the residual with (I − 1)(J − 1) degrees of freedom (Searle, Casella and McCulloch 1992, Variance Components,
    chapter 4). Needs at least two rows and two columns.
    """
    found = mean_squares(table)
    estimates = {
        "rows": (found.rows - found.residual) / found.width,
        "columns": (found.columns - found.residual) / found.height,
    }
    negative = tuple(name for name, estimate in estimates.items() if estimate < 0)
    return Components(max(0.0, estimates["rows"]), max(0.0, estimates["columns"]), found.residual, negative)


def complete_table(cells: Mapping[tuple[int, int], float]) -> list[list[float]] | None:
    """Return the largest table without holes in (row, column) -> value; None without two rows and two columns.

    Of tables with as many cells the more square one, then the one of the earlier rows. Above `MOST_ENUMERATED` rows and
    columns what has the most holes is left out until none is left, which need not give the largest.
    """
    rows, columns = (list(dict.fromkeys(key[position] for key in cells)) for position in (0, 1))
    if min(len(rows), len(columns)) > MOST_ENUMERATED:
        kept = _without_holes(cells, rows, columns)
    elif len(rows) <= len(columns):
        kept = _largest(rows, columns, lambda row, column: (row, column) in cells)
    else:
        swapped = _largest(columns, rows, lambda column, row: (row, column) in cells)
        kept = swapped and (swapped[1], swapped[0])
    return kept and [[cells[row, column] for column in kept[1]] for row in kept[0]]


Sides = tuple[list[int], list[int]]


def _largest(few: Sequence[int], many: Sequence[int], has: Callable[[int, int], bool]) -> Sides | None:
    """Of all choices among the few the one that makes, with those of the many that have all of them, the most cells."""
    best: Sides | None = None
    size = (0, 0)
    for number in range(len(few), 1, -1):
        if number * len(many) <= size[0]:  # no smaller choice can make more
            break
        for chosen in combinations(few, number):
            common = [other for other in many if all(has(one, other) for one in chosen)]
            own = (number * len(common), min(number, len(common)))
            if len(common) > 1 and own > size:
                best, size = (list(chosen), common), own
    return best


def _without_holes(cells: Mapping[tuple[int, int], float], rows: list[int], columns: list[int]) -> Sides | None:
    """Leave out the row or column with the largest share of holes until there are none."""
    while len(rows) > 1 and len(columns) > 1:
        holes = {("row", row): sum((row, column) not in cells for column in columns) / len(columns) for row in rows}
        holes |= {("column", one): sum((row, one) not in cells for row in rows) / len(rows) for one in columns}
        worst = max(holes, key=holes.__getitem__)
        if not holes[worst]:
            return rows, columns
        (rows if worst[0] == "row" else columns).remove(worst[1])
    return None


@dataclass(frozen=True)
class SpreadRow:
    """A group's variance by cause: rows are seeds, columns data seeds; `left_out` trials are not in the grid."""

    factors: tuple[Value, ...]
    metric: str
    split: str
    seeds: int
    data_seeds: int
    components: Components
    left_out: int


def spread_rows(comparison: Comparison) -> Iterator[SpreadRow]:
    """Yield the split of each group whose seeds are crossed; none where a seed occurs twice with the same data seed."""
    for group in comparison.groups:
        if group.on(comparison.split).crossed and (row := _spread_row(group, comparison.split)):
            yield row


def _spread_row(group: GroupRow, split: str) -> SpreadRow | None:
    """Split the variance of one group's selection metric on a set; None where its grid is too small."""
    cells = {(row.seed, row.data_seed): row.on(split) for row in group.counted}
    known = {key: value for key, value in cells.items() if value is not None and math.isfinite(value)}
    table = complete_table(known)
    if len(cells) < len(group.counted) or table is None:
        return None
    size = (len(table), len(table[0]))
    left_out = len(group.counted) - size[0] * size[1]
    return SpreadRow(group.factors, group.metric, split, *size, components(table), left_out)

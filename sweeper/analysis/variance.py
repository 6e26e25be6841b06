"""Variance by cause: how much of a spread comes from either of two crossed seeds, by two-way random effects."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweeper.analysis.factors import Value
from sweeper.analysis.rows import Comparison, GroupRow, TrialRow


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


def components(table: Sequence[Sequence[float]]) -> Components:
    """Estimate the components of a complete table [rows, columns] with one value a cell, by ANOVA's method of moments.

    y_ij = μ + a_i + b_j + e_ij; the expected mean squares are σ² + J·σ_a² of I rows, σ² + I·σ_b² of J columns, and σ²
    of the residual with (I − 1)(J − 1) degrees of freedom (Searle, Casella and McCulloch 1992, Variance Components,
    chapter 4). Needs at least two rows and two columns.
    """
    height, width = len(table), len(table[0])
    assert height > 1 and width > 1 and all(len(row) == width for row in table)
    center = statistics.fmean(value for row in table for value in row)
    of_rows = [statistics.fmean(row) - center for row in table]
    of_columns = [statistics.fmean(column) - center for column in zip(*table, strict=True)]
    left = math.fsum(
        (value - center - of_rows[i] - of_columns[j]) ** 2 for i, row in enumerate(table) for j, value in enumerate(row)
    )
    residual = left / ((height - 1) * (width - 1))
    estimates = {
        "rows": (width * math.fsum(effect**2 for effect in of_rows) / (height - 1) - residual) / width,
        "columns": (height * math.fsum(effect**2 for effect in of_columns) / (width - 1) - residual) / height,
    }
    negative = tuple(name for name, estimate in estimates.items() if estimate < 0)
    return Components(max(0.0, estimates["rows"]), max(0.0, estimates["columns"]), residual, negative)


def complete_table(cells: Mapping[tuple[int, int], float]) -> list[list[float]] | None:
    """Leave out what has the most holes until (row, column) -> value has none; None without two rows and columns."""
    rows, columns = (list(dict.fromkeys(key[position] for key in cells)) for position in (0, 1))
    while len(rows) > 1 and len(columns) > 1:
        holes = {("row", row): sum((row, column) not in cells for column in columns) / len(columns) for row in rows}
        holes |= {("column", one): sum((row, one) not in cells for row in rows) / len(rows) for one in columns}
        worst = max(holes, key=holes.__getitem__)
        if not holes[worst]:
            return [[cells[row, column] for column in columns] for row in rows]
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


def _is_crossed(rows: Sequence[TrialRow]) -> bool:
    """Whether some trials share a seed under several data seeds, and some a data seed under several seeds."""
    cells = {(row.seed, row.data_seed) for row in rows}
    return all(1 < len({cell[position] for cell in cells}) < len(cells) for position in (0, 1))


def spread_rows(comparison: Comparison) -> Iterator[SpreadRow]:
    """Yield the split of each group whose seeds are crossed; none where a seed occurs twice with the same data seed."""
    for group in comparison.groups:
        if _is_crossed(group.counted) and (row := _spread_row(group, comparison.split)):
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

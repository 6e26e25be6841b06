"""A table of text cells, and the cells that all tables share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sweeper.analysis.rows import Comparison
from sweeper.report.text import heading, metric_name

Cells = tuple[str, ...]


@dataclass(frozen=True)
class TextTable:
    """A table of text; heads may have several lines; columns from number `numeric` on hold numbers.

    A block holds the rows of a group.
    """

    title: str
    heads: Cells
    numeric: int
    blocks: tuple[tuple[Cells, ...], ...]


def factor_heads(comparison: Comparison) -> Cells:
    """Heads of the columns that tell groups apart."""
    heads = tuple(heading(factor, comparison.factors) for factor in comparison.factors)
    return heads if len(comparison.metrics) == 1 else (*heads, "metric")


def metric_column(comparison: Comparison, metric: str, unit: str = "%") -> Cells:
    """Name of a row's metric, in a column of its own where a study has several."""
    return () if len(comparison.metrics) == 1 else (metric_name(metric, unit),)


def in_blocks(rows: Iterable[tuple[object, Cells]]) -> tuple[tuple[Cells, ...], ...]:
    """Put rows of the same key together."""
    blocks: dict[object, list[Cells]] = {}
    for key, cells in rows:
        blocks.setdefault(key, []).append(cells)
    return tuple(map(tuple, blocks.values()))

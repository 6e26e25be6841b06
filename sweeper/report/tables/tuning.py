"""Tables of what validation chose of tuned settings, of all that was tried, and of ranks over several data sets."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.blocks import RankRow, rank_rows
from sweeper.analysis.rows import Choice, Comparison, Grid, GridRow
from sweeper.report.tables.columns import factor_cells, group_rows
from sweeper.report.text import (
    Cells,
    TextTable,
    collapsed_text,
    heading,
    metric_name,
    metric_text,
    spread_text,
    value_text,
)


def tuning_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield what was chosen, and the whole grid, where settings are tuned."""
    if grid := comparison.grid:
        yield _choice_table(comparison, grid)
        yield _grid_table(comparison, grid)


def _heads(grid: Grid) -> Cells:
    return tuple(heading(name, grid.whole.factors) for name in grid.tuned)


def _choice_table(comparison: Comparison, grid: Grid) -> TextTable:
    def cells(row: Choice) -> Cells:
        edges = ", ".join(heading(name, grid.whole.factors) for name in row.at_edge)
        return (
            *factor_cells(comparison, row.factors),
            *("yes" if edges and len(grid.tuned) == 1 else edges or "no",),
            *map(value_text, row.values),
            str(row.tried),
        )

    heads = ("at the edge\nof its values", *_heads(grid), "values\ntried")
    rows = ((None, cells(row)) for row in grid.choices)
    return group_rows(comparison, "Chosen on validation", heads, rows, texts=1, metric=False)


def _grid_table(comparison: Comparison, grid: Grid) -> TextTable:
    def cells(row: GridRow) -> Cells:
        return (
            *factor_cells(comparison, row.factors),
            "chosen" if row.chosen else "",
            *map(value_text, row.values),
            spread_text(row.metric, row.validation),
            f"{row.validation.n}{collapsed_text(row)}",
        )

    name = metric_name(comparison.metrics[0]) if len(comparison.metrics) == 1 else ""
    heads = ("", *_heads(grid), f"validation\n{name}".rstrip(), "n")
    rows = ((row.factors, cells(row)) for row in grid.rows)
    return group_rows(comparison, "All values that were tried", heads, rows, texts=1, metric=False)


def rank_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield ranks over several data sets or tasks, where all that is compared was measured on each."""
    found = list(rank_rows(comparison))
    if not found:
        return

    def cells(row: RankRow) -> Cells:
        own = zip(comparison.roles.compared, row.compared, strict=True)
        names = (comparison.names.value(factor, value) for factor, value in own)
        return *names, metric_text("rank", row.mean_rank), str(row.wins), str(row.blocks)

    heads = tuple(heading(name, comparison.factors) for name in comparison.roles.compared)
    yield TextTable(
        title=f"Ranks by mean {comparison.split}: a description, no test",
        heads=(*heads, "mean rank", "first", "n"),
        numeric=len(heads),
        blocks=(tuple(map(cells, found)),),
    )

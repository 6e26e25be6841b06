"""Lines on how a group's seeds are related: crossed, shared, and what of its spread is of which."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.rows import Comparison
from sweeper.analysis.variance import spread_rows
from sweeper.report.text import group_label

GROUPS_NAMED = 4


def spread_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how the spread is parted by cause."""
    found = list(spread_rows(comparison))
    if not found:
        return
    yield (
        "Spread by cause: two-way random effects, ANOVA's method of moments; the rest is what seed and data seed do"
        " only together, and what neither fixes. So few values a cause make rough shares."
    )
    if any(row.components.negative for row in found):
        yield "<: the estimate was below 0, and 0 is shown."


def dependence_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which groups have no interval, as their trials share seeds."""
    split = comparison.split
    shared = [row for row in comparison.groups if not row.independent and row.on(split).crossed is None]
    if not shared:
        return
    named = ", ".join(group_label(comparison, row.factors) for row in shared[:GROUPS_NAMED])
    more = f" and {len(shared) - GROUPS_NAMED} more" if len(shared) > GROUPS_NAMED else ""
    yield (
        f"CAUTION, {named}{more}: some trials share a seed or a data seed, so that n counts more than are independent:"
        " no interval, p or number of seeds is given."
    )


def crossed_notes(comparison: Comparison) -> Iterator[str]:
    """Yield what holds of crossed seeds, and which trials have no place in a complete table."""
    found = [(row, row.on(comparison.split).crossed) for row in comparison.groups]
    if any(crossed for _, crossed in found):
        yield (
            "Crossed seeds: mean and interval are for new seeds and new data seeds, by two-way random effects of the"
            " largest table of seeds × data seeds without holes; there is no exact test of them."
        )
    for row, crossed in found:
        if crossed and crossed.left_out:
            yield (
                f"{group_label(comparison, row.factors)}: {crossed.left_out} done trials have no place in its table of"
                f" {crossed.seeds} × {crossed.data_seeds}, and no part in its mean, interval, spread and comparisons"
            )

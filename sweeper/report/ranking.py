"""Groups by their means, the better first, apart for each block: data and tasks are compared within, never across."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import Summary
from sweeper.report.tables.columns import columns
from sweeper.report.text import (
    Cells,
    TextTable,
    counted_text,
    factor_labels,
    interval_name,
    interval_text,
    metric_name,
    metric_text,
    telling_labels,
    varying,
)
from sweeper.trial.metrics import METRICS

OF_BLOCKS = ("data", "task")  # factors, and what their settings' names begin with
CONTENT_OF_BLOCKS = "digests.data"


@dataclass(frozen=True)
class Ranking:
    """The groups of one block with a mean in a metric, the best first; `block` says which it is, if there are several.

    `labels` tell the groups apart within the block.
    """

    block: str
    metric: str
    groups: tuple[GroupRow, ...]
    labels: tuple[str, ...]


def rankings(comparison: Comparison) -> list[Ranking]:
    """Return a ranking for each block and metric, in the order of the groups."""
    factors = comparison.factors
    telling = varying(factors, [row.factors for row in comparison.groups])
    of_block = [position for position, name in enumerate(factors) if name in telling and _tells_blocks(name)]
    blocks: dict[tuple[str, str], list[GroupRow]] = {}
    for row in comparison.groups:
        metric = columns(comparison).instead or row.metric
        mean = measured(comparison, row, metric).mean
        if row.counted and mean is not None:
            texts = factor_labels(factors, row.factors)
            blocks.setdefault((" ".join(texts[position] for position in of_block), metric), []).append(row)
    left_out = [factors[position] for position in of_block]
    return [_ranking(comparison, block, metric, rows, left_out) for (block, metric), rows in blocks.items()]


def _ranking(
    comparison: Comparison, block: str, metric: str, rows: Sequence[GroupRow], left_out: Sequence[str]
) -> Ranking:
    sign = -1 if greater_is_better(rows[0], metric) else 1

    def place(row: GroupRow) -> tuple[bool, float]:
        mean = measured(comparison, row, metric).mean
        return (True, 0.0) if mean is None or math.isnan(mean) else (False, sign * mean)

    ranked = sorted(rows, key=place)
    labels = telling_labels(comparison.factors, [row.factors for row in rows], left_out)
    return Ranking(block, metric, tuple(ranked), tuple(labels[row.factors] for row in ranked))


def _tells_blocks(factor: str) -> bool:
    return factor == CONTENT_OF_BLOCKS or factor.partition(".")[0] in OF_BLOCKS


def greater_is_better(row: GroupRow, metric: str) -> bool:
    """Which way a metric is better: as declared, else as the task says of the one that selects."""
    if metric in METRICS:
        return METRICS[metric].greater_is_better
    return bool(row.configs[0]["task"]["greater_is_better"])


def measured(comparison: Comparison, row: GroupRow, metric: str) -> Summary:
    """Return a group's summary on the set that groups are compared on; an empty one where it was not measured."""
    found = row.on(comparison.split, metric)
    return found if isinstance(found, Summary) else Summary(0, None, None)


def ranking_tables(comparison: Comparison) -> list[TextTable]:
    """Return a table a ranking of two groups or more."""
    return [_table(comparison, item) for item in rankings(comparison) if len(item.groups) > 1]


def _table(comparison: Comparison, ranking: Ranking) -> TextTable:
    first = measured(comparison, ranking.groups[0], ranking.metric).mean

    def cells(label: str, row: GroupRow) -> Cells:
        summary = measured(comparison, row, ranking.metric)
        behind = None if first is None or summary.mean is None else summary.mean - first
        return (
            label,
            f"{metric_text(ranking.metric, summary.mean, summary.mean)} {interval_text(ranking.metric, summary)}",
            metric_text(ranking.metric, behind, first),
            counted_text(row),
        )

    name = metric_name(ranking.metric)
    heads = ("group", f"{name}\n[{interval_name()}]", "to the\nfirst", "n")
    title = f"Ranking by mean {comparison.split} {name}" + (f", {ranking.block}" if ranking.block else "")
    return TextTable(title, heads, 1, (tuple(map(cells, ranking.labels, ranking.groups)),))

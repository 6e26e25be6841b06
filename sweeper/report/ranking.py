"""Groups by their means, the better first, apart for each block: data and tasks are compared within, never across."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.analysis.contents import Value
from sweeper.analysis.majority import ACCURACY, majority_of
from sweeper.analysis.pairs import block_of
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import Summary
from sweeper.report.tables.columns import columns
from sweeper.report.text import (
    MAJORITY,
    UNKNOWN,
    Cells,
    TextTable,
    counted_text,
    interval_name,
    interval_text,
    metric_name,
    metric_text,
    telling_labels,
)
from sweeper.trial.metrics import METRICS


@dataclass(frozen=True)
class Ranking:
    """The groups of one block with a mean in a metric, the best first; `block` says which it is, if there are several.

    `labels` tell the groups apart within the block.
    """

    block: str
    metric: str
    groups: tuple[GroupRow, ...]
    labels: tuple[str, ...]

    def majority(self, split: str) -> float | None:
        """What always answering a set's most frequent class reaches; None where it is not known, or no accuracy."""
        return majority_of(self.groups).get(split) if self.metric == ACCURACY else None


def rankings(comparison: Comparison) -> list[Ranking]:
    """Return a ranking for each block and metric, in the order of the groups."""
    found: dict[tuple[tuple[Value, ...], str], list[GroupRow]] = {}
    for row in comparison.groups:
        metric = columns(comparison).instead or row.metric
        if row.counted and measured(comparison, row, metric).mean is not None:
            found.setdefault((block_of(comparison, row), metric), []).append(row)
    several = len({values for values, _ in found}) > 1
    return [
        _ranking(comparison, _block_name(comparison, values) if several else "", metric, rows)
        for (values, metric), rows in found.items()
    ]


def _block_name(comparison: Comparison, values: Sequence[Value]) -> str:
    texts = map(comparison.names.label, comparison.roles.blocks, values)
    return " ".join(filter(None, texts))


def _ranking(comparison: Comparison, block: str, metric: str, rows: Sequence[GroupRow]) -> Ranking:
    sign = -1 if greater_is_better(rows[0], metric) else 1

    def place(row: GroupRow) -> tuple[bool, float]:
        mean = measured(comparison, row, metric).mean
        return (True, 0.0) if mean is None or math.isnan(mean) else (False, sign * mean)

    ranked = sorted(rows, key=place)
    labels = telling_labels(comparison.names, [row.factors for row in rows], comparison.roles.blocks)
    return Ranking(block, metric, tuple(ranked), tuple(labels[row.factors] for row in ranked))


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
    blocks = [tuple(map(cells, ranking.labels, ranking.groups))]
    if (share := ranking.majority(comparison.split)) is not None:
        behind = metric_text(ranking.metric, None if first is None else share - first)
        blocks.append(((MAJORITY, metric_text(ranking.metric, share), behind, UNKNOWN),))
    return TextTable(title, heads, 1, tuple(blocks))

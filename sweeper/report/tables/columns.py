"""The columns that tables share: what tells groups apart, and the numbers of the metrics that must be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.analysis.factors import Value
from sweeper.analysis.pairs import PairRow
from sweeper.analysis.rows import SETS, Comparison, MeasuredRow
from sweeper.data.facts import read_facts
from sweeper.report.data_text import uneven
from sweeper.report.text import Cells, TextTable, heading, metric_name
from sweeper.trial.metrics import METRICS, Shown


@dataclass(frozen=True)
class Columns:
    """The columns of numbers: for each set the selection metric, or another `instead`, then `more` beside it."""

    own: str  # name of the selection metric; empty where a study has several, which a column of its own then names
    more: tuple[str, ...]
    sets: tuple[str, ...]
    instead: str = ""

    def heads(self, unit: str = "%") -> Cells:
        """Heads, of several lines so that the table stays narrow; `unit` is that of shares."""
        names = [metric_name(name, unit) for name in (self.instead or self.own, *self.more)]
        if self.more:
            names = [name.replace(" (", "\n(") for name in names]  # the unit
        return tuple(f"{split}\n{name}".rstrip() for split in self.sets for name in names)

    def of(self, row: MeasuredRow) -> Iterator[tuple[str, Any]]:
        """Yield metric and value (of a trial), summary (of several) or difference a column; None: not measured."""
        for split in self.sets:
            for name in (self.instead or row.metric, *self.more):
                yield name, row.on(split, name)


def columns(comparison: Comparison) -> Columns:
    """Choose the columns that a comparison needs, of what was measured."""
    known = (read_facts(data.facts) for data in comparison.data)
    shown = {Shown.ALWAYS, Shown.UNEVEN} if any(facts and uneven(facts) for facts in known) else {Shown.ALWAYS}
    more = [name for name, metric in METRICS.items() if name in comparison.others and metric.shown in shown]
    # With the answers' metrics beside it the loss is shown by its exponential alone: tables would be too wide.
    by_perplexity = comparison.metrics == ("loss",) and {"perplexity", "exact_match"} <= set(more)
    if by_perplexity:
        more.remove("perplexity")
    return Columns(
        own=comparison.metrics[0] if len(comparison.metrics) == 1 else "",
        more=tuple(more),
        sets=SETS if comparison.tested else SETS[:1],
        instead="perplexity" if by_perplexity else "",
    )


def group_rows(
    comparison: Comparison,
    title: str,
    heads: Cells,
    rows: Iterable[tuple[object, Cells]],
    *,
    texts: int = 0,
    metric: bool = True,
) -> TextTable:
    """A table whose rows begin with what tells groups apart, then so many `texts`; rows of one key make a block."""
    own = [heading(factor, comparison.factors) for factor in comparison.factors]
    if metric and len(comparison.metrics) > 1:
        own.append("metric")
    blocks: dict[object, list[Cells]] = {}
    for key, cells in rows:
        blocks.setdefault(key, []).append(cells)
    return TextTable(title, (*own, *heads), len(own) + texts, tuple(map(tuple, blocks.values())))


def group_cells(comparison: Comparison, factors: Sequence[Value], metric: str, unit: str = "%") -> Cells:
    """Cells that tell a row's group."""
    return *factor_cells(comparison, factors), *metric_cells(comparison, metric, unit)


def factor_cells(comparison: Comparison, factors: Sequence[Value]) -> Cells:
    """A cell a factor; of a path the end that tells it from others."""
    return tuple(map(comparison.names.value, comparison.factors, factors))


def pair_cells(comparison: Comparison, row: PairRow, metric: str) -> Cells:
    """Cells that tell a pair of groups: both values of the factor that varies, as in "pt − rd"."""
    texts = dict(zip(comparison.factors, factor_cells(comparison, row.factors), strict=True))
    texts[row.factor] = " − ".join(comparison.names.value(row.factor, value) for value in (row.first, row.second))
    return *texts.values(), *metric_cells(comparison, metric, "points")


def metric_cells(comparison: Comparison, metric: str, unit: str = "%") -> Cells:
    """A cell that names the metric, where a study has several that select."""
    return () if len(comparison.metrics) == 1 else (metric_name(metric, unit),)

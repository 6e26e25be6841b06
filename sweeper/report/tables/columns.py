"""Which numbers the tables show: the selection metric, and what must stand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sweeper.analysis.pairs import DifferenceRow
from sweeper.analysis.rows import Comparison, EpochRow, GroupRow, TrialRow
from sweeper.report.data_text import read_facts, uneven
from sweeper.report.text import metric_name
from sweeper.trial.metrics import METRICS, Shown


@dataclass(frozen=True)
class Columns:
    """The columns of numbers: for each set the selection metric, or another `instead`, then the metrics `beside` it."""

    own: str  # name of the selection metric; empty where a study has several, which a column of its own then names
    beside: tuple[str, ...]
    sets: tuple[str, ...]
    instead: str = ""

    def heads(self, unit: str = "%") -> tuple[str, ...]:
        """Heads, of several lines so that the table stays narrow; `unit` is that of shares."""
        names = [metric_name(name, unit) for name in (self.instead or self.own, *self.beside)]
        if self.beside:
            names = [name.replace(" (", "\n(") for name in names]  # the unit
        return tuple(f"{split}\n{name}".rstrip() for split in self.sets for name in names)

    def of(self, row: TrialRow | EpochRow | GroupRow | DifferenceRow) -> Iterator[tuple[str, Any]]:
        """Yield metric and value (of a trial), summary (of several) or difference a column; None: not measured."""
        for split in self.sets:
            for name in (self.instead or row.metric, *self.beside):
                values = row if name == row.metric else row.others.get(name)
                yield name, getattr(values, split, None)


def columns(comparison: Comparison) -> Columns:
    """Choose the columns that a comparison needs, of what was measured."""
    known = (read_facts(data.facts) for data in comparison.data)
    shown = {Shown.ALWAYS, Shown.UNEVEN} if any(facts and uneven(facts) for facts in known) else {Shown.ALWAYS}
    beside = [name for name, metric in METRICS.items() if name in comparison.others and metric.shown in shown]
    # With the answers' metrics beside it the loss is shown by its exponential alone: tables would be too wide.
    by_perplexity = comparison.metrics == ("loss",) and {"perplexity", "exact_match"} <= set(beside)
    if by_perplexity:
        beside.remove("perplexity")
    return Columns(
        own=comparison.metrics[0] if len(comparison.metrics) == 1 else "",
        beside=tuple(beside),
        sets=("validation", "test") if comparison.tested else ("validation",),
        instead="perplexity" if by_perplexity else "",
    )

"""Which numbers the tables show: the selection metric, and what must stand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sweeper.analysis.pairs import DifferenceRow
from sweeper.analysis.rows import Comparison, EpochRow, GroupRow, TrialRow
from sweeper.data.facts import read_facts
from sweeper.report.data_text import uneven
from sweeper.report.text import metric_name

# Of classes that are many or unbalanced each of these hides what the other shows.
FOR_UNEVEN_CLASSES = ("accuracy", "macro_f1")
ALWAYS = ("perplexity",)
# Of answers; with these beside it, the loss is shown by its exponential alone: tables would be too wide otherwise.
OF_ANSWERS = ("exact_match", "token_f1")


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
    wanted = FOR_UNEVEN_CLASSES if any(facts and uneven(facts) for facts in known) else ()
    others = comparison.others
    by_perplexity = comparison.metrics == ("loss",) and {"perplexity", *OF_ANSWERS} <= set(others)
    beside = OF_ANSWERS if by_perplexity else (*wanted, *ALWAYS, *OF_ANSWERS)
    return Columns(
        own=comparison.metrics[0] if len(comparison.metrics) == 1 else "",
        beside=tuple(name for name in beside if name in others),
        sets=("validation", "test") if comparison.tested else ("validation",),
        instead="perplexity" if by_perplexity else "",
    )

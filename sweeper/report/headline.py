"""What stands first in a report: the question that a comparison asks, and the verdict; words that others only show."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.rows import Comparison
from sweeper.report.notes import pending
from sweeper.report.ranking import Ranking, measured, rankings
from sweeper.report.sentences import sentences
from sweeper.report.text import heading, interval_name, interval_text, metric_text, printable, varying
from sweeper.trial.metrics import is_share
from sweeper.trial.outcome import Status


def question(comparison: Comparison) -> str:
    """Return what the comparison asks, from what varies in it."""
    found = rankings(comparison)
    if not found:
        return "What do the trials measure?"
    measure = f"mean {comparison.split} {printable(found[0].metric)}"
    sizes = {len(item.groups) for item in found}
    within = ", on each of its own" if len(found) > 1 else ""
    if sizes == {1}:
        return f"What {measure} does it reach?" if len(found) == 1 else f"What {measure} is reached{within}?"
    telling = varying(comparison.factors, [row.factors for row in found[0].groups])
    varied = [heading(name, comparison.factors) for name in comparison.factors if name in telling]
    names = " and ".join(filter(None, [", ".join(varied[:-1]), varied[-1]]))
    if sizes == {2}:
        both = sorted(found[0].labels)
        return f"{both[0]} or {both[1]}: which has the better {measure}{within}?"
    return f"Which {names} has the best {measure} of {max(sizes)} groups{within}?"


def verdict(comparison: Comparison) -> list[str]:
    """Return the answer, a sentence a block; the records' state where there is none yet."""
    if not any(row.status == Status.DONE for row in comparison.trials):
        return [f"Nothing is done yet: {pending(comparison)}."]
    said = sentences(comparison)
    found = rankings(comparison)
    if len(found) == 1 and len(found[0].groups) == 2 and said:
        return said[:1]
    return list(_leading(comparison, found))


def _leading(comparison: Comparison, found: list[Ranking]) -> Iterator[str]:
    """Yield what has the best mean of each block, which says nothing of how sure that is."""
    for item in found:
        own = measured(comparison, item.groups[0], item.metric)
        unit = " %" if is_share(item.metric) else ""
        name = f"{comparison.split} {printable(item.metric)}"
        value = f"{metric_text(item.metric, own.mean, own.mean)}{unit}"
        interval = f", {interval_name()} {interval_text(item.metric, own)}" if own.low is not None else ""
        where = f"{item.block}: " if item.block else ""
        if len(item.groups) == 1:
            yield f"{where}{item.labels[0]} has mean {name} {value}{interval}; n = {own.n}."
        else:
            yield (
                f"{where}{item.labels[0]} has the best mean {name} of {len(item.groups)} groups,"
                f" {value}{interval}; n = {own.n}."
            )

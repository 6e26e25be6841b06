"""Lines on trials that learned nothing: how many of each group, and the group's mean without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.majority import ACCURACY, majority_rows
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import mean
from sweeper.report.tables.columns import columns
from sweeper.report.text import MAJORITY, group_label, metric_text, printable
from sweeper.trial.metrics import is_share

GROUPS_NAMED = 12


def collapse_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how many trials of each group have collapsed, and its mean without them."""
    found = [row for row in comparison.groups if row.collapsed]
    yield from (_note(comparison, row) for row in found[:GROUPS_NAMED])
    if len(found) > GROUPS_NAMED:
        yield f"{len(found) - GROUPS_NAMED} more groups have such trials: the table of groups counts them beside n."


def majority_notes(comparison: Comparison) -> Iterator[str]:
    """Yield what the majority class is, where a table has it."""
    shown = columns(comparison)
    if any(value is not None for row in majority_rows(comparison) for _, value in shown.of(row)):
        yield f"{MAJORITY}: what is reached by always answering the class that is the most frequent in the set."


def _note(comparison: Comparison, row: GroupRow) -> str:
    split, metric = comparison.split, columns(comparison).instead or row.metric
    left = [value for trial in row.counted if not trial.collapse and (value := trial.on(split, metric)) is not None]
    without = metric_text(metric, mean(left)) + (" %" if is_share(metric) else "")
    they, them = ("they count", "them") if len(row.collapsed) > 1 else ("it counts", "it")
    rest = f"mean {split} {printable(metric)} {without} (n = {len(left)})" if left else "no trial is left"
    return f"{_collapsed(comparison, row)}: {they}. Without {them}: {rest}."


def _collapsed(comparison: Comparison, row: GroupRow) -> str:
    """Say how many trials have collapsed, each by what: "2 of 3 trials of rd are at chance on validation (…)"."""
    counts = Counter(row.collapses)
    number = len(row.counted)
    of = f"of {number} trial{'s' * (number > 1)} of {group_label(comparison, row.factors)}"
    present = [by for by in Collapse if counts[by]]
    parts = zip(present, [of, *(f"of {number}" for _ in present[1:])], strict=True)
    return ", ".join(f"{counts[by]} {among} {_by(by, counts[by] > 1, row)}" for by, among in parts)


def _by(collapse: Collapse, several: bool, row: GroupRow) -> str:
    if collapse is Collapse.LOSS:
        return "ended with a loss that is not finite"
    if collapse is Collapse.ONE_CLASS:
        return f"predict{'s' * (not several)} one class alone on validation"
    share = row.majority.get("validation")
    known = "" if share is None else f", {metric_text(ACCURACY, share)} %"
    return f"{'are' if several else 'is'} at chance on validation (accuracy no better than the {MAJORITY}{known})"

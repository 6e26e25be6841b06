"""The majority class's line in a figure of accuracies: where it lies, and what the caption says of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from sweeper.analysis.majority import ACCURACY, majority_of
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.report.text import MAJORITY, Group, metric_text

REACH = 0.1


def majority_lines(rows: Sequence[GroupRow], metric: str, splits: Sequence[str]) -> dict[str, float]:
    """Return what always answering each set's most frequent class reaches; of accuracies, where one is all groups'."""
    known = majority_of(rows) if metric == ACCURACY else {}
    return {split: known[split] for split in splits if split in known}


def panel_majority(comparison: Comparison, groups: Collection[Group], metric: str, split: str) -> float | None:
    """Return the same of some groups on one set; None: no line."""
    return majority_lines([row for row in comparison.groups if row.factors in groups], metric, (split,)).get(split)


def in_reach(shares: Iterable[float], values: Iterable[float | None]) -> bool:
    """Whether lines at these shares leave the values room: an axis gets at most twice as long, or by `REACH` longer."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return True
    low, high = min(finite), max(finite)
    reach = max(high - low, REACH)
    return all(low - reach <= share <= high + reach for share in shares)


def majority_caption(shares: Mapping[str, Sequence[float]], drawn: bool) -> str:
    """Say what the dashed line is and where it lies on each set; empty where there is none."""
    texts = {split: " or ".join(f"{metric_text(ACCURACY, share)} %" for share in own) for split, own in shares.items()}
    said = ", ".join(f"{text} on {split}" for split, text in texts.items() if text)
    line, where = ("Dashed line: ", "") if drawn else ("", "; it is too far away to be drawn")
    what = f"{line}{MAJORITY}, what always answering the most frequent class reaches"
    return f"{what[0].upper()}{what[1:]}: {said}{where}." if said else ""

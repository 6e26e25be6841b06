"""What the figures of groups and of their differences show, as plain values; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sweeper.analysis.differences import DifferenceRow, difference_rows
from sweeper.analysis.estimates import MeanDifference
from sweeper.analysis.names import Names
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import CONFIDENCE, Summary
from sweeper.report.figures.majority import in_reach, majority_caption, majority_lines
from sweeper.report.figures.styles import NEUTRAL, Style, group_styles
from sweeper.report.ranking import rankings
from sweeper.report.text import collapsed_text, metric_name, sizes_text, telling_labels, varying

ROWS_DRAWN = 40
HEADLINE = "headline"  # how the names of such figures begin
PERCENT = f"{100 * CONFIDENCE:.0f} %"


@dataclass(frozen=True)
class Interval:
    """A mean, the bounds of its interval (None: it has none), and the single values that it is the mean of.

    `collapsed` are the positions of those whose trials learned nothing.
    """

    mean: float
    low: float | None
    high: float | None
    n: str
    values: tuple[float, ...] = ()
    collapsed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class IntervalFigure:
    """Rows of means with intervals: `columns` holds, by set, an interval a label; None where nothing is known.

    `majority`: what always answering a set's most frequent class reaches, where that is one for all rows.
    """

    name: str
    title: str
    signs: str  # how to read it
    metric: str
    unit: str
    from_zero: bool  # the sign matters: zero is marked
    labels: tuple[str, ...]
    styles: tuple[Style, ...]  # of the rows
    columns: Mapping[str, tuple[Interval | None, ...]]
    majority: Mapping[str, float] = field(default_factory=dict)

    @property
    def axis(self) -> str:
        """Label of the horizontal axis."""
        return metric_name(self.metric, self.unit)

    @property
    def majority_drawn(self) -> bool:
        """Whether the majority class is near enough for a line."""
        known = [one for column in self.columns.values() for one in column[:ROWS_DRAWN] if one]
        values = (value for one in known for value in (one.mean, one.low, one.high, *one.values))
        return bool(self.majority) and in_reach(self.majority.values(), values)

    @property
    def caption(self) -> str:
        """How to read it, and what it leaves out."""
        majority = majority_caption({split: [share] for split, share in self.majority.items()}, self.majority_drawn)
        collapsed = any(interval and interval.collapsed for column in self.columns.values() for interval in column)
        hollow = "Hollow: trials that learned nothing." * collapsed
        signs = " ".join(filter(None, [self.signs, hollow, majority]))
        if len(self.labels) <= ROWS_DRAWN:
            return signs
        return f"{signs} The first {ROWS_DRAWN} of {len(self.labels)} rows are drawn; all values are in the CSV."


def headline_figures(comparison: Comparison, metric: str) -> list[IntervalFigure]:
    """Return a figure a block of every group's trials and mean on the set that groups are compared on, best first."""
    groups = [row.factors for row in comparison.groups if row.counted]
    styles, split = group_styles(comparison.factors, groups, comparison.roles.blocks), comparison.split
    return [
        IntervalFigure(
            name=f"{HEADLINE}_{metric}" + (f"_{number}" if number else ""),
            title=f"{split.capitalize()} {metric_name(metric)} of every trial"
            + (f", {found.name}" if found.name else ""),
            signs=f"Dots: single trials at their best epochs. Marks: mean over seeds, with its {PERCENT} interval"
            f"{_for_texts(comparison)}. The best mean is first.",
            metric=metric,
            unit="%",
            from_zero=False,
            labels=tuple(
                f"{label} (n = {row.on(split, metric).n}{collapsed_text(row, ', ', '')})"
                for label, row in zip(found.labels, found.groups, strict=True)
            ),
            styles=tuple(styles[row.factors] for row in found.groups),
            columns={split: tuple(_group_interval(row, metric, split) for row in found.groups)},
            majority=majority_lines(found.groups, metric, (split,)),
        )
        for number, found in enumerate(item for item in rankings(comparison) if item.metric == metric)
    ]


def _for_texts(comparison: Comparison) -> str:
    """What a caption says of intervals for new texts."""
    some = any(row.on(comparison.split).over_texts for row in comparison.groups)
    return f", which on {comparison.split} holds for new texts, too" * some


def group_figure(comparison: Comparison, metric: str, splits: Sequence[str]) -> IntervalFigure:
    """Return every group's trials, mean and interval at each trial's best epoch."""
    rows = [row for row in comparison.groups if row.counted]
    groups = [row.factors for row in rows]
    return IntervalFigure(
        name=f"groups_{metric}",
        title=f"Groups at each trial's best epoch: {metric_name(metric)}",
        signs=f"Small marks: single trials. Large marks: mean over seeds, with its {PERCENT} interval"
        f"{_for_texts(comparison)}.",
        metric=metric,
        unit="%",
        from_zero=False,
        labels=tuple(
            f"{label}{collapsed_text(row)}".strip()
            for label, row in zip(telling_labels(comparison.names, groups).values(), rows, strict=True)
        ),
        styles=tuple(group_styles(comparison.factors, groups, comparison.roles.blocks).values()),
        columns={split: tuple(_group_interval(row, metric, split) for row in rows) for split in splits},
        majority=majority_lines(rows, metric, splits),
    )


def _group_interval(row: GroupRow, metric: str, split: str) -> Interval | None:
    summary: Summary | None = row.on(split, metric)
    if summary is None or summary.mean is None:
        return None
    known = [(trial, value) for trial in row.counted if (value := trial.on(split, metric)) is not None]
    values = tuple(value for _, value in known)
    collapsed = frozenset(number for number, (trial, _) in enumerate(known) if trial.collapse)
    return Interval(summary.mean, summary.low, summary.high, str(summary.n), values, collapsed)


def difference_figure(comparison: Comparison, metric: str, splits: Sequence[str]) -> IntervalFigure:
    """Return what groups that differ in one factor differ by, with intervals."""
    rows = list(difference_rows(comparison))
    telling = varying(comparison.factors, [row.factors for row in comparison.groups])
    return IntervalFigure(
        name=f"differences_{metric}",
        title=f"Differences between groups that differ in one setting: {metric_name(metric, 'points')}",
        signs=f"Marks: first mean − second mean, with its {PERCENT} interval{_for_texts(comparison)}. An interval"
        " across the line at 0 leaves the sign open.",
        metric=metric,
        unit="points",
        from_zero=True,
        labels=tuple(_difference_label(comparison.names, row, telling) for row in rows),
        styles=(NEUTRAL,) * len(rows),
        columns={split: tuple(_difference_interval(row, metric, split) for row in rows) for split in splits},
    )


def _difference_interval(row: DifferenceRow, metric: str, split: str) -> Interval | None:
    found: MeanDifference | None = row.on(split, metric)
    if found is None:
        return None
    return Interval(found.difference, found.low, found.high, sizes_text(found))


def _difference_label(names: Names, row: DifferenceRow, telling: Collection[str]) -> str:
    """Name a difference by both values, then by what the groups have in common where that varies in the study."""
    texts = dict(zip(names.factors, names.labels(row.factors), strict=True))
    both = f"{names.label(row.factor, row.first)} − {names.value(row.factor, row.second)}"
    common = [text for factor, text in texts.items() if factor in telling and factor != row.factor and text]
    return f"{both} ({', '.join(common)})" if common else both

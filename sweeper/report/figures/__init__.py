"""The figures of a comparison, and the data of each as rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

from sweeper.analysis.rows import Comparison
from sweeper.report.csv_file import csv_cell
from sweeper.report.figures.curves import CurveFigure, curve_figure
from sweeper.report.figures.intervals import IntervalFigure, difference_figure, group_figure, headline_figures
from sweeper.report.figures.tuning import TuningFigure, TuningLine, tuning_figure
from sweeper.report.tables.columns import columns
from sweeper.report.text import MAJORITY

Figure = CurveFigure | IntervalFigure | TuningFigure
Row = tuple[str | int | float | None, ...]


def figures(comparison: Comparison) -> list[Figure]:
    """Return the figures of a comparison in the order of the page; none before a trial is done.

    For each selection metric, or what is shown instead: every trial and group at the best epochs, groups on
    both sets, their differences, validation by tuned settings, then test per epoch and validation per epoch by
    framework. Needs scipy.
    """
    found: list[Figure] = []
    for metric in comparison.metrics:
        part = _selected_by(comparison, metric)
        shown = columns(part).instead or metric
        splits = columns(part).sets
        curves = [curve_figure(part, shown, split, ("framework",) * (split == "validation")) for split in splits[::-1]]
        found += [
            *headline_figures(part, metric),
            group_figure(part, shown, splits),
            difference_figure(part, shown, splits),
            *([tuning_figure(part, part.grid, metric)] if part.grid else []),
            *curves,
        ]
    return [figure for figure in found if not _is_empty(figure)]


def _is_empty(figure: Figure) -> bool:
    if isinstance(figure, CurveFigure):
        return not figure.epochs
    if isinstance(figure, TuningFigure):
        return len(figure.values) < 2 or not any(point.is_drawn for line in figure.lines for point in line.points)
    return not any(row for rows in figure.columns.values() for row in rows)


def _selected_by(comparison: Comparison, metric: str) -> Comparison:
    return replace(
        comparison,
        trials=tuple(row for row in comparison.trials if row.metric == metric),
        epochs=tuple(row for row in comparison.epochs if row.metric == metric),
        groups=tuple(row for row in comparison.groups if row.metric == metric),
    )


def figure_csv(figure: Figure) -> str:
    """Return all that a figure stands for as CSV; numbers as recorded (shares of 1), empty where not known.

    Curves: factors, trial, seed, data_seed, epoch, value, sd, n. Rows without a trial hold a group's mean, its sample
    standard deviation and n, those whose trial is "published" a mean that a reference reports, those whose trial is
    "majority class" what answering it reaches at any epoch. Intervals: row, set, kind ("mean", "value" of a single
    trial, "line" of the majority class), value, low, high, n. Tuning: factors, tuned settings, trial, seed, data_seed,
    value, sd, n, chosen; rows without a trial hold a group's mean.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([csv_cell(cell) for cell in row] for row in _rows(figure))
    return buffer.getvalue()


def _rows(figure: Figure) -> Iterator[Row]:
    if isinstance(figure, CurveFigure):
        return _curve_rows(figure)
    return _tuning_rows(figure) if isinstance(figure, TuningFigure) else _interval_rows(figure)


def _curve_rows(figure: CurveFigure) -> Iterator[Row]:
    yield (*figure.factors, "trial", "seed", "data_seed", "epoch", "value", "sd", "n")
    for series, majority in ((own, panel.majority) for panel in figure.panels for own in panel.series):
        for line in series.lines:
            own = (*series.group, line.trial, line.seed, line.data_seed)
            yield from ((*own, epoch, value, None, None) for epoch, value in sorted(line.values.items()))
        for epoch, summary in sorted(series.epochs.items()):
            yield (*series.group, None, None, None, epoch, summary.mean, summary.sd, summary.n)
        for epoch, mean in sorted(series.published.items()):
            yield (*series.group, "published", None, None, epoch, mean, None, None)
        if majority is not None:
            yield (*series.group, MAJORITY, None, None, None, majority, None, None)


def _interval_rows(figure: IntervalFigure) -> Iterator[Row]:
    yield ("row", "set", "kind", "value", "low", "high", "n")
    for split, intervals in figure.columns.items():
        for label, interval in zip(figure.labels, intervals, strict=True):
            if interval:
                yield (label, split, "mean", interval.mean, interval.low, interval.high, interval.n)
                yield from ((label, split, "value", value, None, None, None) for value in interval.values)
    yield from ((MAJORITY, split, "line", share, None, None, None) for split, share in figure.majority.items())


def _tuning_rows(figure: TuningFigure) -> Iterator[Row]:
    yield (*figure.factors, *figure.tuned, "trial", "seed", "data_seed", "value", "sd", "n", "chosen")
    for line in figure.lines:
        yield from _line_rows(line)


def _line_rows(line: TuningLine) -> Iterator[Row]:
    for point in line.points:
        own, chosen = (*line.group, point.value, *line.others), "yes" if point.chosen else None
        yield from (
            (*own, row.name, row.seed, row.data_seed, row.validation, None, None, chosen) for row in point.trials
        )
        summary = point.validation
        yield (*own, None, None, None, summary.mean, summary.sd, summary.n, chosen)

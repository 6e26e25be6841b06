"""A figure's data as a table beside it: all that is drawn, in the figure's units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweeper.analysis.statistics import summarize
from sweeper.report.figures import Figure
from sweeper.report.figures.curves import CurveFigure, Series
from sweeper.report.figures.intervals import ROWS_DRAWN, Interval, IntervalFigure
from sweeper.report.figures.tuning import TuningFigure, TuningLine
from sweeper.report.text import MAJORITY, UNKNOWN, Cells, TextTable, heading, metric_text, printable, value_text

EPOCHS_SHOWN = 40
NOTHING = summarize([])


def figure_table(figure: Figure) -> TextTable:
    """Return what a figure draws."""
    if isinstance(figure, CurveFigure):
        return _curve_table(figure)
    return _tuning_table(figure) if isinstance(figure, TuningFigure) else _interval_table(figure)


def _curve_table(figure: CurveFigure) -> TextTable:
    epochs = _spread(figure.epochs, EPOCHS_SHOWN)
    with_panel = any(panel.title for panel in figure.drawn)
    blocks = []
    for panel in figure.drawn:
        own = (printable(panel.title),) if with_panel else ()
        for series in panel.series:
            rows = _curve_cells(figure, series, epochs)
            blocks.append(tuple((*own, series.label or "all", *cells) for cells in rows))
        if panel.majority is not None:
            share = metric_text(figure.metric, panel.majority)
            blocks.append(((*own, MAJORITY, "", *(share for _ in epochs)),))
    heads = (*(("panel",) if with_panel else ()), "group", "", *map(str, epochs))
    left_out = len(figure.epochs) - len(epochs)
    title = f"{figure.title}, {left_out} epochs in between left out" if left_out else figure.title
    return TextTable(title, heads, len(heads) - len(epochs), tuple(blocks))


def _curve_cells(figure: CurveFigure, series: Series, epochs: Sequence[int]) -> Iterator[Cells]:
    for line in series.lines if figure.lines_drawn else ():
        seeds = f"seed {line.seed}" if line.seed == line.data_seed else f"seed {line.seed}, data seed {line.data_seed}"
        yield (seeds, *(metric_text(figure.metric, line.values.get(epoch)) for epoch in epochs))
    found = [series.epochs.get(epoch, NOTHING) for epoch in epochs]
    yield ("mean", *(metric_text(figure.metric, summary.mean) for summary in found))
    yield ("sd", *(metric_text(figure.metric, summary.sd, summary.mean) for summary in found))
    yield ("n", *(str(summary.n) for summary in found))
    if series.published:
        yield ("published", *(metric_text(figure.metric, series.published.get(epoch)) for epoch in epochs))


def _spread(values: Sequence[int], most: int) -> list[int]:
    """Return at most so many values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(position * (len(values) - 1) / (most - 1))] for position in range(most)]


def _tuning_table(figure: TuningFigure) -> TextTable:
    with_panel = any(panel.title for panel in figure.drawn)
    blocks = tuple(
        tuple(((printable(panel.title),) if with_panel else ()) + cells for cells in _tuning_cells(figure, line))
        for panel in figure.drawn
        for line in panel.lines
    )
    texts = (*(("panel",) if with_panel else ()), "group", "")
    return TextTable(
        figure.title, (*texts, heading(figure.setting, figure.tuned), "mean", "sd", "n"), len(texts), blocks
    )


def _tuning_cells(figure: TuningFigure, line: TuningLine) -> Iterator[Cells]:
    for point in line.points:
        mean = point.validation.mean
        measured = (metric_text(figure.metric, number, mean) for number in (mean, point.validation.sd))
        chosen = "chosen" if point.chosen else ""
        yield (line.label or "all", chosen, value_text(point.value), *measured, str(point.validation.n))


def _interval_table(figure: IntervalFigure) -> TextTable:
    def cells(interval: Interval | None) -> Cells:
        if interval is None:
            return (UNKNOWN,) * 4
        numbers = (interval.mean, interval.low, interval.high)
        return (*(metric_text(figure.metric, number, interval.mean) for number in numbers), interval.n)

    rows = tuple(
        (label, *(cell for intervals in figure.columns.values() for cell in cells(intervals[position])))
        for position, label in enumerate(figure.labels[:ROWS_DRAWN])
    )
    heads = (f"{split}\n{name}" for split in figure.columns for name in ("mean", "low", "high", "n"))
    shares = (metric_text(figure.metric, figure.majority.get(split)) for split in figure.columns)
    majority = (MAJORITY, *(cell for share in shares for cell in (share, *(UNKNOWN,) * 3)))
    return TextTable(figure.title, ("", *heads), 1, (rows, (majority,)) if figure.majority else (rows,))

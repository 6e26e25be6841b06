"""The figures as SVG, PDF and PNG, by Matplotlib. Its import takes half a second: only who draws imports this."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from sweeper.report.figures import Figure
from sweeper.report.figures.curves import CurveFigure, Panel, Series
from sweeper.report.figures.drawn_intervals import draw_intervals, draw_rows
from sweeper.report.figures.drawn_tuning import draw_tuning
from sweeper.report.figures.looks import FAINT, INK, MAJORITY_LINE, look, scaled
from sweeper.report.figures.panels import (
    LEGEND_LETTERS,
    LEGEND_MARK,
    PANEL_LETTERS,
    choose_heights,
    dodge,
    draw_legend,
    panel_canvas,
)
from sweeper.report.figures.styles import Style, wrapped
from sweeper.report.figures.tuning import TuningFigure
from sweeper.report.text import MAJORITY

PUBLISHED: Mapping[str, Any] = {"linestyle": ":", "linewidth": 1.1, "markerfacecolor": "white", "markersize": 4}
SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "text.parse_math": False,  # a $ in a label is a $
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
PNG_DPI = 200
PNG_COLOURS = 256


def draw(figure: Figure) -> dict[str, bytes]:
    """Return a figure as SVG, PDF, PNG, always the same bytes; letters that the font lacks are boxes but in SVG."""
    with _drawn(figure, narrow=False) as canvas:
        return {
            "svg": _saved(canvas, "svg", metadata={"Date": None, "Title": figure.title}),
            "pdf": _saved(canvas, "pdf", metadata={"CreationDate": None, "Title": figure.title}),
            "png": _small_png(_saved(canvas, "png", dpi=PNG_DPI)),
        }


def draw_narrow(figure: Figure) -> bytes:
    """Return a figure as SVG for the width of a phone: panels below each other, rows' names above their marks."""
    with _drawn(figure, narrow=True) as canvas:
        return _saved(canvas, "svg", metadata={"Date": None, "Title": figure.title})


@contextmanager
def _drawn(figure: Figure, *, narrow: bool) -> Iterator[Canvas]:
    settings: Any = {**SETTINGS, "svg.hashsalt": figure.name}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        canvas = _painted(figure, narrow)
        canvas.draw_without_rendering()  # lays it out, which is needed once and not for each file
        canvas.set_layout_engine("none")
        yield canvas


def _painted(figure: Figure, narrow: bool) -> Canvas:
    if isinstance(figure, CurveFigure):
        return _draw_curves(figure, narrow)
    if isinstance(figure, TuningFigure):
        return draw_tuning(figure, narrow)
    return draw_rows(figure) if narrow else draw_intervals(figure)


def _saved(canvas: Canvas, format_name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format=format_name, **options)
    return buffer.getvalue()


def _small_png(content: bytes) -> bytes:
    """Return a picture in as many colours as a drawing needs, a third of the size: it is mailed inside a page."""
    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(PNG_COLOURS, dither=Image.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True, dpi=(PNG_DPI, PNG_DPI))
    return buffer.getvalue()


def _draw_curves(figure: CurveFigure, narrow: bool) -> Canvas:
    panels = figure.drawn
    columns = 1 if narrow else min(len(panels), 3)
    entries = list(_legend_entries(panels, LEGEND_LETTERS[0 if narrow else columns] - LEGEND_MARK))
    if figure.has_published:
        entries.append(Line2D([], [], label="published", **{**look(Style(0, 0)), **PUBLISHED, "color": INK}))
    if figure.majority_drawn:
        entries.append(Line2D([], [], label=MAJORITY, **MAJORITY_LINE))
    canvas, panes = panel_canvas(len(panels), columns, narrow=narrow)
    single = len(figure.epochs) == 1
    for position, (axes, panel) in enumerate(zip(panes, panels, strict=True)):
        for number, series in enumerate(panel.series):
            if single:
                _draw_epoch(axes, figure, series, dodge(number, len(panel.series)))
            else:
                _draw_series(axes, figure, series)
            _draw_published(axes, figure, series)
        if figure.majority_drawn and panel.majority is not None:
            axes.axhline(scaled(figure.metric, panel.majority), zorder=1, **MAJORITY_LINE)
        axes.set_title(wrapped(panel.title, PANEL_LETTERS))
        _label_epochs(axes, figure)
        if position % columns == 0:
            axes.set_ylabel(figure.axis)
        if position + columns >= len(panels):
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
    draw_legend(canvas, entries, LEGEND_LETTERS[0 if narrow else columns])
    return canvas


def _draw_series(axes: Axes, figure: CurveFigure, series: Series) -> None:
    colour = look(series.style)["color"]
    if figure.lines_drawn:
        x, y = _joined([line.values for line in series.lines], figure.metric)
        axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.55)
    epochs = sorted(series.epochs)
    means = [scaled(figure.metric, series.epochs[epoch].mean) for epoch in epochs]
    deviations = [scaled(figure.metric, series.epochs[epoch].sd) for epoch in epochs]
    low = [mean - deviation for mean, deviation in zip(means, deviations, strict=True)]
    high = [mean + deviation for mean, deviation in zip(means, deviations, strict=True)]
    axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    every = max(1, len(epochs) // 12)
    axes.plot(epochs, means, linewidth=1.6, markevery=every, **look(series.style))


def _draw_published(axes: Axes, figure: CurveFigure, series: Series) -> None:
    epochs = sorted(series.published)
    means = [scaled(figure.metric, series.published[epoch]) for epoch in epochs]
    axes.plot(epochs, means, **{**look(series.style), **PUBLISHED})


def _draw_epoch(axes: Axes, figure: CurveFigure, series: Series, shift: float) -> None:
    ((epoch, summary),) = series.epochs.items()
    x = epoch + shift
    small: dict[str, Any] = {"marker": ".", "markersize": 4, "linestyle": "none", "alpha": 0.55}
    if figure.lines_drawn:
        values = [scaled(figure.metric, line.values.get(epoch)) for line in series.lines]
        axes.plot([x + 0.04] * len(values), values, color=look(series.style)["color"], **small)
    bar = scaled(figure.metric, summary.sd)
    axes.errorbar(x, scaled(figure.metric, summary.mean), bar, capsize=3, linewidth=1.2, **look(series.style))


def _label_epochs(axes: Axes, figure: CurveFigure) -> None:
    """Put ticks at whole epochs, and choose a logarithmic axis where values differ by orders of magnitude."""
    epochs = figure.epochs
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 0.6, epochs[0] + 0.6)
        axes.set_xticks(epochs)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    means = (summary.mean for series in figure.series for summary in series.epochs.values())
    choose_heights(axes, figure.metric, means)


def _legend_entries(panels: Sequence[Panel], letters: int) -> Iterator[Line2D]:
    """Yield an entry a style in lines of so many letters; n is named where it is the same in all panels and epochs."""
    shown: dict[Style, list[Series]] = {}
    for panel in panels:
        for series in panel.series:
            shown.setdefault(series.style, []).append(series)
    for style, members in shown.items():
        numbers = {summary.n for series in members for summary in series.epochs.values()}
        n = f" (n = {numbers.pop()})" if len(numbers) == 1 else ""
        label = members[0].label or "all"
        yield Line2D([], [], linewidth=1.6, label=wrapped(f"{label}{n}", letters), **look(style))


def _joined(curves: Sequence[Mapping[int, float]], metric: str) -> tuple[list[float], list[float]]:
    """Coordinates of several curves as one line with gaps, which is one path in a file."""
    x: list[float] = []
    y: list[float] = []
    for curve in curves:
        epochs = sorted(curve)
        x += [*epochs, math.nan]
        y += [*(scaled(metric, curve[epoch]) for epoch in epochs), math.nan]
    return x, y

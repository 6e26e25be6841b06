"""The figure of tuned settings, drawn: ticks at the values tried, a ring around what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from sweeper.report.figures.looks import INK, look, scaled
from sweeper.report.figures.panels import (
    LEGEND_LETTERS,
    LEGEND_MARK,
    PANEL_LETTERS,
    choose_heights,
    dodge,
    draw_legend,
    panel_canvas,
    panel_inches,
)
from sweeper.report.figures.scales import CATEGORIES
from sweeper.report.figures.styles import Style, wrapped
from sweeper.report.figures.tuning import TuningFigure, TuningLine
from sweeper.report.text import Group, value_text

RING: Any = {"linestyle": "none", "marker": "o", "markersize": 10.5, "markerfacecolor": "none", "markeredgewidth": 1.2}
TRIAL: Any = {"linestyle": "none", "marker": ".", "markersize": 4, "alpha": 0.55}
MARGIN = 0.08  # of what the values span, on either side
BESIDE = 0.014  # of what they span: between the single trials of groups, or less where values are close
FRAME_INCHES = 0.75  # of a panel's width, for the labels of its vertical axis
LETTER_INCHES, LINE_INCHES = 0.07, 0.2  # of a tick's label, and of a slanted one
LONGEST_LABEL = 24  # letters of a tick's label, in a line


def draw_tuning(figure: TuningFigure, narrow: bool) -> Canvas:
    """Draw a panel a title; those of the same data set and task, which are compared, have one vertical axis."""
    columns, number = 1 if narrow else figure.columns, len(figure.drawn)
    canvas, panes = panel_canvas(number, columns, narrow=narrow, same_heights=False)
    slanted = _set_ticks(panes[0], figure, panel_inches(number, narrow=narrow) - FRAME_INCHES)
    for position, (axes, panel) in enumerate(zip(panes, figure.drawn, strict=True)):
        for place, line in enumerate(panel.lines):
            _draw_line(axes, figure, line, place, len(panel.lines))
        axes.set_title(wrapped(panel.title, PANEL_LETTERS))
        axes.set_ylabel(figure.axis if position % columns == 0 else "")
        axes.set_xlabel(figure.setting_axis if position + columns >= number else "")
        axes.tick_params(labelbottom=narrow or position + columns >= number)
        if slanted:
            _slant(axes)
    _share_heights(panes, figure)
    width, height = canvas.get_size_inches()
    canvas.set_size_inches(width, height + slanted * (number if narrow else 1))
    letters = LEGEND_LETTERS[0 if narrow else columns]
    draw_legend(canvas, list(_legend_entries(figure, letters - LEGEND_MARK)), letters)
    return canvas


def _share_heights(panes: Sequence[Axes], figure: TuningFigure) -> None:
    firsts: dict[Group, Axes] = {}
    for axes, panel in zip(panes, figure.drawn, strict=True):
        if (first := firsts.setdefault(panel.block, axes)) is not axes:
            axes.sharey(first)
            first.autoscale(axis="y")
    for block, axes in firsts.items():
        lines = [line for panel in figure.drawn if panel.block == block for line in panel.lines]
        choose_heights(axes, figure.metric, (point.validation.mean for line in lines for point in line.points))


def _slant(axes: Axes) -> None:
    for label in axes.get_xticklabels():
        label.set(rotation=45, ha="right", rotation_mode="anchor")


def _draw_line(axes: Axes, figure: TuningFigure, line: TuningLine, number: int, of: int) -> None:
    """Draw a group: single trials, means, and a ring around the one that was chosen."""
    style, categories = look(line.style), figure.scale == CATEGORIES
    shift, beside = (dodge(number, of), 0.04) if categories else (0.0, _beside(figure) * (number + 2))
    points = [(figure.places[point.value] + shift, point) for point in line.points]
    if figure.trials_drawn:
        x = [place + beside for place, point in points for _ in point.trials]
        y = [scaled(figure.metric, row.validation) for _, point in points for row in point.trials]
        axes.plot(x, y, color=style["color"], **TRIAL)
    means = [(place, scaled(figure.metric, point.validation.mean)) for place, point in points]
    axes.plot(*zip(*means, strict=True), **_joined(style, figure))
    rings = [mean for mean, (_, point) in zip(means, points, strict=True) if point.chosen and point.is_drawn]
    for place, mean in rings:
        axes.plot([place], [mean], color=style["color"], **RING)


def _joined(style: dict[str, Any], figure: TuningFigure) -> dict[str, Any]:
    """Return the look of means: of what has no order of size no line joins them."""
    return style | ({"linestyle": "none"} if figure.scale == CATEGORIES else {"linewidth": 1.4})


def _beside(figure: TuningFigure) -> float:
    """Return how far right of those of the group before a group's trials stand; all are nearer than the next value."""
    places = list(figure.places.values())
    gaps = (after - before for before, after in pairwise(places))
    return min(BESIDE * (places[-1] - places[0]), min(gaps) / 2 / (_most_lines(figure) + 1))


def _most_lines(figure: TuningFigure) -> int:
    return max(len(panel.lines) for panel in figure.drawn)


def _set_ticks(axes: Axes, figure: TuningFigure, inches: float) -> float:
    """Put ticks at the values tried; return by how much slanted labels make the drawing higher, 0 where they are not.

    They are slanted where they would run into each other in so many inches; where even that has no room for all, some
    ticks have none.
    """
    places = list(figure.places.values())
    texts = [wrapped(value_text(value), LONGEST_LABEL) for value in figure.places]
    margin = MARGIN * (places[-1] - places[0]) + _beside(figure) * _most_lines(figure)
    if figure.scale == CATEGORIES:
        margin = 0.5
    low, high = places[0] - margin, places[-1] + margin
    axes.set_xlim(low, high)
    at = [(place - low) / (high - low) * inches for place in places]
    sizes = [LETTER_INCHES * (1 + max(map(len, text.split("\n")))) for text in texts]
    pairs = range(len(at) - 1)
    if all(at[number + 1] - at[number] >= (sizes[number] + sizes[number + 1]) / 2 for number in pairs):
        axes.set_xticks(places, texts)
        return 0.0
    shown = set(_with_room(at))
    short = [_shortened(value_text(value)) if number in shown else "" for number, value in enumerate(figure.places)]
    axes.set_xticks(places, short)
    return 0.7 * LETTER_INCHES * max(map(len, short))


def _shortened(text: str) -> str:
    """Return a label in one line, of a very long one its ends; the table beside the figure has all of it."""
    half = LONGEST_LABEL // 2
    return text if len(text) <= LONGEST_LABEL else f"{text[:half]}…{text[-half:]}"


def _with_room(at: Sequence[float]) -> Iterator[int]:
    """Yield the numbers of places, in inches, that are a line or more from those before."""
    last = -LINE_INCHES
    for number, place in enumerate(at):
        if place - last >= LINE_INCHES:
            yield number
            last = place


def _legend_entries(figure: TuningFigure, letters: int) -> Iterator[Line2D]:
    """Yield an entry a style, n named where it is the same at all values, then what the ring is."""
    shown: dict[Style, list[TuningLine]] = {}
    for panel in figure.drawn:
        for line in panel.lines:
            shown.setdefault(line.style, []).append(line)
    for style, members in shown.items():
        numbers = {point.validation.n for line in members for point in line.points}
        n = f" (n = {numbers.pop()})" if len(numbers) == 1 else ""
        yield Line2D([], [], label=wrapped(f"{members[0].label or 'all'}{n}", letters), **_joined(look(style), figure))
    yield Line2D([], [], label="chosen", color=INK, **RING)

"""The figures of groups and differences, drawn: rows beside their names, or below them on a phone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from sweeper.report.figures.intervals import ROWS_DRAWN, Interval, IntervalFigure
from sweeper.report.figures.looks import INK, MAJORITY_LINE, look, scaled
from sweeper.report.figures.styles import Style, wrapped
from sweeper.report.text import MAJORITY

SET_INCHES, ONE_SET_INCHES = 2.4, 4.6  # width of a panel
PHONE_INCHES = 3.5
ROWS_APART = 16  # more rows than that stand closer
STACKED, MOST_STACKED = 0.07, 3  # equal values below each other, in rows
ROW_LETTERS, PHONE_LETTERS = 44, 50  # of a name, in a line


def draw_intervals(figure: IntervalFigure) -> Canvas:
    """Rows beside their names, a panel a set."""
    labels = [wrapped(label, ROW_LETTERS) for label in figure.labels[:ROWS_DRAWN]]
    lines = [label.split("\n") for label in labels]
    longest = max(len(line) for own in lines for line in own)
    row = (0.16 if len(labels) <= ROWS_APART else 0.07) + 0.15 * max(map(len, lines))
    number = len(figure.columns)
    width = 0.065 * longest + (SET_INCHES if number > 1 else ONE_SET_INCHES) * number + 0.4
    canvas = Canvas(figsize=(width, row * len(labels) + 1.1), layout="constrained")
    grid = canvas.subplots(1, number, sharex=True, sharey=True, squeeze=False)[0]
    for axes, split in zip(grid, figure.columns, strict=True):
        _draw_set(axes, figure, split, range(len(labels)), 0.22)
        if figure.majority_drawn and split in figure.majority:
            _draw_majority(axes, figure, split, [(-0.5, len(labels) - 0.5)])
        axes.set_xlabel(figure.axis)
    grid[0].set_yticks(range(len(labels)), labels)
    grid[0].set_ylim(len(labels) - 0.5, -0.5)
    return canvas


def draw_rows(figure: IntervalFigure) -> Canvas:
    """Rows below their names, a set below the other."""
    labels = [wrapped(label, PHONE_LETTERS) for label in figure.labels[:ROWS_DRAWN]]
    heights = [0.31 + 0.16 * (label.count("\n") + 1) for label in labels]
    places = [sum(heights[: position + 1]) for position in range(len(labels))]
    number = len(figure.columns)
    canvas = Canvas(figsize=(PHONE_INCHES, (places[-1] + 0.55) * number + 0.3), layout="constrained")
    grid = canvas.subplots(number, 1, sharex=True, squeeze=False)
    for (axes,), split in zip(grid, figure.columns, strict=True):
        _draw_set(axes, figure, split, places, 0.11)
        axes.set_ylim(places[-1] + 0.25, 0)
        if figure.majority_drawn and split in figure.majority:
            # Not through the names.
            _draw_majority(axes, figure, split, [(place - 0.08, place + 0.2) for place in places])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        for label, place in zip(labels, places, strict=True):
            axes.text(0, place - 0.1, label, transform=axes.get_yaxis_transform(), va="bottom", linespacing=1.1)
    grid[-1][0].set_xlabel(figure.axis)
    return canvas


def _draw_set(axes: Axes, figure: IntervalFigure, split: str, places: Sequence[float], below: float) -> None:
    """Draw the rows of a set at their places, single values so much below."""
    for place, interval, style in zip(places, figure.columns[split], figure.styles, strict=False):
        if interval:
            _draw_interval(axes, figure, (place, place + below), interval, style)
    if figure.from_zero:
        axes.axvline(0, color=INK, linewidth=0.8)
    if len(figure.columns) > 1:
        axes.set_title(split, pad=16 if figure.majority_drawn else None)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(visible=False, axis="y")


def _draw_majority(axes: Axes, figure: IntervalFigure, split: str, pieces: Sequence[tuple[float, float]]) -> None:
    """Draw a line at a share, from so far down to so far, with its name above."""
    share = scaled(figure.metric, figure.majority[split])
    for piece in pieces:
        axes.plot([share, share], piece, zorder=1, **MAJORITY_LINE)
    above = axes.get_xaxis_transform()
    axes.annotate(
        MAJORITY, (share, 1), xytext=(0, 2), xycoords=above, textcoords="offset points", ha="center", fontsize="small"
    )


def _draw_interval(
    axes: Axes, figure: IntervalFigure, places: tuple[float, float], interval: Interval, style: Style
) -> None:
    """Draw a mean with its interval at the first place, and single values at the other, just below."""
    position, below = places
    marks = look(style) | {"linestyle": "none"}
    _draw_values(axes, figure.metric, below, interval, marks["color"])
    mean, low, high = (scaled(figure.metric, value) for value in (interval.mean, interval.low, interval.high))
    axes.plot([low, high], [position, position], color=marks["color"], linewidth=1.4, solid_capstyle="butt")
    axes.plot([mean], [position], **marks)


def _draw_values(axes: Axes, metric: str, below: float, interval: Interval, colour: str) -> None:
    """Draw single values, equal ones below each other, those of trials that learned nothing hollow."""
    seen: Counter[float] = Counter()
    points: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for number, value in enumerate(interval.values):
        place = below + STACKED * min(seen[value], MOST_STACKED)
        points[number in interval.collapsed].append((scaled(metric, value), place))
        seen[value] += 1
    for hollow, own in points.items():
        if own:
            face = "white" if hollow else colour
            x, y = zip(*own, strict=True)
            axes.plot(x, y, linestyle="none", marker="o", markersize=2.5, color=colour, markerfacecolor=face)

"""Panels of a drawing, beside each other or below each other on a phone, and the legend below them all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from sweeper.report.figures.drawn_intervals import PHONE_INCHES
from sweeper.trial.metrics import is_share

PANEL_INCHES = (3.1, 2.5)
ONE_PANEL_INCHES = 5.2
PANEL_LETTERS = 44  # of a title, in a line
LEGEND_LETTERS = (50, 75, 88, 132)  # in a line below so many panels; 0: on a phone
LEGEND_MARK = 10  # letters that a line's sample takes
LARGEST_RATIO = 30  # of values of one sign, beyond which an axis is logarithmic


def panel_canvas(number: int, columns: int, *, narrow: bool, same_heights: bool = True) -> tuple[Canvas, list[Axes]]:
    """Return an empty drawing of so many panels, row by row; `same_heights`: one vertical axis for all."""
    rows = math.ceil(number / columns)
    canvas = Canvas(figsize=(panel_inches(number, narrow=narrow) * columns, PANEL_INCHES[1] * rows + 0.3))
    canvas.set_layout_engine("constrained")
    grid = canvas.subplots(rows, columns, sharex=True, sharey=same_heights, squeeze=False)
    panes = [axes for row in grid for axes in row]
    for axes in panes[number:]:
        axes.remove()
    return canvas, panes[:number]


def panel_inches(number: int, *, narrow: bool) -> float:
    """Width of each of so many panels."""
    return PHONE_INCHES if narrow else ONE_PANEL_INCHES if number == 1 else PANEL_INCHES[0]


def dodge(number: int, of: int) -> float:
    """Shift of one group among several at the same place, so that they stand side by side."""
    return (number - (of - 1) / 2) * 0.6 / max(of, 1)


def choose_heights(axes: Axes, metric: str, means: Iterable[float | None]) -> None:
    """Choose a logarithmic vertical axis where means, which are no shares, differ by orders of magnitude."""
    finite = [mean for mean in means if mean and math.isfinite(mean)]
    if finite and not is_share(metric) and min(finite) > 0 and max(finite) > LARGEST_RATIO * min(finite):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def draw_legend(canvas: Canvas, handles: Sequence[Line2D], letters: int) -> None:
    """Put the legend below, and make the drawing as much higher as it needs."""
    lines = [str(handle.get_label()).split("\n") for handle in handles]
    longest = max((len(line) for own in lines for line in own), default=1)
    number = max(1, min(len(handles), letters // (longest + LEGEND_MARK)))
    each = math.ceil(len(lines) / number)
    heights = [0.17 * len(own) + 0.05 for own in lines]
    height = max((sum(heights[start : start + each]) for start in range(0, len(lines), each)), default=0.0)
    width, before = canvas.get_size_inches()
    canvas.set_size_inches(width, before + height)
    canvas.legend(handles=handles, loc="outside lower center", ncols=number, handlelength=2.6)

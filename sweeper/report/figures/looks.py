"""How figures are drawn: colours, dashes and marks of styles, and the unit of values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sweeper.report.figures.styles import NEUTRAL, Style
from sweeper.trial.metrics import is_share

INK, FAINT = "#1b1f24", "#c9ced6"
# Okabe and Ito's colours, which the colour-blind tell apart (https://jfly.uni-koeln.de/color/), but for their yellow,
# which is too light for lines on white: Paul Tol's wine instead (https://personal.sron.nl/~pault/). In print the marks
# and dashes tell groups apart. Their black is not quite one, since Matplotlib leaves black's name out of an SVG.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#010101",
    "#882255",
)
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
MAJORITY_LINE: Mapping[str, Any] = {"color": INK, "linestyle": (0, (4, 3)), "linewidth": 0.8}
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def look(style: Style) -> dict[str, Any]:
    """Colour, dashes and mark of a style; colours that repeat do so with other dashes and marks."""
    if style == NEUTRAL:
        return {"color": INK, "linestyle": "-", "marker": "o", "markersize": 5}
    turn = style.colour // len(COLOURS)
    return {
        "color": COLOURS[style.colour % len(COLOURS)],
        "linestyle": DASHES[(style.colour + turn) % len(DASHES)],
        "marker": MARKS[(style.shape + turn) % len(MARKS)],
        "markersize": 5,
    }


def scaled(metric: str, value: float | None) -> float:
    """A value as it is drawn: shares in per cent; nan, which is a gap, for what is not known or not finite."""
    if value is None or not math.isfinite(value):
        return math.nan
    return 100 * value if is_share(metric) else value

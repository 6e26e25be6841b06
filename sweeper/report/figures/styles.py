"""How groups look, the same in every figure: the first factor that varies gives the colour, the others the shape."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from textwrap import wrap

from sweeper.report.text import Group, varying

MOST_LINES = 4  # of a label


@dataclass(frozen=True)
class Style:
    """Numbers of a colour and its dashes, and of a mark's shape; a drawing has so many of each and then begins anew."""

    colour: int
    shape: int


NEUTRAL = Style(-1, 0)  # of what is no group


def group_styles(
    factors: Sequence[str], groups: Sequence[Group], leave_out: Collection[str] = ()
) -> dict[Group, Style]:
    """Return each group's style; groups that differ in factors to `leave_out` alone share one.

    Where a single factor varies it gives the shape, too, so that groups can be told apart in print.
    """
    telling = varying(factors, groups)
    positions = [position for position, factor in enumerate(factors) if factor in telling and factor not in leave_out]
    first, others = positions[:1], positions[1:] or positions[:1]
    colours: dict[Group, int] = {}
    shapes: dict[Group, int] = {}
    return {
        group: Style(
            colours.setdefault(tuple(group[position] for position in first), len(colours)),
            shapes.setdefault(tuple(group[position] for position in others), len(shapes)),
        )
        for group in groups
    }


def wrapped(label: str, width: int) -> str:
    """Return a label in lines of so many characters; of a very long one the middle is left out."""
    # A path has no spaces: it may be parted after a slash. What stands in brackets with a sign is one.
    parts = re.split(r"(?<=[/_])", re.sub(r"\(n = (\w+)\)", "(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}\\1)", label))
    lines: list[str] = [""]
    for part in parts:
        for number, word in enumerate(part.split(" ")):
            glue = " " if number else ""
            if lines[-1] and len(lines[-1]) + len(glue) + len(word) > width:
                lines.append(word)
            else:
                lines[-1] += glue + word
    whole = [piece for line in lines for piece in (wrap(line, width, break_on_hyphens=False) or [""])]
    if len(whole) > MOST_LINES:
        whole = [*whole[: MOST_LINES - 2], "…", whole[-1]]
    return "\n".join(whole).replace("\N{NO-BREAK SPACE}", " ")

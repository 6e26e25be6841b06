"""Short names of groups: what tells one from the others."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.factors import Value
from sweeper.report.text import heading, value_text

SPEAKING = ("model", "framework")  # factors whose values need no name beside them
LONGEST = 36  # characters of a name in a figure; tables have all of it

Group = tuple[Value, ...]


def group_label(factors: Sequence[str], groups: Sequence[Group], own: Group, leave_out: Sequence[str] = ()) -> str:
    """Name a group by the factors in which `groups` differ; by model and framework where they differ in none."""
    places = [place for place, factor in enumerate(factors) if factor not in leave_out]
    telling = [place for place in places if len({group[place] for group in groups}) > 1]
    chosen = telling or [place for place in places if factors[place] in SPEAKING]
    return shortened(" ".join(named(factors, factors[place], own[place]) for place in chosen))


def named(factors: Sequence[str], factor: str, value: Value) -> str:
    """A factor's value, with the factor's name where the value does not speak for itself."""
    text = value_text(value)
    return text if factor in SPEAKING else f"{heading(factor, factors)} {text}"


def shortened(text: str, longest: int = LONGEST) -> str:
    """Text with its middle left out where it is too long for a figure."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-longest // 2 + 1 :]}"

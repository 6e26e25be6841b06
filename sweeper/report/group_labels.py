"""Short names of groups: what tells one from the others."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.factors import ALWAYS, Value
from sweeper.report.text import factor_labels

LONGEST = 36  # characters of a name in a figure; tables have all of it

Group = tuple[Value, ...]


def telling_label(factors: Sequence[str], groups: Sequence[Group], own: Group, leave_out: Sequence[str] = ()) -> str:
    """Name a group by the factors in which `groups` differ; by model and framework where they differ in none."""
    texts = factor_labels(factors, own)
    places = [place for place, factor in enumerate(factors) if factor not in leave_out]
    telling = [place for place in places if len({group[place] for group in groups}) > 1]
    return shortened(" ".join(texts[place] for place in telling or places[: len(ALWAYS)]))


def shortened(text: str, longest: int = LONGEST) -> str:
    """Text with its middle left out where it is too long for a figure."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-longest // 2 + 1 :]}"

"""Short names of groups: what tells one from the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sweeper.analysis.factors import ALWAYS, Value
from sweeper.report.text import factor_labels

LONGEST = 36  # characters of a name in a figure; tables have all of it
Group = tuple[Value, ...]


def telling_labels(
    factors: Sequence[str], groups: Sequence[Group], leave_out: Collection[str] = ()
) -> dict[Group, str]:
    """Name groups by the factors in which they differ; by model and framework where they differ in none."""
    places = [place for place, factor in enumerate(factors) if factor not in leave_out]
    telling = varying(factors, groups)
    chosen = [place for place in places if factors[place] in telling] or places[: len(ALWAYS)]
    texts = {group: factor_labels(factors, group) for group in groups}
    return {group: shortened(" ".join(texts[group][place] for place in chosen)) for group in groups}


def varying(factors: Sequence[str], groups: Sequence[Group]) -> set[str]:
    """Return the factors in which groups differ."""
    return {factor for place, factor in enumerate(factors) if len({group[place] for group in groups}) > 1}


def shortened(text: str, longest: int = LONGEST) -> str:
    """Text with its middle left out where it is too long for a figure."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-longest // 2 + 1 :]}"

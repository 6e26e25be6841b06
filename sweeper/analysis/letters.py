"""Ranking by mean, with letters: groups that cannot be told apart share one."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from string import ascii_letters

MOST_LETTERS = len(ascii_letters)  # more tell a reader nothing
MOST_COLUMNS = 1000  # on the way to fewer
DIGITS = 12  # of a mean: what differs by rounding alone is a tie


def rounded(mean: float) -> float:
    """A mean without the digits in which equal ones may differ by rounding."""
    return float(f"{mean:.{DIGITS}g}")


@dataclass(frozen=True)
class Place:
    """A group's place: its position among those given, its rank from 1 (equal means share it), and its letters.

    `rank` is None without a mean. `letters` is None for all where there would be too many.
    """

    position: int
    mean: float | None
    rank: int | None
    letters: str | None


def ranking(
    means: Sequence[float | None], told_apart: Collection[tuple[int, int]] | None, *, greater_is_better: bool
) -> list[Place]:
    """Return the groups' places, the best mean first and those without one last.

    `told_apart` are pairs of positions of which one beats the other; what was not compared was not told apart. None: no
    letters.
    """
    sign = -1 if greater_is_better else 1
    keys = [math.inf if mean is None or math.isnan(mean) else sign * rounded(mean) for mean in means]
    known = [position for position, mean in enumerate(means) if mean is not None and not math.isnan(mean)]
    order = sorted(known, key=keys.__getitem__)
    shared = None if told_apart is None else letters(order, told_apart)
    named: Sequence[str | None] = [None] * len(order) if shared is None else shared
    places = [
        Place(position, means[position], 1 + sum(keys[other] < keys[position] for other in known), own)
        for position, own in zip(order, named, strict=True)
    ]
    rest = (position for position in range(len(means)) if position not in known)
    return places + [Place(position, means[position], None, None if shared is None else "") for position in rest]


def letters(order: Sequence[int], told_apart: Collection[tuple[int, int]]) -> list[str] | None:
    """Return each group's letters, in order: two share one exactly where they are not told apart; None: too many.

    Insert and absorb (Piepho 2004, J. Comput. Graph. Statist. 13, 456–466): from one column of all groups, each pair
    that is told apart splits the columns that hold both; a column within another one is absorbed. A letter a column.
    """
    place = {position: number for number, position in enumerate(order)}
    columns = [frozenset(order)] if order else []
    for first, second in sorted(told_apart, key=lambda pair: sorted(place.get(one, -1) for one in pair)):
        both = [column for column in columns if {first, second} <= column]
        kept = [column for column in columns if column not in both]
        split = {column - {one} for column in both for one in (first, second)}
        new = [column for column in split if not any(column < other for other in (*kept, *split))]
        columns = kept + [column for column in new if column not in kept]
        if len(columns) > MOST_COLUMNS:
            return None
    if len(columns) > MOST_LETTERS:
        return None
    columns.sort(key=lambda column: sorted(place[position] for position in column))
    return [
        "".join(letter for letter, column in zip(ascii_letters, columns, strict=False) if position in column)
        for position in order
    ]

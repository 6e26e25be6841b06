"""Whether a table's first line names its columns, or is an example of a file without a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sweeper.data.found_columns import EXAMPLES_A_CLASS, MOST_CLASSES

NUMBER = re.compile(r"\s*[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?\s*")
WORDS_OF_A_TEXT = 4  # of fewer a name may be, too
LONGEST_NAME = 60  # characters


def example_in_header(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return the name that reads like one of its column's values: a class, a number, a text; "" where none does."""
    for position, name in enumerate(header):
        held = (row[position] for row in rows)
        values = [str(value).strip() for value in held if isinstance(value, str | int | float) and str(value).strip()]
        if name.strip() and values and _is_value(name.strip(), values):
            return name
    return ""


def _is_value(name: str, values: Sequence[str]) -> bool:
    different = {value.casefold() for value in values}
    are_classes = len(different) * EXAMPLES_A_CLASS <= len(values) and len(different) <= MOST_CLASSES
    if are_classes and name.casefold() in different:
        return True
    if NUMBER.fullmatch(name):
        return all(NUMBER.fullmatch(value) for value in values)
    sizes = sorted(len(value.split()) for value in values)
    quarter = sizes[len(sizes) // 4]
    words = len(name.split())
    return quarter >= WORDS_OF_A_TEXT and (words >= quarter or len(name) > LONGEST_NAME)


def names_instead(rows: Sequence[Sequence[str]]) -> str:
    """Return data.columns for a file whose first row, of `rows`, is an example; the text's column is the longest."""
    width = len(rows[0])
    if width < 2 or len(rows) < 2:
        return ""
    rows = [row for row in rows if len(row) == width]
    different = [len({row[position] for row in rows}) for position in range(width)]
    sizes = [sum(len(row[position]) for row in rows) for position in range(width)]
    names = [f"column{position + 1}" for position in range(width)]
    names[sizes.index(max(sizes))] = "text"
    others = [position for position in range(width) if names[position] != "text"]
    names[min(others, key=lambda position: (different[position] < 2, different[position]))] = "label"
    return f"data.columns=[{','.join(names)}]"

"""Columns as texts and names of classes: the same classes in the same order on every machine."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sweeper.data import Examples
from sweeper.data.tables import Table
from sweeper.errors import WrongInput

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,99})")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
LABELS = "allowed: strings, integers, or true and false"
SHOWN = 10  # names of classes in a message


def column_texts(table: Table, column: str) -> list[str]:
    """Return a column's texts."""
    for index, value in enumerate(table.columns[column]):
        wrong = _why_no_text(value)
        if wrong:
            raise WrongInput(f"{table.place(index)}: {column} {wrong}\nneeded: a text in every example, as a string")
    return list(table.columns[column])


def _why_no_text(value: Any) -> str | None:
    if value is None or _is_nan(value):
        return "is missing"
    if not isinstance(value, str):
        return f"is {str(value)[:40]}, which is no string"
    if not value.strip():
        return "is empty"
    return None if _is_unicode(value) else "holds half a surrogate pair, which is no character"


def class_names(table: Table, column: str) -> list[str]:
    """Return the name of each example's class."""
    names = []
    for index, value in enumerate(table.columns[column]):
        try:
            names.append(_class_name(value, table.spelled))
        except ValueError as error:
            raise WrongInput(f"{table.place(index)}: {column} {error}\n{LABELS}") from error
    return names


def _class_name(value: Any, spelled: bool) -> str:
    """The class that a label stands for: 1, 1.0 and "1" are one. `spelled`: numbers are strings. Raises ValueError."""
    if isinstance(value, str):
        value = value.strip()
        if spelled and DECIMAL.fullmatch(value):
            value = float(value)
    if value is None or value == "" or _is_nan(value):
        raise ValueError("is missing")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float):
        raise ValueError(f"is {value}, which is no class but a quantity")
    if not isinstance(value, str | int):
        raise ValueError(f"is {str(value)[:40]}, which is no label")
    if not _is_unicode(str(value)):
        raise ValueError("holds half a surrogate pair, which is no character")
    return str(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can spell halves of characters
        return False
    return True


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the different names of classes: integers by their value, others by code point."""
    different = sorted(set(names))
    if all(INTEGER.fullmatch(name) for name in different):
        different.sort(key=int)
    return tuple(different)


def labelled(table: Table, texts: Sequence[str], classes: Sequence[str], names: Sequence[str]) -> Examples:
    """Return a table's text columns, one or two, with the number that each example's class has among `names`.

    Raises WrongInput, naming the first line whose class is not among them, or whose value is no text.
    """
    numbers = {name: index for index, name in enumerate(names)}
    for index, name in enumerate(classes):
        if name not in numbers:
            known = ", ".join([*(name[:40] for name in names[:SHOWN]), *["…"] * (len(names) > SHOWN)])
            raise WrongInput(
                f"{table.place(index)} has the label {name[:40]!r}, which train lacks\nlabels of train: {known}"
            )
    first, *second = (tuple(column_texts(table, column)) for column in texts)
    return Examples(first, tuple(numbers[name] for name in classes), *second)

"""Columns as texts and names of classes: the same classes in the same order on every machine."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.data import Examples
from sweeper.data.table import Table, check_rows, shown_names

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,99})")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
LABELS = "allowed: strings, numbers, or true and false"
SHOWN = 10  # names of classes in a message
EMPTY = "(empty)"  # what a class is called where data.classes=as_is takes missing labels for one
SURROGATE = "holds half a surrogate pair, which is no character"


@dataclass
class Faults:
    """What is wrong with examples, by their index."""

    missing: dict[int, str] = field(default_factory=dict)  # nothing is there, which data.missing=drop leaves out
    wrong: dict[int, str] = field(default_factory=dict)

    def __or__(self, other: Faults) -> Faults:
        return Faults({**other.missing, **self.missing}, {**other.wrong, **self.wrong})


def text_faults(table: Table, columns: Iterable[str]) -> Faults:
    """Find the examples without a text in one of the columns."""
    faults = Faults()
    for column in columns:
        for index, value in enumerate(table.columns[column]):
            if value is None or _is_nan(value):
                faults.missing.setdefault(index, f"{column} is missing")
            elif not isinstance(value, str):
                faults.wrong.setdefault(index, f"{column} is {str(value)[:40]}, which is no string")
            elif not value.strip():
                faults.missing.setdefault(index, f"{column} is empty")
            elif not _is_unicode(value):
                faults.wrong.setdefault(index, f"{column} {SURROGATE}")
    return faults


def class_names(table: Table, column: str, *, as_is: bool = False, what: str = "label") -> tuple[list[str], Faults]:
    """Return the name of each example's class, "" where there is none; `as_is`: that is a class, too.

    `what` says in messages what stands in the column.
    """
    names, faults = [], Faults()
    for index, value in enumerate(table.columns[column]):
        name = ""
        try:
            name = _class_name(value, table.spelled, what) or (EMPTY if as_is else "")
            if not name:
                faults.missing[index] = f"{column} is missing"
        except ValueError as error:
            faults.wrong[index] = f"{column} {error}"
        names.append(name)
    return names, faults


def _class_name(value: Any, spelled: bool, what: str) -> str:
    """The class that a label stands for: 1, 1.0 and "1" are one. `spelled`: numbers are strings. Raises ValueError."""
    if isinstance(value, str):
        value = value.strip()
        if spelled and DECIMAL.fullmatch(value) and float(value).is_integer():
            value = float(value)
    if value is None or _is_nan(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise ValueError(f"is {str(value)[:40]}, which is no {what}")
    if not _is_unicode(str(value)):
        raise ValueError(SURROGATE)
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

    Raises WrongInput, naming the lines whose class is not among them.
    """
    numbers = {name: index for index, name in enumerate(names)}
    unknown = {
        index: f"label is {name[:40]!r}, which train lacks" for index, name in enumerate(classes) if name not in numbers
    }
    check_rows(table, unknown, f"labels of train: {shown_names(names, SHOWN)}")
    first, *second = (tuple(table.columns[column]) for column in texts)
    return Examples(first, tuple(numbers[name] for name in classes), *second)

"""Examples as JSON objects: one a line, or all in one array."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from sweeper.data.dialects import Asked, split_lines
from sweeper.data.encodings import read_text
from sweeper.data.table import Table, check_columns, wanted_there
from sweeper.errors import WrongInput

KINDS = {list: "a list", str: "a string", type(None): "null"}
Objects = dict[int, dict[str, Any]]  # by line, or by place in an array


def read_json(file: Path, wanted: Mapping[str, str] | None, asked: Asked, optional: Collection[str]) -> Table:
    """Read columns of a file; `optional`: those that it may lack. What an object lacks is None. Raises WrongInput."""
    text, encoding_note = read_text(file, asked.encoding)
    notes = [encoding_note] if encoding_note else []
    unit, objects = "line", _array(file, text, wanted or {}) if text.lstrip().startswith("[") else None
    if objects is not None:
        unit = "item"
        notes.append("read as one JSON array")
    else:
        rows = {number: line for number, line in enumerate(split_lines(text), start=1) if line.strip()}
        objects = {number: _object(file, number, line, wanted or {}) for number, line in rows.items()}
    there = list(dict.fromkeys(name for item in objects.values() for name in item))
    wanted = {name: "" for name in there} if wanted is None else wanted_there(wanted, there, optional)
    check_columns(str(file), there, wanted)
    columns = {column: [item.get(column) for item in objects.values()] for column in wanted}
    return Table(str(file), columns, list(objects), unit, notes=tuple(notes), there=there)


def _array(file: Path, text: str, wanted: Iterable[str]) -> Objects | None:
    """Return an array's objects; None where lists stand on the lines."""
    try:
        items = json.loads(text)
    except RecursionError as error:
        raise WrongInput(f"{file}, line 1 is not JSON: {error}\nneeded: one object a line, or an array") from error
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError) or error.msg == "Extra data":
            return None
        raise WrongInput(
            f"{file}, line {error.lineno} is not JSON: {error.msg} at character {error.colno}\n"
            "needed: one object a line, or an array of objects"
        ) from error
    if not any(isinstance(item, dict) for item in items):
        return None
    return {number: _checked(f"{file}, item {number}", item, wanted) for number, item in enumerate(items, start=1)}


def _object(file: Path, number: int, line: str, wanted: Iterable[str]) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        where = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise WrongInput(f"{file}, line {number} is not JSON: {where}\nneeded: one object a line") from error
    return _checked(f"{file}, line {number}", value, wanted)


def _checked(place: str, value: Any, wanted: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        said = f"{place} is {KINDS.get(type(value), 'a number')}, no object"
        needed = ", ".join(f'"{name}": …' for name in wanted)
        raise WrongInput(f"{said}\nneeded on every line: {{{needed}}}")
    return value

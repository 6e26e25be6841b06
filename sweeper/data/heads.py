"""The first rows of a table with the names of its columns, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.data.table import Table

ROWS = 2000


@dataclass(frozen=True)
class Head:
    """Names of columns, and the first rows."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    without_header: str = ""  # what to set where the names are an example


def head_of(table: Table) -> Head:
    """Return a table's column names and first rows."""
    columns = [values[:ROWS] for values in table.columns.values()]
    return Head(tuple(table.columns), [*zip(*columns, strict=True)], table.without_header)

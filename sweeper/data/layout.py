"""Which of a table's records names the columns, which are examples, and which do not fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sweeper.data.dialects import Record
from sweeper.data.table import counted


@dataclass(frozen=True)
class Layout:
    """The columns' names, as many as there are fields, "" for none; and the records below, but for blank ones."""

    header: tuple[str, ...]
    rows: Sequence[Record]
    notes: tuple[str, ...] = ()

    def too_long(self) -> list[Record]:
        """Return the rows with something in a field that has no column."""
        width = len(self.header)
        return [row for row in self.rows if len(row.fields) > width and any(row.fields[width:])]

    def shorter_than(self, width: int) -> list[Record]:
        """Return the rows with fewer fields."""
        return [row for row in self.rows if len(row.fields) < width]

    @property
    def named(self) -> int:
        """Number of columns up to the last one with a name."""
        return max((position for position, name in enumerate(self.header, start=1) if name), default=0)

    @property
    def fits(self) -> bool:
        """Whether every row has a field for each column with a name, and nothing beyond."""
        return not self.too_long() and not self.shorter_than(self.named)


def lay_out(records: Sequence[Record], names: tuple[str, ...] | None, needed: Collection[str]) -> Layout:
    """Tell header and examples apart; `names` are the columns' where the file has no header, `needed` those read."""
    first = tuple(field.strip() for field in records[0].fields)
    if names and len(first) != len(names) and needed and {*needed} <= {*first}:
        names = first
    below = records[1:] if names in (None, first) else records
    rows = [record for record in below if not record.is_blank]
    notes = []
    if names == first:
        notes.append("line 1 is its header")
    elif names:
        notes.append(f"without a header, its columns taken as {', '.join(names)}")
    if len(rows) < len(below):
        notes.append(f"{counted(len(below) - len(rows), 'line')} with nothing in any field left out")
    header = names or first
    if not names and _has_row_names(header, rows):
        return Layout(("", *header), rows, (*notes, "its first column, of row numbers without a name, left out"))
    unnamed = [position for position, name in enumerate(header) if not name]
    if unnamed and (held := sum(any(field for field in _at(unnamed, row.fields)) for row in rows)):
        notes.append(f"columns without a name, which hold something in {counted(held, 'line')}, are not read")
    return Layout(header, rows, tuple(notes))


def _at(positions: Sequence[int], fields: Sequence[str]) -> list[str]:
    return [fields[position] for position in positions if position < len(fields)]


def _has_row_names(header: Sequence[str], rows: Sequence[Record]) -> bool:
    """Whether each row begins with a number of its own for which there is no name, as R writes tables."""
    if not rows or any(len(row.fields) != len(header) + 1 for row in rows) or not any(row.fields[-1] for row in rows):
        return False
    first = {row.fields[0] for row in rows}
    return len(first) == len(rows) and all(name.isdigit() for name in first)

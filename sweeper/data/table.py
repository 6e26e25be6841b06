"""Columns of examples, as a file or a split has them: every value keeps the number of its line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sweeper.errors import WrongInput

SHOWN_COLUMNS = 12  # columns named in a message, and
SHOWN_WIDTH = 40  # characters of each
SHOWN_LINES = 5  # numbers of lines
SHOWN_REASONS = 3  # and what is wrong with them


@dataclass(frozen=True)
class Table:
    """Wanted columns of one split, in the order of its source."""

    source: str  # as messages name it
    columns: Mapping[str, Sequence[Any]]
    numbers: Sequence[int]  # of each example's line (its first, where it has several) or row, counted from 1
    unit: str = "line"
    spelled: bool = False  # every value is a string, numbers too
    # By column, in their order, where the source declares one.
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what was taken of its format, a sentence each
    sources: Sequence[str] = ()  # of each example, where there are several
    there: Sequence[str] = ()  # names of all columns of the source, wanted or not; none where it is no table
    without_header: str = ""  # the setting by which its first line is an example, where it may be one

    def __len__(self) -> int:
        return len(self.numbers)

    def source_of(self, index: int) -> str:
        """Name the file of an example in a message."""
        return self.sources[index] if self.sources else self.source

    def place(self, index: int) -> str:
        """Name an example in a message: its file and line."""
        return f"{self.source_of(index)}, {self.unit} {self.numbers[index]}"

    def at(self, indices: Sequence[int]) -> Table:
        """Return the examples at `indices`, in that order."""
        columns = {name: [values[index] for index in indices] for name, values in self.columns.items()}
        sources = [self.sources[index] for index in indices] if self.sources else ()
        return replace(self, columns=columns, numbers=[self.numbers[index] for index in indices], sources=sources)


def joined(tables: Sequence[Table], source: str) -> Table:
    """Return the examples of several files as one table. Raises WrongInput where a column is not in all of them."""
    first = tables[0]
    if len(tables) == 1:
        return first
    for table in tables:
        if missing := sorted(first.columns.keys() ^ table.columns.keys()):
            lacking = table if missing[0] in first.columns else first
            raise WrongInput(f"{lacking.source} has no column {missing[0]}, which others of {source} have")
        if table.class_names != first.class_names or table.spelled is not first.spelled:
            raise WrongInput(f"{table.source} and {first.source} name classes differently\nneeded: files of one kind")
    return replace(
        first,
        source=source,
        columns={name: [value for table in tables for value in table.columns[name]] for name in first.columns},
        numbers=[number for table in tables for number in table.numbers],
        notes=(*dict.fromkeys(note for table in tables for note in table.notes), f"{len(tables):,} files joined"),
        sources=[table.source for table in tables for _ in table.numbers],
    )


def wanted_there(wanted: Mapping[str, str], there: Collection[str], optional: Collection[str]) -> Mapping[str, str]:
    """Return the wanted columns without those that may be missing, and are."""
    return {column: setting for column, setting in wanted.items() if column in there or column not in optional}


def check_columns(source: str, there: Sequence[str], wanted: Mapping[str, str], remedy: str = "") -> None:
    """Raise WrongInput for a column that a source lacks, or has twice; lists those it has. `remedy`: another one."""
    for column, setting in wanted.items():
        if there.count(column) == 1:
            continue
        shown = [name[:SHOWN_WIDTH] for name in there[:SHOWN_COLUMNS]] + ["…"] * (len(there) > SHOWN_COLUMNS)
        near = difflib.get_close_matches(column, there, n=1)
        nothing = f"has no such column{f'; did you mean {near[0][:SHOWN_WIDTH]}?' if near else ''}"
        said = "has several columns of that name" if column in there else nothing
        key = setting.partition("=")[0]
        raise WrongInput(f"{setting}: {source} {said}\ncolumns there: {', '.join(shown)}\nset {key}=COLUMN{remedy}")


def check_rows(table: Table, wrong: Mapping[int, str], needed: str) -> None:
    """Raise WrongInput where examples are wrong, all at once: `wrong`, by index, says what each one is."""
    if not wrong:
        return
    first = table.source_of(next(iter(wrong)))
    reasons: dict[str, list[int]] = {}
    for index, reason in wrong.items():
        if table.source_of(index) == first:
            reasons.setdefault(reason, []).append(table.numbers[index])
    parts = [f"{lines(table.unit, numbers)}: {reason}" for reason, numbers in reasons.items()]
    here = sum(map(len, reasons.values()))
    more = [f"{len(parts) - SHOWN_REASONS:,} more"] if len(parts) > SHOWN_REASONS else []
    if here > 1:
        more.append(f"{here:,} in all")
    if here < len(wrong):
        more.append(f"{len(wrong) - here:,} in other files")
    raise WrongInput(f"{first}, {'; '.join([*parts[:SHOWN_REASONS], *more])}\n{needed}")


def lines(unit: str, numbers: Sequence[int]) -> str:
    """Name lines in a message: the first of them, and how many more there are."""
    if len(numbers) == 1:
        return f"{unit} {numbers[0]}"
    shown = ", ".join(map(str, numbers[:SHOWN_LINES]))
    return f"{unit}s {shown}" + (f" and {len(numbers) - SHOWN_LINES:,} more" if len(numbers) > SHOWN_LINES else "")


def counted(number: int, noun: str) -> str:
    """Say how many there are: "1 line", "2 lines"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shown_names(names: Iterable[str], most: int) -> str:
    """Return some of the names that a message lists, each cut to a width that leaves it readable."""
    cut = [name[:SHOWN_WIDTH] for name in names]
    return ", ".join([*cut[:most], *["…"] * (len(cut) > most)])

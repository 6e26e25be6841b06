"""The tables on a terminal, or as plain unwrapped text where the output is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeper.analysis.rows import Comparison
from sweeper.report.notes import closing_notes, notes
from sweeper.report.tables import closing_tables, text_tables
from sweeper.report.text import TextTable

PLAIN_WIDTH = 10_000  # wide enough that nothing is wrapped or cut
ROWS_SHOWN = 400  # of a table; more of them nobody reads on a screen
NOTES_SHOWN = 60
EDGES = 2  # characters that the box takes
FOLDED = 12  # characters that text is folded to at most before a table is parted


class PipedConsole(Console):
    """A console that leaves a reader's early end (`| head`) to the command; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled: pass it on."""
        self.quiet = True
        raise BrokenPipeError


def terminal(file: TextIO | None = None) -> Console:
    """Return a console on standard output or another file; colours and wrapping only on a real terminal."""
    file = file or sys.stdout
    live = file.isatty()
    width = None if live else PLAIN_WIDTH
    return PipedConsole(file=file, force_terminal=live, width=width, markup=False, highlight=False)


def print_tables(comparison: Comparison, console: Console) -> None:
    """Print the tables that a sweep ends with and what must be known about them."""
    _print_all(closing_tables(comparison), closing_notes(comparison), console)


def print_report(comparison: Comparison, console: Console) -> None:
    """Print all tables of a comparison and what must be known about them."""
    _print_all(text_tables(comparison), notes(comparison), console)


def _print_all(tables: Sequence[TextTable], lines: Sequence[str], console: Console) -> None:
    for table in tables:
        console.print(Text(table.title, style="bold"))
        for part in _parts(replace(table, blocks=table.beginning(ROWS_SHOWN)), console.width):
            console.print(rich_table(part), width=max(console.width, _least_width(part)), crop=False)
        if (hidden := table.rows - ROWS_SHOWN) > 0:
            more = f"and {hidden:,} more rows: python -m sweeper.report STUDY --format markdown"
            console.print(Text(more, style="dim"), soft_wrap=not console.is_terminal)
    for line in lines[:NOTES_SHOWN]:
        console.print(Text(line, style="dim"), soft_wrap=not console.is_terminal)
    if (hidden := len(lines) - NOTES_SHOWN) > 0:
        console.print(Text(f"and {hidden} more notes: python -m sweeper.report STUDY --format markdown", style="dim"))


def _parts(table: TextTable, width: int) -> Iterator[TextTable]:
    """Yield a table in as many parts as a screen needs, the columns that tell rows apart in each; no number is cut."""
    room = width - _least_width(_columns_of(table, ()))
    positions: list[int] = []
    for position in range(table.numeric, len(table.heads)):
        if positions and sum(_column_width(table, other) for other in (*positions, position)) > room:
            yield _columns_of(table, positions)
            positions = []
        positions.append(position)
    yield _columns_of(table, positions)


def _columns_of(table: TextTable, positions: Sequence[int]) -> TextTable:
    chosen = (*range(table.numeric), *positions)
    blocks = tuple(tuple(tuple(cells[position] for position in chosen) for cells in block) for block in table.blocks)
    return replace(table, heads=tuple(table.heads[position] for position in chosen), blocks=blocks)


def _least_width(table: TextTable) -> int:
    """Characters that a table needs at least: numbers whole, text folded."""
    widths = [_column_width(table, position) for position in range(len(table.heads))]
    return EDGES + sum(
        min(width, FOLDED) if position < table.numeric else width for position, width in enumerate(widths)
    )


def _column_width(table: TextTable, position: int) -> int:
    cells = [cells[position] for block in table.blocks for cells in block]
    return 1 + max(cell_len(line) for text in (table.heads[position], *cells) for line in (text.split("\n") or [""]))


def rich_table(table: TextTable) -> Table:
    """Return a table for rich; every cell is literal text, never markup."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for position, head in enumerate(table.heads):
        number = position >= table.numeric
        shown.add_column(Text(head), justify="right" if number else "left", overflow="fold", no_wrap=number)
    for block in table.blocks:
        for cells in block:
            shown.add_row(*map(Text, cells))
        shown.add_section()
    return shown

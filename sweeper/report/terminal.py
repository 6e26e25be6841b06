"""The tables on a terminal, or as plain unwrapped text where the output is none."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeper.analysis.rows import Comparison
from sweeper.report.headline import rule, verdict
from sweeper.report.notes import closing_notes, notes
from sweeper.report.ranking import ranking_tables
from sweeper.report.tables import closing_tables, text_tables
from sweeper.report.text import TextTable
from sweeper.trial.outcome import Status

PLAIN_WIDTH = 10_000  # wide enough that nothing is wrapped or cut
ROWS_SHOWN = 400  # of a table; more of them nobody reads on a screen
NOTES_SHOWN = 60
SPACE = 2  # characters between two columns, and half of it at either edge
FOLDED = 12  # characters that text is folded to at most before a table is parted; a longer word stays whole


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
    _print_answer(comparison, console)


def print_report(comparison: Comparison, console: Console) -> None:
    """Print all tables of a comparison and what must be known about them."""
    _print_all(text_tables(comparison), notes(comparison), console)
    _print_answer(comparison, console)


def _print_answer(comparison: Comparison, console: Console) -> None:
    """Print the ranking, where it is more than what two groups have, and the verdict."""
    if not any(row.status == Status.DONE for row in comparison.trials):
        return
    for table in ranking_tables(comparison):
        if table.rows > 2:
            console.print(Text(table.title, style="bold"))
            print_table(replace(table, blocks=table.beginning(ROWS_SHOWN)), console)
    for line in verdict(comparison):
        print_line(line, console, "bold")
    if said := rule(comparison):
        print_line(said, console)


def _print_all(tables: Sequence[TextTable], lines: Sequence[str], console: Console) -> None:
    for table in tables:
        console.print(Text(table.title, style="bold"))
        print_table(replace(table, blocks=table.beginning(ROWS_SHOWN)), console)
        if (hidden := table.rows - ROWS_SHOWN) > 0:
            print_line(f"and {hidden:,} more rows: python -m sweeper.report STUDY --format markdown", console)
    for line in lines[:NOTES_SHOWN]:
        print_line(line, console)
    if (hidden := len(lines) - NOTES_SHOWN) > 0:
        print_line(f"and {hidden} more notes: python -m sweeper.report STUDY --format markdown", console)


def print_line(line: str, console: Console, style: str = "dim") -> None:
    """Print a text in whole words; a word that is longer than the screen, as a path may be, stays one to copy."""
    width = console.width if console.is_terminal else PLAIN_WIDTH
    wrapped = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    console.print(Text(wrapped, style=style), soft_wrap=True)


def print_table(table: TextTable, console: Console) -> None:
    """Print a table without its title, in as many parts as the screen needs."""
    screen = console.width
    for part in _parts(table, screen):
        console.width = max(screen, _least_width(part))  # else what is wider would be squeezed, words and all
        console.print(rich_table(part, screen), crop=False)
    console.width = screen


def _parts(table: TextTable, width: int) -> Iterator[TextTable]:
    """Yield a table in as many parts as a screen needs, the columns that tell rows apart in each; no number is cut."""
    # Of columns that are all text the first tells the rows apart.
    telling = table.numeric if table.numeric < len(table.heads) else 1
    room = width - _least_width(_columns_of(table, range(telling)))
    positions: list[int] = []
    for position in range(telling, len(table.heads)):
        if positions and sum(_least_column_width(table, other) for other in (*positions, position)) > room:
            yield _columns_of(table, (*range(telling), *positions))
            positions = []
        positions.append(position)
    yield _columns_of(table, (*range(telling), *positions))


def _columns_of(table: TextTable, chosen: Sequence[int]) -> TextTable:
    blocks = tuple(tuple(tuple(cells[position] for position in chosen) for cells in block) for block in table.blocks)
    texts = sum(position < table.numeric for position in chosen)
    return replace(table, heads=tuple(table.heads[position] for position in chosen), numeric=texts, blocks=blocks)


def _least_width(table: TextTable) -> int:
    """Characters that a table needs at least: numbers and words whole, text folded between them."""
    return sum(_least_column_width(table, position) for position in range(len(table.heads)))


def _least_column_width(table: TextTable, position: int) -> int:
    width = _column_width(table, position)
    if position >= table.numeric:
        return width
    words = (word for text in _column_texts(table, position) for word in text.split())
    return max(min(width, FOLDED), SPACE + max(map(cell_len, words), default=0))


def _column_width(table: TextTable, position: int) -> int:
    return SPACE + max(cell_len(line) for text in _column_texts(table, position) for line in text.split("\n"))


def _column_texts(table: TextTable, position: int) -> list[str]:
    return [table.heads[position], *(cells[position] for block in table.blocks for cells in block)]


def _text_widths(table: TextTable, width: int) -> list[int]:
    """Characters of each column of text on a screen: what each needs at least, and more in turn while there is room."""
    columns = range(table.numeric)
    found = [_least_column_width(table, position) for position in columns]
    whole = [_column_width(table, position) for position in columns]
    for _ in range(width - _least_width(table)):
        growing = [position for position in columns if found[position] < whole[position]]
        if not growing:
            break
        found[min(growing, key=found.__getitem__)] += 1
    return found


def rich_table(table: TextTable, width: int = PLAIN_WIDTH) -> Table:
    """Return a table for rich on a screen so wide; every cell is literal text, never markup, and no word is broken."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    widths: Mapping[int, int] = dict(enumerate(_text_widths(table, width)))
    for position, head in enumerate(table.heads):
        number = position >= table.numeric
        own = widths[position] - SPACE if position in widths else None
        shown.add_column(Text(head), justify="right" if number else "left", overflow="fold", no_wrap=number, width=own)
    for block in table.blocks:
        for cells in block:
            shown.add_row(*map(Text, cells))
        shown.add_section()
    return shown

"""The report as one HTML page that needs nothing beside it: no network, no fonts, no files."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sweeper.analysis.rows import Comparison
from sweeper.data.facts import read_facts
from sweeper.report.data_text import plan_lines
from sweeper.report.figures import Figure, figure_csv, figures
from sweeper.report.figures.curves import CurveFigure
from sweeper.report.figures.drawing import draw
from sweeper.report.figures.tables import figure_table
from sweeper.report.inline_svg import inline_svg, natural_width
from sweeper.report.notes import all_data_notes, notes, pending
from sweeper.report.sentences import sentences
from sweeper.report.tables import text_tables
from sweeper.report.text import TextTable, printable

SOURCES = Path(__file__).with_name("template")
# Parts of the page, and how the titles of their tables begin; other tables are parts of their own.
PARTS = {
    "Groups": ("Groups",),
    "Differences": ("Differences", "Tests of the differences", "What so many seeds allow"),
    "Spread": ("Where the spread",),
    "Trials": ("Trials",),
    "Epochs": ("Epochs",),
    "Published": ("Beside published numbers",),
}
ROWS_SHOWN = 1000  # of a table; a browser sorts that at once
LARGEST_SCALE, LEAST_SCALE = 1.25, 0.75  # of a figure; below, its letters would be too small on a phone


@dataclass(frozen=True)
class DrawnFigure:
    """A figure and its files by format, "csv" among them."""

    figure: Figure
    files: Mapping[str, bytes]

    @property
    def file(self) -> str:
        """Name of its files without the format."""
        return re.sub(r"[^\w-]", "_", self.figure.name)


@dataclass(frozen=True)
class PageTable(TextTable):
    """A table as the page shows it: `hidden` more rows are in the file `whole`."""

    hidden: int
    whole: str


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it; widths in CSS pixels."""

    number: int
    figure: Figure
    svg: Markup
    file: str
    least_width: int
    most_width: int
    table: PageTable


@dataclass(frozen=True)
class Section:
    """A part of the page: lines, tables and figures, in this order; `short` is its name in the contents."""

    id: str
    short: str
    title: str
    lines: Sequence[str] = ()
    tables: Sequence[PageTable] = ()
    pictures: Sequence[Picture] = field(default_factory=tuple)


def draw_figures(comparison: Comparison) -> list[DrawnFigure]:
    """Draw all figures of a comparison."""
    return [DrawnFigure(figure, draw(figure) | {"csv": figure_csv(figure).encode()}) for figure in figures(comparison)]


def page(comparison: Comparison, name: str, drawn: Sequence[DrawnFigure], *, linked: bool = False) -> str:
    """Return the report as an HTML page, all text escaped, `linked` with the report's files that lie beside it."""
    environment = Environment(
        loader=FileSystemLoader(SOURCES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found = [item for item in _sections(comparison, drawn) if item.lines or item.tables or item.pictures]
    script = (SOURCES / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        name=printable(name),
        summary=f"Trials: {pending(comparison.whole)}.",
        sections=found,
        linked=linked,
        style=Markup((SOURCES / "page.css").read_text(encoding="utf-8") + _alignment(found)),
        script=Markup(script),
        script_hash=Markup("sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    )


def _sections(comparison: Comparison, drawn: Sequence[DrawnFigure]) -> Iterator[Section]:
    """Yield the page's parts: what was found first, then what it was found from, and how to read it all last."""
    words, data = sentences(comparison), _data_lines(comparison)
    pictures = [_picture(number, item) for number, item in enumerate(drawn, start=1)]
    curves = [item for item in pictures if isinstance(item.figure, CurveFigure)]
    tables = [
        page_table(table, "trials.csv" if table.title.startswith(PARTS["Trials"]) else "report.json")
        for table in text_tables(comparison)
    ]
    yield Section("words", "In words", "In words", words)
    yield Section("data", "Data", "Data", data)
    yield Section("curves", "Curves", "Epoch by epoch", pictures=curves)
    for name, beginnings in PARTS.items():
        own = [table for table in tables if table.title.startswith(beginnings)]
        shown = [item for item in pictures if item not in curves and item.figure.title.startswith(name)]
        title = own[0].title if len(own) == 1 else name
        yield Section(name.lower(), name, title, tables=own, pictures=shown)
        tables = [table for table in tables if table not in own]
    for number, table in enumerate(tables, start=1):
        yield Section(f"table-{number}", table.title.partition(" ")[0].rstrip(",:"), table.title, tables=[table])
    said = {*words, *data}
    yield Section("notes", "Notes", "How to read this", [line for line in notes(comparison) if line not in said])


def _data_lines(comparison: Comparison) -> list[str]:
    known = [(data.name, facts) for data in comparison.data if (facts := read_facts(data.facts))]
    plan = [line.strip() for name, facts in known for line in plan_lines(name, facts)]
    return list(dict.fromkeys([*plan, *all_data_notes(comparison)]))


def page_table(table: TextTable, whole: str) -> PageTable:
    """Return a table with as many rows as a page can bear; the file `whole` has all of them."""
    blocks, hidden = table.beginning(ROWS_SHOWN), max(0, table.rows - ROWS_SHOWN)
    return PageTable(table.title, table.heads, table.numeric, blocks, hidden, whole)


def _picture(number: int, drawn: DrawnFigure) -> Picture:
    svg, own = drawn.files["svg"], f"figure-{number}"
    width = natural_width(svg)
    return Picture(
        number=number,
        figure=drawn.figure,
        svg=Markup(inline_svg(svg, own, f"{own}-title")),
        file=drawn.file,
        least_width=round(LEAST_SCALE * width),
        most_width=round(LARGEST_SCALE * width),
        table=page_table(figure_table(drawn.figure), f"figures/{drawn.file}.csv"),
    )


def _alignment(found: Sequence[Section]) -> str:
    """Return the style that puts numbers to the right, once for all cells."""
    tables = [table for section in found for table in section.tables]
    tables += [item.table for section in found for item in section.pictures]
    selectors = (f".numeric-{first} td:nth-child(n + {first + 1})" for first in sorted({t.numeric for t in tables}))
    return f"{', '.join(selectors)} {{ text-align: right; padding: .25rem 0 .25rem .75rem; }}" if tables else ""

"""The report as one HTML page that needs nothing beside it: no network, no fonts, no files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sweeper.analysis.factors import ALWAYS
from sweeper.analysis.rows import Comparison
from sweeper.data.facts import read_facts
from sweeper.report.csv_file import csv_cell, csv_text
from sweeper.report.data_text import plan_lines
from sweeper.report.figures import Figure, figure_csv, figures
from sweeper.report.figures.curves import CurveFigure
from sweeper.report.figures.drawing import draw, draw_narrow
from sweeper.report.figures.intervals import HEADLINE
from sweeper.report.figures.tables import figure_table
from sweeper.report.headline import question, rule, verdict
from sweeper.report.inline_svg import inline_svg, natural_width
from sweeper.report.json_file import json_text
from sweeper.report.notes import all_data_notes, notes, pending
from sweeper.report.ranking import ranking_tables
from sweeper.report.sentences import sentences
from sweeper.report.tables import text_tables
from sweeper.report.tables.origin import origin_facts
from sweeper.report.text import Cells, TextTable, heading, printable, varying

SOURCES = Path(__file__).with_name("template")
# Parts of the page, and how the titles of their tables begin; other tables are folded parts of their own.
SHOWN_PARTS = {
    "Groups": ("Groups",),
    "Differences": ("Differences", "Tests of the differences", "What so many seeds allow"),
    "Tuning": ("Chosen on validation", "All values that were tried"),
    "Published": ("Beside published numbers",),
}
FOLDED_PARTS = {
    "Spread": ("Where the spread",),
    "Trials": ("Trials",),
    "Epochs": ("Epochs",),
}
TYPES = {
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": "text/csv;charset=utf-8",
    "json": "application/json",
}
HEADLINE_TITLE = "Every trial, and the groups by their means"
LARGEST_FILE = 600_000  # letters of a file inside the page
MOST_TRIALS = 1000  # whose files are made for the page: those of more are larger than that
WORDY = 18  # letters of a row's name
ROWS_SHOWN = 1000  # of a table; a browser sorts that at once
LARGEST_SCALE = 1.25  # of a figure


@dataclass(frozen=True)
class DrawnFigure:
    """A figure, its files by format, "csv" among them, and an SVG of it for a phone."""

    figure: Figure
    files: Mapping[str, bytes]
    narrow: bytes

    @property
    def file(self) -> str:
        """Name of its files without the format."""
        return re.sub(r"[^\w-]", "_", self.figure.name)


@dataclass(frozen=True)
class Download:
    """A file inside the page: it goes where the page goes."""

    name: str
    label: str
    address: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Download:
        """Return a file of this name."""
        ending = name.rpartition(".")[2]
        return cls(name, ending.upper(), f"data:{TYPES[ending]};base64,{base64.b64encode(content).decode()}")


@dataclass(frozen=True)
class PageTable(TextTable):
    """A table as the page shows it: `hidden` more rows are in the file `whole`."""

    hidden: int
    whole: Download | None

    @property
    def wordy(self) -> bool:
        """Whether a phone's screen has no room for the names of the rows in a line."""
        return any(len(cells[0]) > WORDY for block in self.blocks for cells in block)


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it, wide or narrow; widths in CSS pixels."""

    number: int
    figure: Figure
    wide: Markup
    narrow: Markup
    most_width: int
    narrow_width: int
    files: Sequence[Download]
    table: PageTable


@dataclass(frozen=True)
class Section:
    """A part of the page: lines, tables and figures, in this order; `short` is its name in the contents.

    `folded`: it is opened by who wants to know.
    """

    id: str
    short: str
    title: str
    lines: Sequence[str] = ()
    tables: Sequence[PageTable] = ()
    pictures: Sequence[Picture] = field(default_factory=tuple)
    folded: bool = True


def draw_figures(comparison: Comparison) -> list[DrawnFigure]:
    """Draw all figures of a comparison."""
    return [
        DrawnFigure(figure, draw(figure) | {"csv": figure_csv(figure).encode()}, draw_narrow(figure))
        for figure in figures(comparison)
    ]


def page(comparison: Comparison, name: str, drawn: Sequence[DrawnFigure]) -> str:
    """Return the report as an HTML page, all text escaped, with the files of its figures inside it."""
    environment = Environment(
        loader=FileSystemLoader(SOURCES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found = [item for item in _sections(comparison, drawn) if item.lines or item.tables or item.pictures]
    script = (SOURCES / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        name=printable(name),
        question=question(comparison),
        verdict=verdict(comparison),
        rule=rule(comparison),
        facts=[f"Trials: {pending(comparison.whole)}", *origin_facts(comparison)],
        sections=found,
        files=_files(comparison, name),
        style=Markup((SOURCES / "page.css").read_text(encoding="utf-8") + _alignment(found)),
        script=Markup(script),
        script_hash=Markup("sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    )


def _files(comparison: Comparison, name: str) -> list[Download]:
    """Return what programs read, where it is small enough to be mailed with the page."""
    if len(comparison.whole.trials) > MOST_TRIALS:
        return []
    found = [
        Download.of("trials.csv", csv_text(comparison).encode()),
        Download.of("report.json", json_text(comparison, name).encode()),
    ]
    return [item for item in found if len(item.address) <= LARGEST_FILE]


def _sections(comparison: Comparison, drawn: Sequence[DrawnFigure]) -> Iterator[Section]:
    """Yield the page's parts: the answer first, then what it rests on, and folded how it was found."""
    words, data = sentences(comparison), _data_lines(comparison)
    pictures = [_picture(number, item) for number, item in enumerate(drawn, start=1)]
    headlines = [item for item in pictures if item.figure.name.startswith(HEADLINE)]
    curves = [item for item in pictures if isinstance(item.figure, CurveFigure)]
    ranked = [page_table(table) for table in ranking_tables(comparison)]
    yield Section("ranking", "Ranking", HEADLINE_TITLE, pictures=headlines, tables=ranked, folded=False)
    telling = varying(comparison.factors, [row.factors for row in comparison.trials]) or ALWAYS
    tables = [page_table(named_by_one_column(table, comparison.factors, telling)) for table in text_tables(comparison)]
    for folded, parts in ((False, SHOWN_PARTS), (True, FOLDED_PARTS)):
        for name, beginnings in parts.items():
            own = [table for table in tables if table.title.startswith(beginnings)]
            shown = [item for item in pictures if item not in curves and item.figure.title.startswith(name)]
            title = own[0].title if len(own) == 1 else name
            yield Section(name.lower(), name, title, tables=own, pictures=shown, folded=folded)
            tables = [table for table in tables if table not in own]
        if not folded:
            yield Section("curves", "Curves", "Epoch by epoch", pictures=curves, folded=False)
            yield Section("words", "In words", "Every difference in words", words)
            yield Section("data", "Data", "Data", data)
    for number, table in enumerate(tables, start=1):
        yield Section(f"table-{number}", table.title.partition(" ")[0].rstrip(",:"), table.title, tables=[table])
    said = {*words, *data}
    yield Section("notes", "Notes", "How to read this", [line for line in notes(comparison) if line not in said])


def _data_lines(comparison: Comparison) -> list[str]:
    known = [(data.name, facts) for data in comparison.data if (facts := read_facts(data.facts))]
    plan = [line.strip() for name, facts in known for line in plan_lines(name, facts)]
    return list(dict.fromkeys([*plan, *all_data_notes(comparison)]))


def named_by_one_column(table: TextTable, factors: Sequence[str], telling: Collection[str]) -> TextTable:
    """Return a table whose rows are named by their first cell, which stays on a phone's screen, not by one a factor.

    The names are of those factors that are `telling`.
    """
    number = len(factors)
    if number < 2 or table.heads[:number] != tuple(heading(factor, factors) for factor in factors):
        return table
    kept = [place for place, factor in enumerate(factors) if factor in telling]

    def cells_of(cells: Cells, mark: str) -> Cells:
        return mark.join(cells[place] for place in kept), *cells[number:]

    blocks = tuple(tuple(cells_of(cells, " ") for cells in block) for block in table.blocks)
    return replace(table, heads=cells_of(table.heads, ", "), numeric=table.numeric - number + 1, blocks=blocks)


def page_table(table: TextTable) -> PageTable:
    """Return a table with as many rows as a page can bear; a file inside the page has all of them."""
    blocks, hidden = table.beginning(ROWS_SHOWN), max(0, table.rows - ROWS_SHOWN)
    name = re.sub(r"\W+", "_", table.title.lower())[:40].strip("_")
    file = Download.of(f"{name or 'table'}.csv", _table_csv(table)) if hidden else None
    return PageTable(table.title, table.heads, table.numeric, blocks, hidden, file)


def _table_csv(table: TextTable) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(csv_cell(" ".join(head.split())) for head in table.heads)
    writer.writerows(map(csv_cell, cells) for block in table.blocks for cells in block)
    return buffer.getvalue().encode()


def _picture(number: int, drawn: DrawnFigure) -> Picture:
    svg, own = drawn.files["svg"], f"figure-{number}"
    files = [Download.of(f"{drawn.file}.{ending}", content) for ending, content in drawn.files.items()]
    return Picture(
        number=number,
        figure=drawn.figure,
        wide=Markup(inline_svg(svg, own, f"{own}-title")),
        narrow=Markup(inline_svg(drawn.narrow, f"{own}-narrow", f"{own}-title")),
        most_width=round(LARGEST_SCALE * natural_width(svg)),
        narrow_width=round(LARGEST_SCALE * natural_width(drawn.narrow)),
        files=[item for item in files if len(item.address) <= LARGEST_FILE],
        table=page_table(figure_table(drawn.figure)),
    )


def _alignment(found: Sequence[Section]) -> str:
    """Return the style that puts numbers to the right, once for all cells."""
    tables = [table for section in found for table in section.tables]
    tables += [item.table for section in found for item in section.pictures]
    selectors = (f".numeric-{first} td:nth-child(n + {first + 1})" for first in sorted({t.numeric for t in tables}))
    return f"{', '.join(selectors)} {{ text-align: right; padding: .25rem 0 .25rem .75rem; }}" if tables else ""

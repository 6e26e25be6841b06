"""The report as Markdown."""

from __future__ import annotations

import re

from sweeper.analysis.rows import Comparison
from sweeper.report.cells import TextTable
from sweeper.report.notes import notes
from sweeper.report.tables import text_tables
from sweeper.report.text import printable


def markdown(comparison: Comparison, name: str) -> str:
    """Return the tables as Markdown (GitHub's pipe tables)."""
    parts = [f"# {escape_markdown(name)}", *map(markdown_table, text_tables(comparison))]
    parts.append("\n".join(f"- {escape_markdown(line)}" for line in notes(comparison)))
    return "\n\n".join(parts) + "\n"


def markdown_table(table: TextTable) -> str:
    """Return one table with its title as a heading."""
    rules = ["---:" if position >= table.numeric else "---" for position in range(len(table.heads))]
    heads = tuple(head.replace("\n", " ") for head in table.heads)
    rows = [heads, *(cells for block in table.blocks for cells in block)]
    head, *body = [f"| {' | '.join(escape_markdown(cell) for cell in row)} |" for row in rows]
    return "\n".join([f"## {escape_markdown(table.title)}", "", head, f"| {' | '.join(rules)} |", *body])


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, HTML in it included; an underscore inside a word needs no escape."""
    return re.sub(r"([\\`*\[\]<>|&~$]|\b_|_\b)", r"\\\1", printable(text))

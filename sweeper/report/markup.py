"""The report as Markdown, and as LaTeX to be \\input into a paper: booktabs, one table environment a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from sweeper.analysis.rows import Comparison
from sweeper.report.headline import question, verdict
from sweeper.report.notes import closing_notes, notes
from sweeper.report.sentences import sentences
from sweeper.report.tables import text_tables
from sweeper.report.tables.groups import group_table
from sweeper.report.text import TextTable, printable
from sweeper.trial.outcome import Status

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "≤": r"\ensuremath{\leq}",
    "≈": r"\ensuremath{\approx}",
    "–": r"\textendash{}",
    "…": r"\ldots{}",
    "\N{REPLACEMENT CHARACTER}": "?",
}
ESCAPES = str.maketrans(SPECIAL)
HEAD = r"""% {name}
% In the preamble: \usepackage[T1]{fontenc} \usepackage{textcomp,booktabs,graphicx}
% Characters that pdflatex does not know need lualatex or xelatex.
% What is wider than the line is shrunk to it:
\providecommand{\sweeperfit}[1]{\sbox0{#1}%
  \ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}
"""
LONG = 60  # characters of a text; a longer one is wrapped
LONG_WIDTH = r"0.7\linewidth"


def markdown(comparison: Comparison, name: str) -> str:
    """Return the tables as Markdown (GitHub's pipe tables)."""
    parts = [f"# {_escape_markdown(name)}", *map(_markdown_table, text_tables(comparison))]
    parts.append("\n".join(f"- {_escape_markdown(line)}" for line in notes(comparison)))
    return "\n\n".join(parts) + "\n"


def summary(comparison: Comparison) -> str:
    """Return in Markdown what a reader wants to know first: question, verdict, the groups, and what is said of them."""
    done = any(row.status == Status.DONE for row in comparison.trials)
    first = [_escape_markdown(question(comparison)), *(f"**{_escape_markdown(line)}**" for line in verdict(comparison))]
    groups = [_markdown_table(group_table(comparison))] if done else []
    said = [line for line in sentences(comparison) if line not in verdict(comparison)]
    listed = "\n".join(f"- {_escape_markdown(line)}" for line in [*said, *closing_notes(comparison)])
    return "\n\n".join([*first, *groups, listed])


def _markdown_table(table: TextTable) -> str:
    rules = ["---:" if position >= table.numeric else "---" for position in range(len(table.heads))]
    heads = tuple(head.replace("\n", " ") for head in table.heads)
    rows = [heads, *(cells for block in table.blocks for cells in block)]
    head, *body = [f"| {' | '.join(_escape_markdown(cell) for cell in row)} |" for row in rows]
    return "\n".join([f"## {_escape_markdown(table.title)}", "", head, f"| {' | '.join(rules)} |", *body])


def _escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, HTML in it included; an underscore inside a word needs no escape."""
    return re.sub(r"([\\`*\[\]<>|&~$]|\b_|_\b)", r"\\\1", printable(text))


def latex(comparison: Comparison, name: str) -> str:
    """Return the tables and the notes on them as LaTeX."""
    tables = [latex_table(table, number) for number, table in enumerate(text_tables(comparison), start=1)]
    lines = "\n".join(f"\\item {escape_latex(line)}" for line in notes(comparison))
    listed = f"\\begin{{itemize}}\n\\footnotesize\n{lines}\n\\end{{itemize}}\n"
    return "\n".join([HEAD.replace("{name}", printable(name)), *tables, listed])


def latex_table(table: TextTable, number: int) -> str:
    """Return one table; every block of rows is set apart."""
    lengths = [_longest(table, position) for position in range(len(table.heads))]
    alignment = "".join(
        "r" if position >= table.numeric else f"p{{{LONG_WIDTH}}}" if length > LONG else "l"
        for position, length in enumerate(lengths)
    )
    heads = [head.split("\n") for head in table.heads]
    height = max(map(len, heads))
    levels = [[lines[level - height + len(lines)] if level >= height - len(lines) else "" for lines in heads]
              for level in range(height)]  # fmt: skip
    blocks = "\n\\addlinespace\n".join("\n".join(map(_row, block)) for block in table.blocks if block)
    head = "\n".join(map(_row, levels))
    return f"""\\begin{{table}}[htbp]
\\centering\\small
\\caption{{{escape_latex(table.title)}}}
\\label{{tab:sweeper-{number}}}
\\sweeperfit{{%
\\begin{{tabular}}{{{alignment}}}
\\toprule
{head}
\\midrule
{blocks}
\\bottomrule
\\end{{tabular}}}}
\\end{{table}}
"""


def _longest(table: TextTable, position: int) -> int:
    heads = max(map(len, table.heads[position].split("\n")))
    return max([heads, *(len(cells[position]) for cells in chain(*table.blocks))])


def _row(cells: Sequence[str]) -> str:
    """Return a row; a bracket that starts one would be taken for an argument of the row before."""
    texts = [escape_latex(cell) for cell in cells]
    return " & ".join(f"{{}}{text}" if text.startswith(("[", "*")) else text for text in texts) + r" \\"


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is; without ligatures, -- would be a dash."""
    return printable(text).translate(ESCAPES).replace("--", "-{}-").replace("--", "-{}-")

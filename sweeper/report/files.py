"""The tables as Markdown and CSV, and all files of a study's tables."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from sweeper.comparison import Comparison, TrialRow
from sweeper.factors import Value
from sweeper.outcome import Status
from sweeper.report.cells import TextTable
from sweeper.report.json_file import json_text
from sweeper.report.latex import latex
from sweeper.report.notes import notes
from sweeper.report.study import open_study
from sweeper.report.tables import text_tables
from sweeper.report.text import printable

# Stable; other metrics (validation_macro_f1, test_macro_f1) follow, then what else varies, as on the command line.
TRIAL_COLUMNS = (
    "trial",  # name of its directory
    "status",
    "model",
    "framework",
    "seed",
    "data_seed",
    "metric",  # which metric selects the epoch; accuracies are shares of 1
    "validation",  # its best value on the validation set
    "test",  # its value on the test set at the same step
    "epoch",
    "step",
    "seconds",  # spent training
    "error",  # type of what stopped a failed trial
)


def study_tables(study: Path) -> dict[str, str]:
    """Return a study's tables as files, by name: tables.md, tables.tex, trials.csv, tables.json.

    Raises WrongInput when there is no such study.
    """
    opened = open_study(study)
    comparison = opened.comparison()
    return {
        "tables.md": markdown(comparison, opened.name),
        "tables.tex": latex(comparison, opened.name),
        "trials.csv": csv_text(comparison),
        "tables.json": json_text(comparison, opened.name),
    }


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


def csv_text(comparison: Comparison) -> str:
    """Return a line a trial: TRIAL_COLUMNS, then other metrics, then the other factors. Empty: not known.

    Where several studies are compared, trials are named STUDY/TRIAL.
    """
    buffer = io.StringIO()
    others = [f"{split}_{name}" for name in comparison.others for split in ("validation", "test")]
    names = [*dict.fromkeys([*TRIAL_COLUMNS, *others, *comparison.factors])]
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writerow({name: csv_cell(name) for name in names})
    for row in comparison.trials:
        values = dict(zip(comparison.factors, row.factors, strict=True)) | csv_values(row)
        writer.writerow({name: csv_cell(values.get(name)) for name in names})
    for name in comparison.planned:
        writer.writerow({"trial": csv_cell(name), "status": Status.PLANNED.value})
    return buffer.getvalue()


def csv_values(row: TrialRow) -> dict[str, Any]:
    """Return what a trial's row holds, by column."""
    own = {name: getattr(row, name) for name in TRIAL_COLUMNS if name not in ("trial", "status")}
    own |= {"trial": row.name, "status": row.status.value}
    others = {
        f"{split}_{name}": getattr(row.others[name], split) for name in row.others for split in ("validation", "test")
    }
    return own | others


def csv_cell(value: Value) -> Value:
    """A cell that no spreadsheet takes for a formula, and no terminal for a command."""
    if isinstance(value, str):
        return printable(f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value)
    return "" if value is None else value

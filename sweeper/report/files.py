"""The tables as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sweeper.compare import Comparison, EpochRow, GroupRow, TrialRow
from sweeper.differences import DifferenceRow, difference_rows
from sweeper.factors import Value
from sweeper.record import encode_number
from sweeper.report.notes import notes
from sweeper.report.study import open_study
from sweeper.report.tables import TextTable, text_tables
from sweeper.report.text import printable
from sweeper.statistics import CONFIDENCE
from sweeper.trial import Status, plain

SCHEMA = 1
# What rows hold for other tables alone.
UNLISTED = ("order", "members", "settings", "config")

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
    """Return a study's tables as files, by name: tables.md, trials.csv, tables.json.

    Raises WrongInput when there is no such study.
    """
    opened = open_study(study)
    comparison = opened.comparison()
    return {
        "tables.md": markdown(comparison, opened.name),
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
    """Return a line a trial: TRIAL_COLUMNS, then other metrics, then the other factors. Empty: not known."""
    buffer = io.StringIO()
    others = [f"{split}_{name}" for name in comparison.others for split in ("validation", "test")]
    names = [*TRIAL_COLUMNS, *others, *comparison.factors[2:]]
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in comparison.trials:
        values = csv_values(row) | dict(zip(comparison.factors, row.factors, strict=True))
        writer.writerow({name: csv_cell(values.get(name)) for name in names})
    for name in comparison.planned:
        writer.writerow({"trial": csv_cell(name), "status": Status.PLANNED.value})
    return buffer.getvalue()


def csv_values(row: TrialRow) -> dict[str, Any]:
    """Return what a trial's row holds, by column."""
    own = {"trial": row.name, "status": row.status.value}
    others = {
        f"{split}_{name}": getattr(row.others[name], split) for name in row.others for split in ("validation", "test")
    }
    return asdict(row) | own | others


def csv_cell(value: Value) -> Value:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return "" if value is None else value


def json_text(comparison: Comparison, name: str) -> str:
    """Return all tables as JSON; nan and infinity are strings, as in records.

    `differences` holds every pair of groups that differ in one factor: `factor`, its values `first` and `second`, the
    other `factors`, and for validation, test and the other metrics the `difference` (first mean − second mean) with
    the bounds `low` and `high` of its interval of `confidence` (Welch's, see `sweeper.differences`).
    """
    content = {
        "schema": SCHEMA,
        "study": name,
        "factors": comparison.factors,
        "metrics": comparison.metrics,
        "notes": notes(comparison),
        "trials": json_rows(comparison, comparison.trials),
        "epochs": json_rows(comparison, comparison.epochs),
        "groups": json_rows(comparison, comparison.groups),
        "differences": json_differences(comparison),
        "confidence": CONFIDENCE,
        "planned": comparison.planned,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def json_rows(comparison: Comparison, rows: Iterable[TrialRow | EpochRow | GroupRow | DifferenceRow]) -> list[Any]:
    """Return rows as plain values, their factors by name."""
    return [
        finite(values_of(row) | {"factors": dict(zip(comparison.factors, row.factors, strict=True))}) for row in rows
    ]


def values_of(row: TrialRow | EpochRow | GroupRow | DifferenceRow) -> dict[str, Any]:
    """Return a row's own values as plain ones; other trials' rows in it by their names."""
    found = {item.name: getattr(row, item.name) for item in fields(row) if item.name not in UNLISTED}
    if isinstance(row, GroupRow):
        found["counted"] = [member.name for member in row.counted]
    values: dict[str, Any] = plain(found)
    return values


def json_differences(comparison: Comparison) -> list[Any]:
    """Return the differences as plain values, each with the factors that its groups have in common."""
    rows = json_rows(comparison, difference_rows(comparison))
    for row in rows:
        del row["factors"][row["factor"]]
    return rows


def finite(value: Any) -> Any:
    """Replace numbers that JSON does not have by strings, at any depth."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return encode_number(value) if isinstance(value, float) and not math.isfinite(value) else value

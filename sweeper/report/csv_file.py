"""Trials as CSV, for programs: stable columns first, then other metrics and what else varies."""

from __future__ import annotations

import csv
import io

from sweeper.analysis.factors import Value
from sweeper.analysis.rows import SETS, Comparison
from sweeper.report.text import printable
from sweeper.trial.outcome import Status

# Stable: attributes of a trial's row, and what they mean where the name does not say it.
TRIAL_COLUMNS = {
    "trial": "name of its directory, STUDY/TRIAL where several studies are compared",
    "status": "superseded: done, and measured otherwise since by another trial of the study",
    "model": "",
    "framework": "",
    "seed": "",
    "data_seed": "",
    "metric": "it selects the epoch",
    "validation": "at the best epoch; accuracies are shares of 1",
    "test": "at the same epoch",
    "epoch": "",
    "step": "",
    "seconds": "spent training",
    "error": "type of what stopped a failed trial",
    "collapse": "by what validation shows that a done trial learned nothing; empty: it does not",
}


def csv_text(comparison: Comparison) -> str:
    """Return a line a trial: `TRIAL_COLUMNS`, then other metrics, then the other factors. Empty: not known."""
    comparison = comparison.whole
    buffer = io.StringIO()
    others = [f"{split}_{name}" for name in comparison.others for split in SETS]
    names = [*dict.fromkeys([*TRIAL_COLUMNS, *others, *comparison.factors])]
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writerow({name: csv_cell(name) for name in names})
    for row in comparison.trials:
        values = dict(zip(comparison.factors, row.factors, strict=True)) | vars(row)
        values |= {"trial": row.name, "status": row.state}
        values |= {f"{split}_{name}": row.on(split, name) for name in row.others for split in SETS}
        writer.writerow({name: csv_cell(values.get(name)) for name in names})
    for name in comparison.planned:
        writer.writerow({"trial": csv_cell(name), "status": Status.PLANNED.value})
    return buffer.getvalue()


def csv_cell(value: Value) -> Value:
    """A cell that no spreadsheet takes for a formula, and no terminal for a command."""
    if isinstance(value, str):
        return printable(f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value)
    return "" if value is None else value

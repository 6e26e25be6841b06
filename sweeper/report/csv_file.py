"""The tables as Markdown and CSV, and all files of a study's tables."""

from __future__ import annotations

import csv
import io
from typing import Any

from sweeper.analysis.factors import Value
from sweeper.analysis.rows import Comparison, TrialRow
from sweeper.report.text import printable
from sweeper.trial.outcome import Status

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

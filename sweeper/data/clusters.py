"""Which examples belong together, by the column data.cluster: what each belongs to, and how many that makes."""

from __future__ import annotations

from collections.abc import Mapping

from sweeper.data import EVALUATED, Source
from sweeper.data.columns import class_names
from sweeper.data.limits import limited
from sweeper.data.missing import MARKS
from sweeper.data.splits import TITLES, missing_in
from sweeper.data.table import Table, check_columns, check_rows, counted
from sweeper.data.tabular import Tabular
from sweeper.errors import WrongInput


def clusters_of(tables: Mapping[str, Table], column: str | None) -> dict[str, tuple[str, ...]]:
    """Return what each example belongs to, of each split that validation and test are or are taken from.

    Nothing of train that only trains, nor of any split where `column` is None. Raises WrongInput where it is missing.
    """
    needed = tables if missing_in(tables) else EVALUATED
    return {
        split: _names(table, column) if column is not None and split in needed else ()
        for split, table in tables.items()
    }


def _names(table: Table, column: str) -> tuple[str, ...]:
    """Return a column as names, read as labels are: 1, 1.0 and "1" are one."""
    asked = f"data.cluster={column}"
    if not table.there:
        raise WrongInput(
            f"{asked}: {table.source} is a directory for each class and has no columns\n"
            "needed: a table, as CSV, JSON or parquet; or leave it out"
        )
    if column not in table.columns:
        check_columns(table.source, table.there, {column: asked})
    names, faults = class_names(table, column, what="name")
    marks = {index: f"{column} is {name}, which names nothing" for index, name in enumerate(names) if name in MARKS}
    check_rows(
        table,
        dict(sorted({**faults.missing, **faults.wrong, **marks}.items())),
        f"needed for {asked}: a string, a number, or true or false in every example that validation or test may have\n"
        "an example that belongs to no other needs a value of its own",
    )
    return tuple(names)


def cluster_column(source: Source) -> str | None:
    """Return the column that says what a data set's examples belong to; None where none does."""
    return source.cluster if isinstance(source, Tabular) else None


def cluster_note(source: Source) -> str:
    """Say how many clusters validation and test have, after limits; empty where nothing tells."""
    column = cluster_column(source)
    if column is None:
        return ""
    splits = limited(source, source.splits())
    kind = "question" if source.task == "qa" else "text"
    said = [
        f"{TITLES[split]} has {counted(len({*splits[split].clusters}), 'cluster')} of"
        f" {counted(len(splits[split]), kind)}"
        for split in EVALUATED
    ]
    return f"data.cluster={column}: {', '.join(said)}"

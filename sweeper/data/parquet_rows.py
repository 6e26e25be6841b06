"""Examples in parquet, with the names of classes that the datasets library writes beside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.data.dialects import Asked
from sweeper.data.table import Table, check_columns, lines, wanted_there
from sweeper.errors import WrongInput

NO_LABEL = -1  # the hub's mark of an example whose label is kept secret


def read_parquet(
    file: Path,
    wanted: Mapping[str, str] | None,
    asked: Asked,  # noqa: ARG001
    optional: Collection[str],
) -> Table:
    """Read columns of a file; `optional`: those that it may lack. Raises WrongInput."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as content:
            schema = content.schema_arrow
            there = schema.names
            wanted = {name: "" for name in there} if wanted is None else wanted_there(wanted, there, optional)
            check_columns(str(file), there, wanted)
            rows = content.read(columns=list(wanted), use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise WrongInput(f"{file} is not a parquet file: {error}"[:300].replace("\n", " ")) from error
    columns = {column: rows.column(column).to_pylist() for column in wanted}
    declared = {column: names for column, names in _class_names(schema.metadata).items() if column in columns}
    for column, names in declared.items():
        columns[column] = named(columns[column], names, f"{file}", column)
    return Table(str(file), columns, range(1, rows.num_rows + 1), unit="row", class_names=declared, there=there)


def named(numbers: Sequence[Any], names: Sequence[str], source: str, column: str) -> list[str | None]:
    """Return the class that each number stands for; None: kept secret, or missing. Raises WrongInput for others."""
    known: dict[Any, str | None] = {None: None, NO_LABEL: None, **dict(enumerate(names))}
    unknown = [row for row, number in enumerate(numbers, start=1) if number not in known]
    if unknown:
        raise WrongInput(
            f"{source}, {lines('row', unknown)}: {column} is {str(numbers[unknown[0] - 1])[:40]}, and it has"
            f" {len(names):,} classes\nneeded: 0 to {len(names) - 1:,}, or {NO_LABEL} for a label that is not told"
        )
    return [known[number] for number in numbers]


def _class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Return the columns that the datasets library calls a ClassLabel, with the names of its numbers."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: tuple(map(str, feature["names"]))
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):  # others may call their own metadata so
        return {}

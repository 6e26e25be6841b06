"""The first rows of a file with the names of its columns, whatever they are called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sweeper.data.tables import csv_records, kind, text_lines, tsv_records

ROWS = 2000


@dataclass(frozen=True)
class Head:
    """Names of columns, and the first rows."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def head_of_file(file: Path) -> Head:
    """Return a file's column names and first rows. Raises WrongInput for what cannot be read."""
    reading = {".parquet": _of_parquet, ".json": _of_json_lines, ".jsonl": _of_json_lines, ".tsv": _of_tsv}
    return reading.get(kind(file.name), _of_csv)(file)


def _of_csv(file: Path) -> Head:
    return _of_records(csv_records(file))


def _of_tsv(file: Path) -> Head:
    return _of_records(tsv_records(file))


def _of_records(records: Iterator[tuple[int, list[str]]]) -> Head:
    header = tuple(name.strip() for name in next(records)[1])
    rows = [fields for _, fields in islice(records, ROWS) if len(fields) == len(header)]
    return Head(header, rows)


def _of_json_lines(file: Path) -> Head:
    objects = []
    for line in islice((line for line in text_lines(file) if line.strip()), ROWS):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the line is refused with its number when the table is read
        objects += [value] if isinstance(value, dict) else []
    header = tuple(dict.fromkeys(name for item in objects for name in item))
    return Head(header, [[item.get(name) for name in header] for item in objects])


def _of_parquet(file: Path) -> Head:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as content:
            batch = next(content.iter_batches(batch_size=ROWS, use_threads=False))
    except (pyarrow.ArrowException, OSError, StopIteration):
        return Head((), ())  # as above
    columns = [column.to_pylist() for column in batch.columns]
    return Head(tuple(batch.schema.names), list(zip(*columns, strict=True)))

"""A table of answers as a file: CSV to look at, JSON lines and parquet for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sweeper.data.example_keys import key_text
from sweeper.records.files import encode_number
from sweeper.report.csv_file import csv_cell

if TYPE_CHECKING:
    from sweeper.analysis.answers import AnswerTable, Column

FORMATS = ("csv", "jsonl", "parquet")
DIGITS = 7  # of numbers as text; float32 has no more
TEXTS = ("text", "second")


def answers_file(table: AnswerTable, format_name: str) -> bytes:
    """Return a table in one of `FORMATS`: a row an example, and for each trial what it answered."""
    if format_name == "parquet":
        return _parquet(table)
    lines = _csv(table) if format_name == "csv" else _json_lines(table)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _examples(table: AnswerTable) -> dict[str, list[Any]]:
    """Return the columns before those of the trials."""
    numbers = range(len(table.rows))
    pairs = any(len(texts) > 1 for texts in table.texts.values())
    texts = {
        name: [dict(enumerate(table.texts.get(number, ()))).get(place) for number in numbers]
        for place, name in enumerate(TEXTS)
        if table.texts and (place == 0 or pairs)
    }
    return {
        "data": [row.data for row in table.rows],
        "example": [key_text(row.example) for row in table.rows],
        "occurrence": [row.occurrence for row in table.rows],
        **texts,
        "label": [table.labels.get(number, _label(row.label)) for number, row in enumerate(table.rows)],
    }


def _label(label: int | None) -> str | None:
    return None if label is None else str(label)


def _cell(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value  # of numpy's kinds of numbers
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _places(table: AnswerTable) -> list[tuple[Column, Mapping[int, int]]]:
    """Return each column with the place of the value of every row that it has one of."""
    found: dict[int, Mapping[int, int]] = {}
    for column in table.columns:
        if id(column.rows) not in found:  # a trial's columns have the same rows
            found[id(column.rows)] = {row: place for place, row in enumerate(column.rows)}
    return [(column, found[id(column.rows)]) for column in table.columns]


def _row(columns: Sequence[tuple[Column, Mapping[int, int]]], number: int) -> Iterator[tuple[Column, Any]]:
    for column, places in columns:
        yield column, _cell(column.values[places[number]]) if number in places else None


def _csv(table: AnswerTable) -> Iterator[str]:
    known, columns = _examples(table), _places(table)
    yield _csv_line([*known, *(f"{column.trial}/{column.name}" for column in table.columns)])
    for number in range(len(table.rows)):
        yield _csv_line([*(values[number] for values in known.values()), *(own for _, own in _row(columns, number))])


def _csv_line(cells: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([csv_cell(cell) for cell in cells])
    return buffer.getvalue()


def _json_lines(table: AnswerTable) -> Iterator[str]:
    known, columns = _examples(table), _places(table)
    for number in range(len(table.rows)):
        trials: dict[str, Mapping[str, Any]] = {}
        for trial, cells in groupby(_row(columns, number), key=lambda pair: pair[0].trial):
            own = {column.name: value for column, value in cells if value is not None}
            if own:
                trials[trial] = {name: encode_number(v) if isinstance(v, float) else v for name, v in own.items()}
        line = {name: values[number] for name, values in known.items()} | {"trials": trials}
        yield json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


def _utf8(text: str) -> str:
    """Text without halves of surrogate pairs, which a model may answer and UTF-8 does not have."""
    return text.encode("utf-8", "backslashreplace").decode()


def _parquet(table: AnswerTable) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array(values) for name, values in _examples(table).items()}
    for column, places in _places(table):
        taken = pa.array([places.get(number) for number in range(len(table.rows))], pa.int64())
        values = [_utf8(own) for own in column.values] if column.name == "answer" else column.values
        columns[f"{column.trial}/{column.name}"] = pa.array(values).take(taken)
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()

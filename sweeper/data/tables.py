"""Files of examples as columns: CSV, TSV, JSON lines, parquet; every value keeps the number of its line.

Standard library only, except for parquet. What is wrong in a file is refused with its name and line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sweeper.errors import WrongInput

LARGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit, 131,072, is less than a book
SHOWN_COLUMNS = 12  # columns named in a message, and
SHOWN_WIDTH = 40  # characters of each
# A tab-separated field that a writer of CSV has quoted, with a quote inside: "He said ""no"""
QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


@dataclass(frozen=True)
class Table:
    """Wanted columns of one split, in the order of its source."""

    source: str  # as messages name it
    columns: Mapping[str, Sequence[Any]]
    numbers: Sequence[int]  # of each example's line (its first, where it has several) or row, counted from 1
    unit: str = "line"
    spelled: bool = False  # every value is a string, numbers too
    class_names: tuple[str, ...] = ()  # in their order, where the source declares one

    def place(self, index: int) -> str:
        """Name an example in a message: its file and line."""
        return f"{self.source}, {self.unit} {self.numbers[index]}"


def read_table(file: Path, wanted: Mapping[str, str]) -> Table:
    """Read columns of a file; `wanted`: column -> setting, {"stars": "data.label=stars"}. Raises WrongInput."""
    table = READERS[kind(file.name)](file, wanted)
    if not table.numbers:
        raise WrongInput(f"{file} holds no examples\nneeded: at least one")
    return table


def kind(name: str) -> str:
    """Return a file name's extension without .gz: a key of READERS, or of no known kind."""
    return Path(name.lower().removesuffix(".gz")).suffix


def _read_text(file: Path) -> str:
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix.lower() == ".gz" else file.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise WrongInput(f"{file}, line {number} is not UTF-8 ({error.reason})\nconvert the file to UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise WrongInput(f"{file} is not a whole gzip file: {error}") from error
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}") from error
    if not text.strip():
        raise WrongInput(f"{file} is empty\nneeded: one line an example")
    return text


def text_lines(file: Path) -> list[str]:
    """Return a UTF-8 file's lines, which end with a line feed or CR LF.

    Unlike `str.splitlines`, this leaves U+2028, U+0085 and the like inside a line, where texts have them.
    """
    return [line.removesuffix("\r") for line in _read_text(file).removesuffix("\n").split("\n")]


def csv_records(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each record's first line, and its fields: RFC 4180, any line ends. Raises WrongInput."""
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(io.StringIO(_read_text(file), newline="\n"), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            said = str(error).partition(" - ")[0]  # what follows is advice to programmers
            raise WrongInput(
                f'{file}, line {number}: {said}\nneeded: a text that holds " or a line end stands in ", its own as ""'
            ) from error
        if fields:
            yield number, fields


def tsv_records(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and its fields, separated by tabs. Raises WrongInput."""
    for number, line in enumerate(text_lines(file), start=1):
        if not line:
            continue
        fields = line.split("\t")
        if any(field[:1] == '"' and QUOTED.fullmatch(field) for field in fields):
            raise WrongInput(
                f"{file}, line {number} is quoted as in CSV\nallowed in .tsv: no quoting at all\n"
                "save it as .csv, separated by commas, or as .jsonl"
            )
        yield number, fields


def _read_delimited(
    records_in: Callable[[Path], Iterator[tuple[int, list[str]]]], file: Path, wanted: Mapping[str, str]
) -> Table:
    records = records_in(file)
    _, fields = next(records)
    header = [name.strip() for name in fields]
    if len(header) == 1 and ";" in header[0] and header[0] not in wanted:
        raise WrongInput(f"{file} is separated by ;\nsave it with commas, as .csv, or with tabs, as .tsv")
    check_columns(str(file), header, wanted)
    positions = {column: header.index(column) for column in wanted}
    columns: dict[str, list[str]] = {column: [] for column in wanted}
    numbers: list[int] = []
    for number, fields in records:
        if len(fields) != len(header):
            raise WrongInput(
                f"{file}, line {number} has {len(fields)} fields, the header {len(header)}\n"
                "needed: as many in every line; in CSV a text that holds a comma stands in quotes"
            )
        for column, position in positions.items():
            columns[column].append(fields[position])
        numbers.append(number)
    return Table(str(file), columns, numbers, spelled=True)


def _read_json_lines(file: Path, wanted: Mapping[str, str]) -> Table:
    lines = {number: line for number, line in enumerate(text_lines(file), start=1) if line.strip()}
    objects = {number: _json_object(file, number, line, wanted) for number, line in lines.items()}
    check_columns(str(file), list(dict.fromkeys(name for item in objects.values() for name in item)), wanted)
    for number, item in objects.items():
        for column in wanted:
            if column not in item:
                raise WrongInput(f"{file}, line {number} lacks {column}\nneeded in every line: {', '.join(wanted)}")
    columns = {column: [item[column] for item in objects.values()] for column in wanted}
    return Table(str(file), columns, list(objects))


def _json_object(file: Path, number: int, line: str, wanted: Iterable[str]) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        where = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise WrongInput(f"{file}, line {number} is not JSON: {where}\nneeded: one object a line") from error
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a string", type(None): "null"}
        said = f"{file}, line {number} is {kinds.get(type(value), 'a number')}"
        needed = ", ".join(f'"{name}": …' for name in wanted)
        raise WrongInput(f"{said}, no object\nneeded on every line: {{{needed}}}")
    return value


def _read_parquet(file: Path, wanted: Mapping[str, str]) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as content:
            check_columns(str(file), content.schema_arrow.names, wanted)
            rows = content.read(columns=list(wanted), use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise WrongInput(f"{file} is not a parquet file: {error}"[:300].replace("\n", " ")) from error
    columns = {column: rows.column(column).to_pylist() for column in wanted}
    return Table(str(file), columns, range(1, rows.num_rows + 1), unit="row")


def check_columns(source: str, there: Sequence[str], wanted: Mapping[str, str]) -> None:
    """Raise WrongInput for a column that a source lacks, or has twice; lists those it has."""
    for column, setting in wanted.items():
        if there.count(column) == 1:
            continue
        shown = [name[:SHOWN_WIDTH] for name in there[:SHOWN_COLUMNS]] + ["…"] * (len(there) > SHOWN_COLUMNS)
        said = "has several columns of that name" if column in there else "has no such column"
        key = setting.partition("=")[0]
        raise WrongInput(f"{setting}: {source} {said}\ncolumns there: {', '.join(shown)}\nset {key}=COLUMN")


READERS: dict[str, Callable[[Path, Mapping[str, str]], Table]] = {
    ".jsonl": _read_json_lines,
    ".json": _read_json_lines,
    ".csv": partial(_read_delimited, csv_records),
    ".tsv": partial(_read_delimited, tsv_records),
    ".parquet": _read_parquet,
}
EXTENSIONS = (*READERS, *(f"{extension}.gz" for extension in READERS if extension != ".parquet"))

"""Tables of separated fields, as pandas, R, spreadsheets and exports of databases write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sweeper.data.dialects import (
    CHARACTERS,
    Asked,
    Mixed,
    Record,
    Separator,
    Unquoted,
    first_fields,
    has_width,
    records,
)
from sweeper.data.encodings import read_text
from sweeper.data.headers import names_instead
from sweeper.data.layout import Layout, lay_out
from sweeper.data.table import Table, check_columns, counted, lines, wanted_there
from sweeper.errors import WrongInput

USUAL = {".csv": Separator.comma, ".tsv": Separator.tab}
TITLES = {Separator.comma: "commas", Separator.semicolon: "semicolons", Separator.tab: "tabs", Separator.pipe: "pipes"}
SPREADSHEET = re.compile(r"\Asep=([,;\t|])\r?(?=\n)")  # Excel's way to tell the separator


def read_delimited(
    extension: str, file: Path, wanted: Mapping[str, str] | None, asked: Asked, optional: Collection[str]
) -> Table:
    """Read columns of a file; `optional`: those that it may lack. Raises WrongInput."""
    text, encoding_note = read_text(file, asked.encoding)
    told = SPREADSHEET.match(text)
    text = text[told.end() :] if told else text  # its line stays, empty: the others keep their numbers
    if not text.strip():
        raise WrongInput(f"{file} holds no examples\nneeded: at least one")
    separators = _separators(extension, asked, told.group(1) if told else "")
    separator = _separator(file, text, separators, wanted or {}, optional, asked)
    needed = (wanted or {}).keys() - {*optional}
    found, quoting_note = _records(file, text, separator, asked, needed)
    layout = lay_out(found, asked.columns, needed)
    if wanted is None:
        wanted = {name: "" for name in layout.header if name and layout.header.count(name) == 1}
    else:
        wanted = wanted_there(wanted, layout.header, optional)
    instead = "" if asked.columns else names_instead([record.fields for record in found if not record.is_blank])
    check_columns(str(file), layout.header, wanted, f"; where line 1 is an example: {instead}" if instead else "")
    positions = {column: layout.header.index(column) for column in wanted}
    width_notes = _check_widths(file, layout, positions.values(), asked)
    notes = [encoding_note] if encoding_note else []
    if separator != (asked.separator or USUAL[extension]):
        notes.append(f"separated by {TITLES[separator]} (data.separator={separator})")
    notes += [quoting_note] if quoting_note else []
    return Table(
        str(file),
        {column: [row.fields[position] for row in layout.rows] for column, position in positions.items()},
        [row.number for row in layout.rows],
        spelled=True,
        notes=(*notes, *layout.notes, *width_notes),
        there=layout.header,
        without_header=instead,
    )


def _separators(extension: str, asked: Asked, told: str) -> list[Separator]:
    if asked.separator:
        return [asked.separator]
    if told:
        return [separator for separator, character in CHARACTERS.items() if character == told]
    return [USUAL[extension], *(separator for separator in Separator if separator != USUAL[extension])]


def _separator(
    file: Path,
    text: str,
    separators: Sequence[Separator],
    wanted: Mapping[str, str],
    optional: Collection[str],
    asked: Asked,
) -> Separator:
    """Return the separator by which there are the wanted columns; else, of those that cut all lines alike, the first.

    Raises WrongInput where names are given for columns and several separators make as many.
    """
    if len(separators) == 1:
        return separators[0]
    if asked.columns:
        fitting = [separator for separator in separators if has_width(text, separator, len(asked.columns))]
        if len(fitting) > 1:
            titles = " or ".join(TITLES[separator] for separator in fitting)
            raise WrongInput(
                f"{file} is separated by {titles}: either way all lines have {len(asked.columns)} fields\n"
                f"set data.separator={fitting[0]} or data.separator={fitting[1]}"
            )
        if fitting:
            return fitting[0]
    headers = {separator: first_fields(text, separator) for separator in separators}
    for needed in (wanted.keys(), wanted.keys() - {*optional}):
        for separator, header in headers.items():
            if needed and needed <= {*header}:
                return separator
    wide = (separator for separator in separators if len(headers[separator]) > 1)
    alike = (separator for separator in wide if has_width(text, separator, len(headers[separator])))
    return next(alike, separators[0])


def _records(
    file: Path, text: str, separator: Separator, asked: Asked, needed: Collection[str]
) -> tuple[list[Record], str]:
    try:
        return records(text, separator, asked.quoting, lambda found: lay_out(found, asked.columns, needed).fits)
    except Mixed as error:
        raise WrongInput(
            f"{file}, line {error.number}: {error}\nneeded: one way in every line\n"
            "where both are meant as quotes: data.quoting=backslash"
        ) from error
    except Unquoted as error:
        raise WrongInput(
            f'{file}, line {error.number}: {error}\nneeded: a text that holds " or a line end stands in ", its own as'
            ' ""\nwhere quotes are characters like any other: data.quoting=none'
        ) from error
    except ValueError as error:
        raise WrongInput(
            f"{file}: {error}\nset data.quoting=double to read them as CSV, or data.quoting=none to keep every quote"
        ) from error


def _check_widths(file: Path, layout: Layout, positions: Collection[int], asked: Asked) -> list[str]:
    """Return what is to be said of rows that end early. Raises WrongInput for those that do not fit the columns."""
    needed, width = max(positions, default=0) + 1, len(layout.header)
    wrong = sorted([*layout.too_long(), *layout.shorter_than(needed)], key=lambda row: row.number)
    if wrong:
        numbers = lines("line", [row.number for row in wrong])
        has = f"has {len(wrong[0].fields)} fields" if len(wrong) == 1 else "have more or fewer fields"
        raise WrongInput(
            f"{file}, {numbers} {has}, {'data.columns' if asked.columns else 'the header'} {width}\n"
            "needed: as many in every line; in CSV a text that holds a comma stands in quotes"
        )
    short = len(layout.shorter_than(layout.named))
    return [f"{counted(short, 'line')} without the last columns, which are not read"] if short else []

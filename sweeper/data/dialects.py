"""How lines are cut into fields: separators and quoting, as they are asked for or as the file shows them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

LARGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit, 131,072, is less than a book
LOOKED_AT = 200  # records by which a separator is told where no header does
ESCAPED = "quotes are escaped by a backslash (data.quoting=backslash)"
QUOTED = re.compile(r'"(?:[^"]|"")*"', re.DOTALL)
SPACED = re.compile(r' +"(?:[^"]|"")*"\s*', re.DOTALL)
SPACES = "spaces before fields left out, which stand before quoted ones"
ESCAPE = re.compile(r"""\\(["\\\r\n])|\\""")


class Separator(StrEnum):
    """What stands between fields; a ; itself would end a shell's command."""

    comma = "comma"
    semicolon = "semicolon"
    tab = "tab"
    pipe = "pipe"


class Quoting(StrEnum):
    """What a field that holds separators, quotes or line ends looks like."""

    double = "double"  # in ", its own quotes as "": CSV's
    backslash = "backslash"  # in ", its own quotes as \"
    none = "none"  # a quote is a character like any other


CHARACTERS = {Separator.comma: ",", Separator.semicolon: ";", Separator.tab: "\t", Separator.pipe: "|"}
QUOTES_ARE_PLAIN = (Separator.tab, Separator.pipe)  # in most files with these


@dataclass(frozen=True)
class Asked:
    """How files are to be read where they do not tell, or tell otherwise; None: as they show."""

    separator: Separator | None = None
    quoting: Quoting | None = None
    encoding: str | None = None
    columns: tuple[str, ...] | None = None  # names for files without a header


class Record(NamedTuple):
    """One line, or several where a field has line ends, cut into its fields."""

    number: int  # of its first line, counted from 1
    fields: list[str]

    @property
    def is_blank(self) -> bool:
        """Whether it has fields and none holds anything, as spreadsheets leave them at the end."""
        return not any(field.strip() for field in self.fields)


class Unquoted(ValueError):
    """Quotes that do not go by the rule that was tried; `number` is the record's line."""

    def __init__(self, number: int, said: str) -> None:
        super().__init__(said)
        self.number = number


class Mixed(Unquoted):
    """Quotes of which some go by one rule and some by another."""


def split_lines(text: str) -> list[str]:
    """Return a text's lines, which end with a line feed, CR LF, or CR where there is no line feed at all.

    Unlike `str.splitlines`, this leaves U+2028, U+0085 and the like inside a line, where texts have them.
    """
    end = _line_end(text)
    return [line.removesuffix("\r") for line in text.removesuffix(end).split(end)]


def cut(
    text: str, separator: Separator, quoting: Quoting, *, spaced: bool = False, doubled: bool = True
) -> Iterator[Record]:
    """Yield the records of a text, but for empty lines. Raises Unquoted.

    `spaced`: fields begin after spaces. `doubled`: of quotes that a backslash escapes, others may be doubled.
    """
    if quoting == Quoting.none:
        for number, line in enumerate(split_lines(text), start=1):
            if line:
                yield Record(number, line.split(CHARACTERS[separator]))
        return
    csv.field_size_limit(LARGEST_FIELD)
    end, character = _line_end(text), CHARACTERS[separator]
    # "text", "label": of a header that is so written, no line's space is part of a field.
    spaced = spaced or f'{character} "' in text.lstrip().partition(end)[0]
    options: dict[str, str | bool] = {"delimiter": character, "strict": True, "skipinitialspace": spaced}
    if quoting == Quoting.backslash:
        text = ESCAPE.sub(lambda found: found.group() if found.group(1) else r"\\", text)  # others stay in a text
        options |= {"escapechar": "\\", "doublequote": doubled}
    reader = csv.reader(io.StringIO(text, newline=end), **options)  # type: ignore[arg-type]
    yield from _records_of(reader)


def _records_of(reader: Iterator[list[str]]) -> Iterator[Record]:
    while True:
        number: int = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # what follows is advice to programmers
            raise Unquoted(number, str(error).partition(" - ")[0]) from error
        if fields:
            yield Record(number, fields)


def _line_end(text: str) -> str:
    return "\r" if "\r" in text and "\n" not in text else "\n"


def first_fields(text: str, separator: Separator) -> list[str]:
    """Return the first record's fields without their outer space, whatever its quoting."""
    try:
        record = next(cut(text, separator, Quoting.double))
    except Unquoted:
        record = next(cut(text, separator, Quoting.none))
    return [field.strip() for field in record.fields]


def has_width(text: str, separator: Separator, width: int) -> bool:
    """Whether the first records have `width` fields each."""
    end = _line_end(text)
    sample = end.join(text.split(end, LOOKED_AT)[:LOOKED_AT])
    for quoting in (Quoting.double, Quoting.none if separator in QUOTES_ARE_PLAIN else Quoting.backslash):
        found: list[int] = []
        try:
            found += (len(record.fields) for record in cut(sample, separator, quoting))
        except Unquoted as error:
            if error.number < LOOKED_AT / 2 and "unexpected end" not in str(error):
                continue
        if found and all(size == width for size in found):
            return True
    return False


def records(
    text: str, separator: Separator, asked: Quoting | None, fits: Callable[[Sequence[Record]], bool]
) -> tuple[list[Record], str]:
    """Return a text's records and what was taken of their quoting that is not the separator's usual, "" for nothing.

    `fits` tells whether all records have the fields of the first. Raises Unquoted where no quoting is right, and
    ValueError where two are.
    """
    if asked and asked != Quoting.double:
        return list(cut(text, separator, asked)), ""
    if separator in QUOTES_ARE_PLAIN and not asked:
        return _plain_or_quoted(text, separator, fits)
    doubled = _tried(text, separator, Quoting.double)
    fail = isinstance(doubled, Unquoted) or not fits(doubled)
    if f'{CHARACTERS[separator]} "' in text:
        spaced = _tried(text, separator, Quoting.double, spaced=True)
        if not isinstance(spaced, Unquoted) and fits(spaced) and (fail or _has_spaced(doubled, spaced)):
            return spaced, SPACES
    if fail and '\\"' in text and not asked:
        escaped = _tried(text, separator, Quoting.backslash)
        if not isinstance(escaped, Unquoted) and fits(escaped):
            _check_escaped(text, separator, escaped)
            return escaped, ESCAPED
    if isinstance(doubled, Unquoted):
        raise doubled
    return doubled, ""


def _has_spaced(doubled: Sequence[Record] | Unquoted, spaced: Sequence[Record]) -> bool:
    """Whether a field that begins with a space keeps its quotes where that space is part of it."""
    return not isinstance(doubled, Unquoted) and any(
        field != other and SPACED.fullmatch(field)
        for record, without in zip(doubled, spaced, strict=False)
        for field, other in zip(record.fields, without.fields, strict=False)
    )


def _check_escaped(text: str, separator: Separator, escaped: Sequence[Record]) -> None:
    """Raise Mixed where some quotes are escaped by a backslash and others are doubled."""
    alone = cut(text, separator, Quoting.backslash, doubled=False)
    try:
        other = next((record.number for record in escaped if record != next(alone, None)), None)
    except Unquoted as error:
        other = error.number
    if other is not None:
        number = 1 + next(index for index, line in enumerate(split_lines(text)) if '\\"' in line)
        raise Mixed(other, f"it doubles quotes, and line {number} escapes one by a backslash")


def _tried(text: str, separator: Separator, quoting: Quoting, *, spaced: bool = False) -> list[Record] | Unquoted:
    try:
        return list(cut(text, separator, quoting, spaced=spaced))
    except Unquoted as error:
        return error


def _plain_or_quoted(
    text: str, separator: Separator, fits: Callable[[Sequence[Record]], bool]
) -> tuple[list[Record], str]:
    plain = list(cut(text, separator, Quoting.none))
    if '"' not in text:
        return plain, ""
    rules = [(Quoting.double, "fields in quotes are read by CSV's rules (data.quoting=double)")]
    rules += [(Quoting.backslash, ESCAPED)] if '\\"' in text else []
    for quoting, said in rules:
        quoted = _tried(text, separator, quoting)
        if isinstance(quoted, Unquoted) or not fits(quoted):
            continue
        if not fits(plain):
            if quoting == Quoting.backslash:
                _check_escaped(text, separator, quoted)
            return quoted, said
        if quoting == Quoting.double and _is_quoted(plain, quoted):
            return quoted, said
    kept = sum(bool(QUOTED.fullmatch(field)) for record in plain for field in record.fields)
    return plain, f"quotes are kept, {kept:,} fields stand in them (data.quoting=none)" if kept else ""


def _is_quoted(plain: Sequence[Record], quoted: Sequence[Record]) -> bool:
    """Whether quotes are CSV's, of records that both rules cut alike. Raises ValueError where both may be right."""
    if len(plain) != len(quoted):  # a text with line ends whose pieces all happen to have every field
        return False
    width = max(len(record.fields) for record in plain)
    for position in range(width):
        column = [record.fields[position] for record in plain if position < len(record.fields)]
        if all(QUOTED.fullmatch(field) for field in column[1:]) and len(column) > 2:
            return True
    fields = [field for record in plain for field in record.fields if '"' in field]
    in_quotes = [field for field in fields if QUOTED.fullmatch(field)]
    doubled = sum('""' in field[1:-1] for field in in_quotes)
    bare = len(fields) - len(in_quotes)  # a writer of CSV would have quoted these
    if doubled and bare:
        raise ValueError(f"{doubled:,} fields are quoted as in CSV, {bare:,} hold plain quotes")
    return bool(doubled)

"""Tables as others write them: equal to what pandas reads with every option given, and what is said of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas
import pytest

from sweeper.data.files import Files
from tests.labelled_files import cycle, refusal

TEXTS = [f"le film {number}, vu ; hier" for number in range(60)]
ROWS = list(zip(TEXTS, cycle(["neg", "pos"], 60), strict=True))
HEADER = ("text", "label")
STRINGS: dict[str, Any] = {"dtype": str, "keep_default_na": False}
RAW = {"quoting": csv.QUOTE_NONE}


def table(rows: Iterable[Sequence[Any]], header: Sequence[str] | None = HEADER, **options: Any) -> str:
    content = io.StringIO()
    csv.writer(content, **({"lineterminator": "\n"} | options)).writerows([*([header] if header else []), *rows])
    return content.getvalue()


def objects(rows: Iterable[Sequence[str]] = ROWS) -> list[dict[str, Any]]:
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Dialect:
    """A file, what to set to have it read, how pandas is told to read it, and what the plan says."""

    name: str
    content: str | bytes
    said: tuple[str, ...] = ()
    given: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    read: Callable[..., Any] = pandas.read_csv
    dropped: bool = False


def quoted(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, label) for text, (_, label) in zip(texts, ROWS, strict=False)]


SAYING = [f'il dit "{text}", non' for text in TEXTS]
MULTILINE = [f"{text}\nfin" for text in TEXTS]
ACCENTS = [f"été à Nîmes : {text} – « d’ici » €" for text in TEXTS]
PIPES = [f'#{number} "bon|mauvais" n\'est pas' for number in range(60)]
DIALECTS = [
    # Those of shared cases.
    Dialect(
        "short_tail.csv",
        table([(*row, "", "") if index != 50 else (*row, "") for index, row in enumerate(ROWS)], (*HEADER, "", "")),
        options={"usecols": [0, 1]},
    ),
    Dialect(
        "no_header.csv", table(ROWS, None), ("without a header",), {"columns": ["text", "label"]}, {"names": HEADER}
    ),
    Dialect(
        "latin1.csv",
        table([("été " + text, label) for text, label in ROWS]).encode("latin-1"),
        ("read as cp1252",),
        options={"encoding": "latin-1"},
    ),
    Dialect("semicolons.csv", table(ROWS, delimiter=";"), ("separated by semicolons",), options={"sep": ";"}),
    Dialect(
        "pandas_tabs.tsv",
        table([(text + ' "q"' * (index == 5), label) for index, (text, label) in enumerate(ROWS)], delimiter="\t"),
        ("CSV's rules",),
        options={"sep": "\t"},
    ),
    Dialect(
        "one_empty_text.csv",
        table([(text if index != 40 else "", label) for index, (text, label) in enumerate(ROWS)]),
        ("1 of 60 rows left out, which lack text",),
        {"missing": "drop"},
        dropped=True,
    ),
    Dialect("excel_tail.csv", table([*ROWS, ("", ""), ("", "")]), ("2 lines with nothing",), dropped=True),
    Dialect(
        "half_stars.csv", table([(text, [0.5, 1, 1.5, 2][index % 4]) for index, text in enumerate(TEXTS)]), ("numbers",)
    ),
    Dialect(
        "backslashes.csv",
        "text,label\n" + "".join(f'"he said \\"{text}\\", ok",{label}\n' for text, label in ROWS),
        ("escaped by a backslash",),
        options={"escapechar": "\\", "doublequote": False},
    ),
    Dialect(
        "r_table.tsv",
        '"text"\t"label"\n' + "".join(f'"{text}"\t"{label}"\n' for text, label in ROWS),
        ("CSV's rules",),
        options={"sep": "\t"},
    ),
    Dialect("array.json", json.dumps(objects()), ("one JSON array",), read=pandas.read_json),
    # Others.
    Dialect("pipes.csv", table(ROWS, delimiter="|"), ("separated by pipes",), options={"sep": "|"}),
    Dialect(
        "tweets_with_pipes.tsv",
        "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in quoted(PIPES)),
        options={"sep": "\t", **RAW},
    ),
    Dialect(
        "quotes_that_are_none.tsv",  # as in GLUE
        "label\ttext\n"
        + "".join(f'{label}\t"{text}" , he said . "\n' for text, label in ROWS[:30])
        + "".join(f'{label}\t" {text}\n' for text, label in ROWS[30:]),
        options={"sep": "\t", **RAW},
    ),
    Dialect("utf16.csv", table(quoted(ACCENTS)).encode("utf-16"), ("read as utf-16",), options={"encoding": "utf-16"}),
    Dialect(
        "utf16_without_mark.csv",
        table(quoted(ACCENTS)).encode("utf-16-le"),
        ("read as utf-16-le",),
        options={"encoding": "utf-16-le"},
    ),
    Dialect("utf8_with_mark.csv", table(quoted(ACCENTS)).encode("utf-8-sig"), options={"encoding": "utf-8-sig"}),
    Dialect(
        "cp1252.csv",
        table(quoted([text.replace("…", "") for text in ACCENTS])).encode("cp1252"),
        ("read as cp1252",),
        options={"encoding": "cp1252"},
    ),
    Dialect(
        "russian.csv",
        table([(f"Фильм {number} очень хороший", label) for number, (_, label) in enumerate(ROWS)]).encode("cp1251"),
        given={"encoding": "cp1251"},
        options={"encoding": "cp1251"},
    ),
    Dialect("old_mac.csv", table(quoted(SAYING), lineterminator="\r"), options={"lineterminator": "\r"}),
    Dialect(
        "excel.csv",  # where the comma is for decimals
        table(
            [(text, ["0,5", "1,0", "1,5"][index % 3]) for index, text in enumerate(TEXTS)],
            delimiter=";",
            lineterminator="\r\n",
        ),
        ("separated by semicolons", "labels are numbers"),
        options={"sep": ";"},
    ),
    Dialect(
        "excel_tells_the_separator.csv",
        "sep=;\n" + table(ROWS, delimiter=";"),
        ("separated by semicolons",),
        options={"sep": ";", "skiprows": 1},
    ),
    Dialect("quoted_newlines.csv", table(quoted(MULTILINE))),
    Dialect("quoted_newlines.tsv", table(quoted(MULTILINE), delimiter="\t"), ("CSV's rules",), options={"sep": "\t"}),
    Dialect(
        "quoted_newlines_of_windows.csv",
        table(quoted([text.replace("\n", "\r\n") for text in MULTILINE]), lineterminator="\r\n"),
    ),
    Dialect("all_quoted.csv", table(quoted(SAYING), quoting=csv.QUOTE_ALL)),
    Dialect(
        "quotes_inside.csv",
        "text,label\n" + "".join(f'le "film" {number},{label}\n' for number, (_, label) in enumerate(ROWS)),
    ),
    Dialect(
        "backslashes.tsv",
        "text\tlabel\n"
        + table(
            quoted([f'{text}\t"x" \\' for text in TEXTS]),
            None,
            delimiter="\t",
            escapechar="\\",
            doublequote=False,
            quoting=csv.QUOTE_ALL,
        ),
        ("escaped by a backslash",),
        options={"sep": "\t", "escapechar": "\\", "doublequote": False},
    ),
    Dialect(
        "r_row_names.csv",
        '"text","label"\n' + "".join(f'"{index}","{text}","{label}"\n' for index, (text, label) in enumerate(ROWS, 1)),
        ("row numbers",),
        options={"index_col": 0},
    ),
    Dialect(
        "pandas_index.csv",
        table([(index, *row) for index, row in enumerate(ROWS)], ("", *HEADER)),
        said=("columns without a name",),
        options={"index_col": 0},
    ),
    Dialect(
        "separator_at_every_end.csv",
        "text,label\n" + "".join(f'"{text}",{label},\n' for text, label in ROWS),
        options={"index_col": False},
    ),
    Dialect("blank_lines.csv", table(ROWS).replace("\n", "\n\n"), options={"skip_blank_lines": True}),
    Dialect("zipped.csv.gz", gzip.compress(table(ROWS).encode(), mtime=0), options={"compression": "gzip"}),
    Dialect(
        "lines.jsonl",
        "\n".join(
            json.dumps({**item, **({"nested": {"a": [1]}} if index % 3 else {})})
            for index, item in enumerate(objects())
        ),
        read=pandas.read_json,
        options={"lines": True},
    ),
    Dialect(
        "lines.jsonl.gz",
        gzip.compress("\n".join(map(json.dumps, objects())).encode(), mtime=0),
        read=pandas.read_json,
        options={"lines": True, "compression": "gzip"},
    ),
    Dialect(
        "array_on_lines.json",
        json.dumps(objects(), indent=1),
        ("one JSON array",),
        read=pandas.read_json,
    ),
    Dialect("commas.tsv", table(ROWS), ("separated by commas",), options={"sep": ","}),
    Dialect(
        "topics.csv",  # a class, a title and a text, without a header
        table(
            [(index % 4 + 1, f"title {index}", text) for index, text in enumerate(SAYING)], None, quoting=csv.QUOTE_ALL
        ),
        ("without a header",),
        {"columns": ["label", "title", "text"]},
        {"names": ["label", "title", "text"]},
    ),
    Dialect(
        "no_header.tsv",  # as CoLA
        "".join(f"gj04\t{index % 2}\t{'*' * (index % 2)}\t{text}\n" for index, text in enumerate(SAYING)),
        ("without a header",),
        {"columns": ["source", "label", "mark", "text"]},
        {"sep": "\t", "names": ["source", "label", "mark", "text"], **RAW},
    ),
    Dialect(
        "spaces.csv",
        '"text", "label"\n' + "".join(f'"{text}", "{label}"\n' for text, label in ROWS),
        options={"skipinitialspace": True},
    ),
    Dialect(
        "spaces_in_some_rows.csv",
        "text,label\n"
        + "".join(f'"{text}, vu",{" " * (index % 3)}"{label}"\n' for index, (text, label) in enumerate(ROWS)),
        ("spaces before fields left out",),
        options={"skipinitialspace": True},
    ),
    Dialect(
        "spaces_before_a_separator_in_quotes.csv",
        "label,text\n"
        + "".join(f'{label},{" " * (index % 2)}"{text}, vu"\n' for index, (text, label) in enumerate(ROWS)),
        ("spaces before fields left out",),
        options={"skipinitialspace": True},
    ),
    Dialect(
        "spaces_that_stay.csv",
        "text,label\n"
        + "".join(f'" ""{text}"", dit-il",{label}\n' for text, label in ROWS[:30])
        + "".join(f' le "film" {index},{label}\n' for index, (_, label) in enumerate(ROWS[30:])),
    ),
    Dialect(
        "both_escapes.csv",
        "text,label\n"
        + "".join(f'"dit ""{text}""",{label}\n' for text, label in ROWS[:59])
        + '"dit \\"oui\\", non",pos\n',
        given={"quoting": "backslash"},
        options={"escapechar": "\\"},
    ),
    Dialect(
        "table_of_another_name.txt",
        "".join(f'{text} "!\t{label}\n' for text, label in ROWS),
        ("without a header",),
        {"separator": "tab", "columns": ["text", "label"]},
        {"sep": "\t", "names": HEADER, **RAW},
    ),
    Dialect(
        "asked.csv",
        table(ROWS, delimiter=";"),
        given={"separator": "semicolon", "quoting": "double", "encoding": "utf-8"},
        options={"sep": ";"},
    ),
]


def read(source: Files) -> list[tuple[str, str]]:
    prepared = source.prepared()
    rows = [
        (text, prepared.label_names[label])
        for examples in prepared.splits.values()
        for text, label in zip(examples.texts, examples.labels, strict=True)
    ]
    return sorted(rows)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_rows_are_those_of_pandas(dialect: Dialect, tmp_path: Path) -> None:
    file = tmp_path / dialect.name
    file.write_bytes(dialect.content.encode() if isinstance(dialect.content, str) else dialect.content)
    source = Files(path=str(file), **dialect.given)
    source.check()
    options = dialect.options if dialect.read is not pandas.read_csv else STRINGS | dialect.options
    frame = dialect.read(file, **options)
    if dialect.dropped:
        frame = frame[frame["text"] != ""]
    assert read(source) == sorted(zip(frame["text"], frame["label"], strict=True))
    said = [note for note in source.notes() if " % of train" not in note]
    assert len(said) == len(dialect.said), said
    for note, expected in zip(said, dialect.said, strict=True):
        assert expected in note


@pytest.mark.parametrize(
    ("name", "content", "culprit"),
    [
        (
            "no_header.csv",
            table(ROWS, None),
            "data.text=text: no_header.csv has no such column\ncolumns there: le film 0",
        ),
        (
            "russian.csv",
            "text,label\nХороший фильм,1\nПлохой фильм,0\n".encode("cp1251"),
            "russian.csv, line 2 is not UTF-8 (invalid continuation byte), and what it is cannot be told\nset data.enc",
        ),
        (
            "damaged.csv",
            "text,label\nété à Nîmes,1\nça va,0\n".encode() + b"caf\xe9,1\n",
            "damaged.csv, line 4 is not UTF-8",
        ),
        ("polish.csv", "text,label\nmiło żółw łąka,1\n".encode("cp1250"), "polish.csv, line 2 is not UTF-8"),
        (
            "both.tsv",
            'text\tlabel\n"il dit ""non"""\t1\nil dit "oui"\t0\n',
            "both.tsv: 1 fields are quoted as in CSV, 1 hold plain quotes\nset data.quoting=double",
        ),
        (
            "ragged.csv",
            "text,label\n" + "a,b,1\n" * 7 + "c,0\n",
            "ragged.csv, lines 2, 3, 4, 5, 6 and 2 more have more or",
        ),
        (
            "holes.csv",
            "text,label\n" + "a,\n" * 7 + ",0\nc,0\n",
            "holes.csv, lines 2, 3, 4, 5, 6 and 2 more: label is missing; line 9: text is empty; 8 in all\nneeded: ",
        ),
        ("shifted.csv", "text,label\na, b,1\nc, d,0\n", "shifted.csv, lines 2, 3 have more or fewer fields"),
        (
            "header.csv",
            "review,sentiment\n" + "a,pos\nb,pos\nc,neg\nd,neg\n",
            "data.text=text: header.csv has no such column\ncolumns there: review, sentiment\nset",
        ),
        *(
            (
                f"{name}.csv",
                "text,label\n" + '"dit ""oui""",neg\n"dit ""non"" ici",pos\n' * 9 + f"{row}\n",
                f"{name}.csv, line {line}: {said}",
            )
            for name, row, line, said in (
                (
                    "mixed",
                    '"dit \\"oui\\", non",pos',
                    2,
                    "it doubles quotes, and line 20 escapes one by a backslash\nneeded",
                ),
                ("unclosed", '"a" and "b \\"0\\"",pos', 20, "',' expected after '\"'"),
                ("two", '"a" and "b 0",pos', 20, "',' expected after '\"'"),
            )
        ),
        ("big.json", "[[1, 2], [3]]", "big.json, line 1 is a list, no object"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_asked_for(name: str, content: str | bytes, culprit: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    assert refusal(Files(path=str(tmp_path / name))).replace("DIR", name).startswith(culprit)

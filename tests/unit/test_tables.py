from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from sweeper.data.table import Table
from sweeper.data.tables import EXTENSIONS, read_table
from tests.refusals import refusal_of

WANTED = {"text": "data.text=text", "stars": "data.label=stars"}
# What must stay inside a text: Python's other line ends, quotes, tabs and line ends where a format has room for them.
TEXTS = ["Un livre\u2028magnifique", 'Il dit "non", puis\x85rien', "très\x0bbien\x1c", "fin\r\nou\ndébut\tet"]


def write(directory: Path, name: str, content: str | bytes) -> Path:
    file = directory / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refusal(file: Path, wanted: dict[str, str] = WANTED) -> str:
    message = refusal_of(read_table, file, wanted)
    assert str(file) in message
    return message.replace(f"{file.parent}/", "")


def values(table: Table) -> list[tuple[str, object]]:
    return list(zip(table.columns["text"], table.columns["stars"], strict=True))


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv(end: str, mark: str, tmp_path: Path) -> None:
    rows = [f"{quoted(text)},x,{number}" for number, text in enumerate(TEXTS)]
    file = write(
        tmp_path, "train.csv", mark + end.join(["text, other ,stars", *rows[:2], "", *rows[2:], "plain,x, 9 "])
    )
    table = read_table(file, WANTED)
    assert values(table) == [*((text, str(number)) for number, text in enumerate(TEXTS)), ("plain", " 9 ")]
    # The header is line 1, the empty one 4; the fourth text lies on lines 6 to 8.
    assert list(table.numbers) == [2, 3, 5, 6, 9]
    assert table.place(3) == f"{file}, line 6" and table.spelled


def test_a_text_longer_than_the_csv_modules_limit(tmp_path: Path) -> None:
    file = write(tmp_path, "train.csv", f"stars,text\n1,{'mot ' * 50_000}\n")
    assert len(read_table(file, WANTED).columns["text"][0]) == 200_000


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path, "train.tsv", 'stars\ttext\r\n1\t"Bon\r\n\r\n0\tIl dit "non"\u2028"\r\n1\t"Tout"')
    table = read_table(file, WANTED)
    assert values(table) == [('"Bon', "1"), ('Il dit "non"\u2028"', "0"), ('"Tout"', "1")]
    assert list(table.numbers) == [2, 4, 5]


def test_tsv_that_was_quoted_is_read_so(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "train.tsv", 'stars\ttext\n1\tbon\n0\t"Il dit ""non"""\n'), WANTED)
    assert values(table) == [("bon", "1"), ('Il dit "non"', "0")]
    assert table.notes == ("fields in quotes are read by CSV's rules (data.quoting=double)",)


@pytest.mark.parametrize("name", ["train.jsonl", "train.json"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_json_lines(name: str, end: str, tmp_path: Path) -> None:
    stars = [1, "2", True, None]
    objects = [{"text": text, "stars": star} for text, star in zip(TEXTS, stars, strict=True)]
    lines = [json.dumps(item, ensure_ascii=index % 2 == 0) for index, item in enumerate(objects)]
    file = write(tmp_path, name, "\ufeff" + end.join([lines[0], "", *lines[1:], ""]))
    table = read_table(file, WANTED)
    assert values(table) == list(zip(TEXTS, stars, strict=True))
    assert list(table.numbers) == [1, 3, 4, 5] and not table.spelled


def test_parquet(tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    columns = {"stars": [1, 2, None, 1], "text": TEXTS, "text.other": ["x"] * 4, "other": [[1], [2], [3], [4]]}
    parquet.write_table(pyarrow.table(columns), file, row_group_size=3)
    table = read_table(file, WANTED)
    assert values(table) == list(zip(TEXTS, [1, 2, None, 1], strict=True))
    assert table.place(3) == f"{file}, row 4"
    dotted = read_table(file, {"text.other": "data.text=text.other"})
    assert list(dotted.columns["text.other"]) == ["x"] * 4


@pytest.mark.parametrize("name", ["train.csv.gz", "train.jsonl.gz", "train.tsv.gz", "train.json.gz"])
def test_gzip(name: str, tmp_path: Path) -> None:
    content = '{"text": "bon", "stars": "1"}\n' if "json" in name else "text,stars\nbon,1\n"
    content = content.replace(",", "\t") if "tsv" in name else content
    assert values(read_table(write(tmp_path, name, gzip.compress(content.encode(), mtime=0)), WANTED)) == [("bon", "1")]
    assert name.removeprefix("train") in EXTENSIONS


LINE = '{"text": "a", "stars": 1}\n'


@pytest.mark.parametrize(
    ("name", "content", "culprit"),
    [
        ("train.csv", "", "train.csv is empty"),
        ("train.jsonl", "\n \n", "train.jsonl is empty"),
        ("train.csv", "text,stars\n", "train.csv holds no examples"),
        ("train.csv", "text,stars\na,1\nb,c,2\n", "train.csv, line 3 has 3 fields, the header 2"),
        ("train.csv", 'text,stars\n"a\nb",1\nc\n', "train.csv, line 4 has 1 fields, the header 2"),
        ("train.csv", 'text,stars\na,1\n"b,2\nc,3\n', "train.csv, line 3: unexpected end of data"),
        ("train.csv", 'text,stars\n"a" b,2\n', "train.csv, line 2: ',' expected after '\"'"),
        ("train.csv", "text,stars\na\rb,2\n", "train.csv, line 2: new-line character seen"),
        ("train.tsv", "text\tstars\na\t1\tb\n", "train.tsv, line 2 has 3 fields, the header 2"),
        ("train.csv", "text,note\na,1\n", "data.label=stars: train.csv has no such column\ncolumns there: text, note"),
        ("train.csv", "text,stars,stars\na,1,2\n", "data.label=stars: train.csv has several columns of that name"),
        ("train.jsonl", '{"a": 1}\n', "data.text=text: train.jsonl has no such column\ncolumns there: a\n"),
        ("train.jsonl", LINE + "\n{text: 1}\n", "train.jsonl, line 3 is not JSON: Expecting property name"),
        ("train.jsonl", LINE + "[1]\n", "train.jsonl, line 2 is a list, no object"),
        ("train.jsonl", LINE + "1\n", "train.jsonl, line 2 is a number, no object"),
        ("train.jsonl", LINE + '{"a": ' + "9" * 5000 + "}", "train.jsonl, line 2 is not JSON: Exceeds the limit"),
        ("train.json", '[{"text": "a", "stars": 1}, 5]', "train.json, item 2 is a number, no object"),
        ("train.json", '[{"text": "a",\n "stars": }]', "train.json, line 2 is not JSON: Expecting value"),
        ("train.csv", "sep=;\n", "train.csv holds no examples"),
        ("train.json", '{\n"text": "a", "stars": 1}', "train.json, line 1 is not JSON"),
        ("train.jsonl", "[" * 100_000, "train.jsonl, line 1 is not JSON"),
        ("train.csv", b"text,stars\n\x81t\xe9,1\n", "train.csv, line 2 is not UTF-8"),
        ("train.jsonl", LINE.encode("utf-16")[:-1], "train.jsonl, line 1 is not UTF-16"),
        ("train.csv.gz", b"text,stars\n", "train.csv.gz is not a whole gzip file: Not a gzipped file"),
        ("train.csv.gz", gzip.compress(b"text,stars\na,1\n", mtime=0)[:-9], "train.csv.gz is not a whole gzip file"),
        ("train.parquet", b"PAR1", "train.parquet is not a parquet file"),
    ],
)
def test_wrong_files_are_named(name: str, content: str | bytes, culprit: str, tmp_path: Path) -> None:
    assert refusal(write(tmp_path, name, content)).startswith(culprit)


def test_wrong_parquet_columns_are_named(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["a"], "note": [1]}), tmp_path / "train.parquet")
    assert "data.label=stars: train.parquet has no such column\ncolumns there: text, note" in refusal(
        tmp_path / "train.parquet"
    )
    parquet.write_table(pyarrow.table({"text": [], "stars": []}), tmp_path / "train.parquet")
    assert "train.parquet holds no examples" in refusal(tmp_path / "train.parquet")


def test_a_long_list_of_columns_is_cut(tmp_path: Path) -> None:
    header = ",".join(f"column {number}" + "x" * 100 for number in range(50))
    message = refusal(write(tmp_path, "train.csv", f"{header}\n"))
    assert len(message) < 800 and "column 11" in message and "column 12" not in message


def test_planning_is_light(tmp_path: Path) -> None:
    file = write(
        tmp_path, "reviews.csv", "text,label\n" + "".join(f"texte {number},{number % 2}\n" for number in range(40))
    )
    code = (
        "import sys, sweeper.data.hub, sweeper.data.facts; from sweeper.data.files import Files;"
        f"source = Files(path={str(file)!r}); source.check(); source.digest(); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "torch", "datasets", "tokenizers", "pyarrow", "pandas", "huggingface_hub"} & set(
        loaded.split()
    )

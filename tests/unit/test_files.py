from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data import DataSource
from sweeper.data.class_checks import Classes
from sweeper.data.files import Files
from sweeper.errors import WrongInput
from sweeper.trial.settings import check_ranges
from sweeper.trial.trial import result_settings
from tests.labelled_files import Columns, cycle, labelled, one_file, refusal, texts, three, write, write_csv


@pytest.mark.parametrize("extension", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("valid", ["valid", "validation", "dev", "val"])
def test_every_kind_of_file_reads_the_same(extension: str, valid: str, tmp_path: Path) -> None:
    for name, split, size in (("train", "train", 6), (valid, "valid", 2), ("test", "test", 4)):
        columns = labelled(split, size, (2, 10))
        if extension == ".json":
            write(tmp_path / f"{name}.jsonl", columns)
            (tmp_path / f"{name}.jsonl").rename(tmp_path / f"{name}.json")
        else:
            write(tmp_path / f"{name}{extension}", columns)
    source: DataSource = Files(path=str(tmp_path))
    source.check()
    assert source.label_names() == ("2", "10") and source.notes() == ()
    splits = source.splits()
    assert list(splits) == ["train", "valid", "test"]
    assert splits["valid"].texts == tuple(texts("valid", 2)) and splits["valid"].seconds == ()
    assert splits["train"].labels == (0, 1, 0, 1, 0, 1)
    content = {
        split: [[[text] for text in texts(split, size)], [number % 2 for number in range(size)]]
        for split, size in (("train", 6), ("valid", 2), ("test", 4))
    }
    canonical = json.dumps({"label_names": ["2", "10"], "splits": content}, sort_keys=True, ensure_ascii=False)
    assert source.digest() == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([10, 9, -1], ("-1", "9", "10")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["10", "9", "x"], ("10", "9", "x")),
        (["10", "09", "1"], ("09", "1", "10")),
        ([2.0, 1.0], ("1", "2")),
        ([True, False], ("false", "true")),
        (["é", "z", "Z", "a"], ("Z", "a", "z", "é")),  # by code point, whatever the locale
        (["4.5", "4"], ("4", "4.5")),  # strings, since JSON tells them from numbers
        ([" pos ", "neg"], ("neg", "pos")),
    ],
)
def test_order_of_classes(labels: list[Any], expected: tuple[str, ...], tmp_path: Path) -> None:
    source = three(
        tmp_path, **{split: labelled(split, 2 * len(labels), labels) for split in ("train", "valid", "test")}
    )
    assert source.label_names() == expected
    names = [str(label).strip() for label in labels]
    if set(names) == set(expected):
        assert source.splits()["train"].labels == tuple(expected.index(name) for name in names) * 2


def test_numbers_in_csv_are_those_in_json(tmp_path: Path) -> None:
    for split, labels in {"train": ["1.0", "0.0"], "test": ["0", "1"]}.items():
        write_csv(tmp_path / f"{split}.csv", labelled(split, 4, labels))
    write(tmp_path / "valid.jsonl", labelled("valid", 4, [0, 1.0]))
    source = Files(path=str(tmp_path))
    assert source.label_names() == ("0", "1")
    assert [examples.labels[:2] for examples in source.splits().values()] == [(1, 0), (0, 1), (0, 1)]


@pytest.mark.parametrize(
    ("split", "row", "culprit"),
    [
        ("train", {"label": [0.5]}, "train.jsonl, line 3: label is [0.5], which is no label"),
        ("train", {"label": None}, "train.jsonl, line 3: label is missing"),
        ("train", {"label": math.nan}, "train.jsonl, line 3: label is missing"),
        ("test", {"label": " "}, "test.jsonl, line 3: label is missing"),
        ("valid", {"label": ["pos"]}, "valid.jsonl, line 3: label is ['pos'], which is no label"),
        ("valid", {"label": "neutral"}, "valid.jsonl, line 3: label is 'neutral', which train lacks\nlabels of"),
        ("test", {"label": 1}, "test.jsonl, line 3: label is '1', which train lacks\nlabels of train: neg, pos"),
        ("train", {"label": "\ud83d"}, "train.jsonl, line 3: label holds half a surrogate pair"),
        ("train", {"text": "\ud83d"}, "train.jsonl, line 3: text holds half a surrogate pair"),
        ("train", {"text": 5}, "train.jsonl, line 3: text is 5, which is no string"),
        ("test", {"text": " \u2028"}, "test.jsonl, line 3: text is empty"),
        ("valid", {"text": None}, "valid.jsonl, line 3: text is missing"),
    ],
)
def test_wrong_rows_are_named(split: str, row: dict[str, Any], culprit: str, tmp_path: Path) -> None:
    source = three(tmp_path)
    file = tmp_path / f"{split}.jsonl"
    lines = file.read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | row)
    file.write_text("\n".join(lines))
    assert refusal(source).startswith(culprit)


def test_wrong_rows_of_csv_and_parquet_are_named(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text('text,label\n"a\nb",1\nc,\n')
    source = Files(path=str(tmp_path))
    assert refusal(source).startswith("train.csv, line 4: label is missing\nneeded: a text and a label")
    write(tmp_path / "scores.parquet", {"text": ["a", "b"], "label": [1.0, None]})
    source = Files(path=str(tmp_path / "scores.parquet"))
    assert refusal(source).startswith("DIR, row 2: label is missing")


def test_pairs(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        pairs: Columns = {"a": ["même", f"{split} a"], "b": [f"{split} b", "même"], "label": [1, 0]}
        write(tmp_path / f"{split}.jsonl", pairs)
    source = Files(path=str(tmp_path), text=["a", "b"])
    source.check()
    train = source.splits()["train"]
    assert (train.texts, train.seconds) == (("même", "train a"), ("train b", "même"))
    assert source.unlabelled() == ["train b", "train a"]  # what valid or test holds anywhere is no text to learn from
    assert source.digest() != replace(source, text=("b", "a")).digest()
    assert "text" not in result_settings(source)


@pytest.mark.parametrize(
    ("changes", "culprit"),
    [
        ({"path": None}, "data.path is missing"),
        ({"path": "nowhere/at/all"}, "data.path=DIR does not exist"),
        ({"text": "review"}, "data.text=review: train.jsonl has no such column\ncolumns there: text, label"),
        ({"text": ("text", "other")}, "data.text=[text,other]: train.jsonl has no such column\ncolumns there: text"),
        ({"label": "stars"}, "data.label=stars: train.jsonl has no such column\ncolumns there: text, label"),
        ({"validation_share": 0.3}, "data.validation_share=0.3 has no effect: data.path=DIR has its own validation"),
        ({"test_share": 0.3}, "data.test_share=0.3 has no effect: data.path=DIR has its own test"),
        ({"split_seed": 3}, "data.split_seed=3 has no effect: data.path=DIR has its own validation and test"),
        ({"limit": 2}, "data.limit=2 is less than the 3 classes of data.path=DIR"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], culprit: str, tmp_path: Path) -> None:
    splits = {split: labelled(split, 6, ("a", "b", "c")) for split in ("train", "valid", "test")}
    assert refusal(replace(three(tmp_path, **splits), **changes)).startswith(culprit)


@pytest.mark.parametrize(
    "changes",
    [
        *({"text": text} for text in ([], ["a", "b", "c"], ["a", "a"], {"a": "b"}, 1.5, "", None)),
        *({"label": label} for label in (None, True, ["a"], "text")),
    ],
)
def test_what_are_no_columns(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongInput, match=r"^data\.(text|label)=.*\nallowed: "):
        Files(**changes)


def test_columns_that_are_called_by_numbers(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("0,1\n" + "".join(f"texte {n},{n % 2}\n" for n in range(40)))
    source = Files(path=str(tmp_path), text=0, label=1)
    source.check()
    assert (source.text, source.label) == ("0", "1")
    with pytest.raises(WrongInput, match=r"data\.test_share=1\.0 is out of range"):
        check_ranges(replace(source, test_share=1.0), "data.")


def test_which_files_are_looked_for(tmp_path: Path) -> None:
    source = three(tmp_path)
    (tmp_path / "dev.csv").touch()
    assert "DIR has several files for one split: valid.jsonl, dev.csv" in refusal(source)
    for file in tmp_path.iterdir():
        file.unlink()
    for name in ("training.csv", "others.csv"):
        (tmp_path / name).touch()
    said = refusal(Files(path=str(tmp_path)))
    assert "DIR has no file of training examples" in said and "dev" in said and ".parquet" in said
    (tmp_path / "train.txt").touch()
    assert "is of no known kind\nallowed: .jsonl" in refusal(Files(path=str(tmp_path / "train.txt")))


def test_digest_follows_content_not_place_or_format(tmp_path: Path) -> None:
    source = three(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for split in ("train", "valid", "test"):
        write_csv(
            other / f"{split}.csv", {"note": range(4), "avis": texts(split, 4), "label": cycle(["neg", "pos"], 4)}
        )
    assert Files(path=str(other), text="avis").digest() == source.digest()
    assert Files(path=str(other), text="avis", label="note", classes=Classes.as_is).digest() != source.digest()
    renamed = {split: labelled(split, 4, ("negative", "positive")) for split in ("train", "valid", "test")}
    (tmp_path / "renamed").mkdir()
    assert three(tmp_path / "renamed", **renamed).digest() != source.digest()


def test_tokenizer_beside(tmp_path: Path) -> None:
    source = one_file(tmp_path, 40)
    assert source.tokenizer_path() is None
    (tmp_path / "tokenizer.json").touch()
    assert source.tokenizer_path() == Files(path=str(tmp_path)).tokenizer_path() == tmp_path / "tokenizer.json"

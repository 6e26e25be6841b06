"""Which files are train, validation and test: shards, the hub's directories, a directory for each class."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from sweeper.data.files import Files
from sweeper.data.parquet_rows import named
from sweeper.errors import WrongInput
from tests.labelled_files import labelled, refusal, texts, three, write


def shards(directory: Path, split: str, total: int, size: int = 10) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(total):
        write(directory / f"{split}-{number:05d}-of-{total:05d}.parquet", labelled(f"{split} {number}", size))


@pytest.mark.parametrize("place", ["", "data", "plain_text"])
def test_shards_are_joined_in_their_order(place: str, tmp_path: Path) -> None:
    shards(tmp_path / place, "train", 3)
    shards(tmp_path / place, "validation", 1)
    shards(tmp_path / place, "test", 2)
    (tmp_path / "README.md").write_text("a card")
    source = Files(path=str(tmp_path))
    splits = source.splits()
    assert {split: len(examples) for split, examples in splits.items()} == {"train": 30, "valid": 10, "test": 20}
    assert splits["train"].texts == tuple(text for number in range(3) for text in texts(f"train {number}", 10))
    assert source.notes() == ("train: 3 files joined", "test: 2 files joined")


def test_a_wrong_row_of_a_shard_is_named_by_its_file(tmp_path: Path) -> None:
    shards(tmp_path, "train", 2)
    write(tmp_path / "train-00001-of-00002.parquet", {"text": ["a", None, "c"], "label": ["neg", "pos", None]})
    said = refusal(Files(path=str(tmp_path)))
    assert said.startswith("train-00001-of-00002.parquet, row 2: text is missing; row 3: label is missing; 2 in all")


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    shards(tmp_path, "train", 4)
    (tmp_path / "train-00002-of-00004.parquet").unlink()
    assert "of its 4 parts number 00002 is missing, 1 in all" in refusal(Files(path=str(tmp_path)))


def test_several_data_sets_are_asked_for(tmp_path: Path) -> None:
    for name in ("cola", "sst2"):
        shards(tmp_path / name, "train", 1, 40)
    said = refusal(Files(path=str(tmp_path)))
    assert said == "data.path=DIR holds several data sets: cola, sst2\nset data.path=cola, or another of them"
    assert len(Files(path=str(tmp_path / "cola")).splits()["train"]) == 28


def test_names_with_a_capital(tmp_path: Path) -> None:
    for split in ("Train", "Valid", "Test"):
        write(tmp_path / f"{split}.csv", labelled(split, 10))
    assert len(Files(path=str(tmp_path)).splits()["valid"]) == 10
    write(tmp_path / "train.csv", labelled("train", 6))  # as before there were others
    assert len(Files(path=f"{tmp_path}/").splits()["train"]) == 6


def test_names_of_classes_in_parquet_are_kept(tmp_path: Path) -> None:
    kinds = {"text": {"_type": "Value"}, "label": {"names": ["pos", "neg"], "_type": "ClassLabel"}}
    features = json.dumps({"info": {"features": kinds}})
    for split, labels in {"train": [0, 1] * 20, "validation": [0, 1], "test": [-1, -1]}.items():
        rows = pyarrow.table({"text": texts(split, len(labels)), "label": labels})
        parquet.write_table(rows.replace_schema_metadata({"huggingface": features}), tmp_path / f"{split}.parquet")
    source = Files(path=str(tmp_path))
    assert source.label_names() == ("pos", "neg")  # in the declared order
    assert source.notes() == ("test: 20 % of train, stratified, split_seed 0; the data set's own has no labels",)


@pytest.mark.parametrize(("number", "shown"), [(-2, "-2"), (2, "2"), (5, "5")])
def test_numbers_that_name_no_class_are_refused(number: int, shown: str, tmp_path: Path) -> None:
    declared = {"names": ["pos", "neg"], "_type": "ClassLabel"}
    features = json.dumps({"info": {"features": {"label": declared}}})
    rows = pyarrow.table({"text": texts("all", 40), "label": [0, 1, number, number, *[0, 1] * 18]})
    parquet.write_table(rows.replace_schema_metadata({"huggingface": features}), tmp_path / "all.parquet")
    said = refusal(Files(path=str(tmp_path / "all.parquet")))
    assert said == (
        f"DIR, rows 3, 4: label is {shown}, and it has 2 classes\nneeded: 0 to 1, or -1 for a label that is not told"
    )
    with pytest.raises(WrongInput, match="split train, row 2: y is"):  # what the hub's reading calls
        named([0, number, None, -1], ("pos", "neg"), "data.name=x, split train", "y")


@pytest.mark.parametrize("name", ["reviews.csv", "my data.jsonl", "x.parquet"])
def test_a_directory_s_only_file_is_train(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, labelled("all", 40))
    for other in ("README.md", "tokenizer.json", "config.json"):
        (tmp_path / other).write_text("{}")
    source = Files(path=str(tmp_path))
    assert len(source.splits()["train"]) == 28
    assert source.notes()[0] == "train: the directory's only file of examples, and called by the name of no split"
    write(tmp_path / "other.csv", labelled("all", 40))
    assert "no file of training examples" in refusal(Files(path=f"{tmp_path}/"))


@pytest.mark.parametrize("name", ["valid.csv", "test.jsonl", "dev.tsv"])
def test_a_split_of_another_name_is_not_train(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, labelled("all", 40))
    assert "no file of training examples" in refusal(Files(path=str(tmp_path)))


def classes(directory: Path, title: str, size: int, *names: str) -> None:
    for name in names:
        (directory / name).mkdir(parents=True, exist_ok=True)
        for number in range(size):
            text = f"{title} {name} {number}\nsuite été\n"
            (directory / name / f"{number}_7.txt").write_text(text, encoding="latin-1" if number == 3 else "utf-8")


def test_a_directory_for_each_class(tmp_path: Path) -> None:
    classes(tmp_path, "all", 20, "pos", "neg")
    (tmp_path / "notes.txt").write_text("no text of a class")
    source = Files(path=str(tmp_path))
    assert source.label_names() == ("neg", "pos")
    every = {text for examples in source.splits().values() for text in examples.texts}
    assert len(every) == 40 and "all neg 11\nsuite été" in every and "all pos 3\nsuite été" in every
    assert source.notes()[:2] == (
        "train: a text a file, its directory the class",
        "train: 2 files read as cp1252 (data.encoding=cp1252)",
    )


def test_what_a_directory_of_classes_leaves_out_is_said(tmp_path: Path) -> None:
    classes(tmp_path, "all", 20, "pos", "neg")
    for name in ("1.html", "2.html", "notes.md", ".DS_Store"):
        (tmp_path / "pos" / name).write_text("no text")
    (tmp_path / "neg" / "more").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x.html").write_text("")
    assert Files(path=str(tmp_path)).notes()[2:4] == (
        "train: without a file, left out: nothing",
        "train: left out in the directories of classes, as they are no .txt files: *.html 2, directories 1, *.md 1",
    )


@pytest.mark.parametrize("inside", ["1.html", "1.TEXT", "more/1.txt"])
def test_a_class_none_of_whose_texts_is_read_is_refused(inside: str, tmp_path: Path) -> None:
    classes(tmp_path, "all", 20, "pos", "neg")
    (tmp_path / "neutral" / inside).parent.mkdir(parents=True)
    (tmp_path / "neutral" / inside).write_text("a text")
    said = refusal(Files(path=str(tmp_path))).splitlines()
    assert said[0] == "DIR has a directory without texts among those of classes: neutral" and len(said) == 3


def test_directories_of_splits_and_classes(tmp_path: Path) -> None:
    classes(tmp_path / "train", "train", 20, "pos", "neg", "unsup")
    classes(tmp_path / "test", "test", 10, "pos", "neg")
    source = Files(path=str(tmp_path))
    splits = source.splits()
    assert {split: len(examples) for split, examples in splits.items()} == {"train": 36, "valid": 4, "test": 20}
    assert splits["test"].texts[:2] == ("test neg 0\nsuite été", "test neg 1\nsuite été")
    assert "train: unsup: 20 texts without a class left out" in source.notes()
    (tmp_path / "test" / "pos" / "4_7.txt").write_text(" \n")
    again = Files(path=str(tmp_path / ".." / tmp_path.name))
    assert refusal(again).startswith("test/pos/4_7.txt, line 1: text is empty")
    assert "has no such column\ncolumns there: text, label" in refusal(Files(path=str(tmp_path), text="review"))


def test_a_directory_of_files_for_a_split(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("b", "a"):
        write(tmp_path / "train" / f"{name}.csv", labelled(name, 20))
    source = Files(path=str(tmp_path))
    assert source.splits()["train"].texts[0] == "texte a 0" and "train: 2 files joined" in source.notes()


def test_what_has_no_effect_is_refused(tmp_path: Path) -> None:
    three(tmp_path)
    for setting, value in {"separator": "tab", "quoting": "none", "columns": ("a", "b")}.items():
        said = refusal(Files(path=str(tmp_path), **{setting: value}))  # type: ignore[arg-type]
        assert said.startswith(f"data.{setting}=") and "has no effect: data.path=DIR is .jsonl" in said
    shards(tmp_path / "parquet", "train", 1)
    assert "data.encoding=utf-8 has no effect" in refusal(Files(path=str(tmp_path / "parquet"), encoding="utf-8"))
    assert "data.encoding=none is no encoding" in refusal(Files(path=str(tmp_path), encoding="none"))


def test_what_does_not_fit_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "all.csv").open("wb") as file:
        file.truncate(1 << 42)  # of holes
    assert "GB, does not fit into memory" in refusal(Files(path=str(tmp_path / "all.csv")))

"""Labels that may be none, classes that are rare, and what is said of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.class_checks import Classes
from sweeper.data.facts import data_facts
from sweeper.data.files import Files
from sweeper.data.missing import MARKS, Missing
from sweeper.errors import WrongInput
from tests.labelled_files import cycle, labelled, one_file, refusal, texts, three, write

AS_IS = "data.classes=as_is takes them as they are"


@pytest.mark.parametrize("mark", [*MARKS, ""])
def test_marks_of_missing_labels_are_no_class_among_others(mark: str, tmp_path: Path) -> None:
    labels = ("neg", "pos", mark, "neg", "pos")
    said = refusal(one_file(tmp_path, 100, labels))
    assert said.startswith("DIR, lines 4, 9, 14, 19, 24 and 15 more: label is ") and "20 in all" in said
    assert said.endswith("data.missing=drop leaves such rows out")
    assert AS_IS in said and len(said.splitlines()) == 3
    file = str(tmp_path / "reviews.csv")
    assert Files(path=file, classes=Classes.as_is).label_names() == tuple(sorted(["neg", "pos", mark or "(empty)"]))
    dropped = Files(path=file, missing=Missing.drop)
    assert dropped.label_names() == ("neg", "pos")
    assert dropped.notes()[0] == "train: 20 of 100 rows left out, which lack label (data.missing=drop)"
    assert sum(map(len, dropped.splits().values())) == 80


@pytest.mark.parametrize("mark", ["", "  "])
def test_empty_labels_are_dropped_where_marks_are_classes(mark: str, tmp_path: Path) -> None:
    one_file(tmp_path, 100, ("neg", "pos", mark, "NA", "pos"))
    source = Files(path=str(tmp_path / "reviews.csv"), classes=Classes.as_is, missing=Missing.drop)
    assert source.label_names() == ("NA", "neg", "pos")
    assert source.notes()[0] == "train: 20 of 100 rows left out, which lack label (data.missing=drop)"
    write(tmp_path / "all.jsonl", labelled("all", 100, ("neg", "pos", None, "NA")))
    nulls = Files(path=str(tmp_path / "all.jsonl"), classes=Classes.as_is, missing=Missing.drop)
    assert nulls.label_names() == ("NA", "neg", "pos")


@pytest.mark.parametrize("mark", ["\\N", "n/a", "none", "Null", "#N/A"])
def test_classes_that_may_be_marks_are_said(mark: str, tmp_path: Path) -> None:
    one_file(tmp_path, 90, ("neg", "pos", mark))
    source = Files(path=str(tmp_path / "reviews.csv"), classes=Classes.as_is)
    assert f"classes that may be missing labels: {mark}" in source.notes()


@pytest.mark.parametrize("header", ["text,label", "avis,note", "phrase,whatever", "whatever,target"])
def test_a_header_is_no_example_beside_rare_classes(header: str, tmp_path: Path) -> None:
    rows = [f"un film {number},{'neg pos'.split()[number % 2]}" for number in range(40)]
    (tmp_path / "all.csv").write_text("\n".join([header, *rows, "un seul,rare"]))
    names = ("a", "b")
    said = refusal(Files(path=str(tmp_path / "all.csv"), columns=names, text="a", label="b"))
    assert said.startswith("DIR, line 1 may be a header: no other line has the label ")
    (tmp_path / "none.csv").write_text("\n".join(["encore un,once", *rows, "un seul,rare"]))
    assert len(Files(path=str(tmp_path / "none.csv"), columns=names, text="a", label="b").label_names()) == 4


@pytest.mark.parametrize("given", ["text", 5, ["text"], [], ["a", "a"]])
def test_columns_are_all_named(given: Any) -> None:
    with pytest.raises(WrongInput, match=r"data.columns=.* does not name all columns\nneeded: a name for each column"):
        Files(path="x", columns=given)


def test_classes_that_a_limit_leaves_out_are_said(tmp_path: Path) -> None:
    labels = ["rare" if number < 20 else "ab"[number % 2] for number in range(400)]
    whole = one_file(tmp_path, 400, labels)
    assert not any("has no example" in note for note in data_facts(whole).notes)
    assert any(
        note.startswith("after limits validation has no example of 1 of 3 classes: 'rare' (")
        for note in data_facts(Files(path=whole.path, limit=8)).notes
    )


@pytest.mark.parametrize("mark", [name for name in MARKS if name != "None"])
def test_of_two_classes_each_is_one(mark: str, tmp_path: Path) -> None:
    source = one_file(tmp_path, 40, ("spam", mark))
    assert mark in source.label_names() and f"classes that may be missing labels: {mark}" in source.notes()


@pytest.mark.parametrize("value", [None, float("nan"), "", " ", "NA", -1, "-1"])
def test_a_split_without_labels_is_made_from_train(value: Any, tmp_path: Path) -> None:
    source = three(tmp_path, train=labelled("train", 40), test=labelled("test", 4, (value,)))
    assert len(source.splits()["test"]) == 8
    assert source.notes() == ("test: 20 % of train, stratified, split_seed 0; the data set's own has no labels",)
    partly = tmp_path / "partly"
    partly.mkdir()
    source = three(partly, train=labelled("train", 40), test=labelled("test", 4, (value, "neg")))
    assert refusal(source).startswith("test.jsonl, lines 1, 3: label is ")
    dropped = Files(path=str(partly), missing=Missing.drop)
    assert len(dropped.splits()["test"]) == 2 and "test: 2 of 4 rows left out" in dropped.notes()[0]


def test_a_split_without_the_column_is_made_from_train(tmp_path: Path) -> None:
    for extension in (".csv", ".jsonl", ".parquet"):
        directory = tmp_path / extension
        directory.mkdir()
        write(directory / f"train{extension}", labelled("train", 40))
        write(directory / f"test{extension}", {"id": range(4), "text": texts("test", 4)})
        source = Files(path=str(directory))
        assert len(source.splits()["test"]) == 8
        assert source.notes()[1] == "test: 20 % of train, stratified, split_seed 0; the data set's own has no labels"


def test_snlis_mark(tmp_path: Path) -> None:
    labels = (*["entailment", "neutral", "contradiction"] * 5, "-")
    assert "label is -, which names no class" in refusal(one_file(tmp_path, 160, labels))
    for labels in (("+", "-"), ("+", "-", "0")):
        directory = tmp_path / str(len(labels))
        directory.mkdir()
        assert one_file(directory, 60, labels).label_names() == labels


@pytest.mark.parametrize("separator", ["|", ";"])
def test_several_labels_in_one_are_refused(separator: str, tmp_path: Path) -> None:
    joined = f"drame{separator}comédie"
    said = refusal(one_file(tmp_path, 100, ("drame", "comédie", *["drame"] * 7, joined)))
    assert said.startswith(f"data.path=DIR: 10 of 100 training labels are several in one, as '{joined}'")
    assert said.endswith(AS_IS)
    path = str(tmp_path / "reviews.csv")
    assert len(Files(path=path, classes=Classes.as_is).label_names()) == 3
    for number, labels in enumerate((("drame", "comédie", *["drame"] * 18, joined), ("a", "b", f"a{separator}x"))):
        (tmp_path / str(number)).mkdir()  # 5 % of the labels; a part that is no label
        assert len(one_file(tmp_path / str(number), 100, labels).label_names()) == 3


def test_columns_of_anything_but_classes_are_refused(tmp_path: Path) -> None:
    said = refusal(one_file(tmp_path, 100, [f"{number}.5" for number in range(100)]))
    assert said.startswith("data.path=DIR: 100 of 100 classes have a single training example, as '0.5'")
    assert said.endswith(AS_IS)


def test_half_stars_are_classes_that_are_named_as_written(tmp_path: Path) -> None:
    source = one_file(tmp_path, 100, ("0.5", "1", "1.5", "2.0"))
    assert source.label_names() == ("0.5", "1", "1.5", "2")
    assert source.notes()[-1] == "labels are numbers; each of the 4 different ones is a class"
    write(tmp_path / "stars.jsonl", labelled("all", 100, (0.5, 1, 1.5, 2.0)))
    numbers = Files(path=str(tmp_path / "stars.jsonl"))
    assert numbers.label_names() == source.label_names() and numbers.digest() == source.digest()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("Pos", "pos", "neg"), "classes that are equal but for case: 'Pos' and 'pos'"),
        (("pos", " pos", "neg"), "labels that are equal but for outer space, one class each: pos"),
        (("0.5", "0.50", "1"), "classes that are equal but for how a number is written: '0.5' and '0.50'"),
    ],
)
def test_classes_that_are_nearly_equal_are_said(labels: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert said in one_file(tmp_path, 90, labels).notes()


def test_texts_that_may_be_missing_are_said(tmp_path: Path) -> None:
    write(tmp_path / "all.csv", {"text": [*texts("all", 38), "NA", "nan"], "label": cycle(["neg", "pos"], 40)})
    assert Files(path=str(tmp_path / "all.csv")).notes()[0] == "train: 2 texts only: NA, nan"


def test_a_rare_class_stays_in_train(tmp_path: Path) -> None:
    labels = ["rare" if number < 4 else "ab"[number % 2] for number in range(500)]
    source = one_file(tmp_path, 500, labels)
    source.check()
    counts = {split: Counter(examples.labels)[2] for split, examples in source.splits().items()}
    assert counts == {"train": 3, "valid": 0, "test": 1}
    assert source.notes()[-1] == "validation has no example of 1 of 3 classes: 'rare' (3 in train)"


def test_a_class_of_one_stays_in_train(tmp_path: Path) -> None:
    for place, labels in {"three": ["once", *["ab"[n % 2] for n in range(99)]], "two": ["once", *["a"] * 99]}.items():
        (tmp_path / place).mkdir()
        source = one_file(tmp_path / place, 100, labels)
        source.check()
        once = source.label_names().index("once")
        assert [split for split, examples in source.splits().items() if once in examples.labels] == ["train"]
        assert [len(examples) for examples in source.splits().values()] == [70, 10, 20]


def test_a_test_set_of_ones_own_may_lack_classes(tmp_path: Path) -> None:
    source = three(tmp_path, train=labelled("train", 40, ("a", "b", "c")), valid=labelled("valid", 9, ("a", "b", "c")),
                   test=labelled("test", 9, ("a", "b")))  # fmt: skip
    source.check()
    assert source.notes() == ("test has no example of 1 of 3 classes: 'c' (13 in train)",)


def test_lines_that_lack_a_field_of_json(tmp_path: Path) -> None:
    rows = [{"text": f"t {n}", "label": n % 2, **({} if n % 3 else {"more": {"n": [n]}})} for n in range(60)]
    del rows[4]["label"], rows[7]["text"]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = refusal(Files(path=str(tmp_path / "all.jsonl")))
    assert said.startswith("DIR, line 5: label is missing; line 8: text is missing; 2 in all\nneeded: ")

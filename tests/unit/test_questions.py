"""Questions and answers of a user's own, in files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data import Answered, QuestionSource
from sweeper.data.facts import question_facts
from sweeper.data.questions import QuestionFiles
from sweeper.errors import WrongInput
from sweeper.trial.trial import digest, result_settings
from tests.labelled_files import Columns, refusal, write


def pairs(split: str, size: int) -> Columns:
    return {
        "question": [f"qui {split} {number} ?" for number in range(size)],
        "answer": [f"« {split} » {number % 3}" for number in range(size)],
    }


def three(directory: Path, extension: str = ".jsonl") -> QuestionFiles:
    for split, size in (("train", 6), ("validation", 2), ("test", 3)):
        write(directory / f"{split}{extension}", pairs(split, size))
    return QuestionFiles(path=str(directory))


@pytest.mark.parametrize("extension", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_kind_of_file_reads_the_same(extension: str, tmp_path: Path) -> None:
    source: QuestionSource = three(tmp_path, extension)
    source.check()
    splits = source.splits()
    assert [(split, len(found)) for split, found in splits.items()] == [("train", 6), ("valid", 2), ("test", 3)]
    assert splits["valid"] == Answered(
        ("qui validation 0 ?", "qui validation 1 ?"), ("« validation » 0", "« validation » 1")
    )
    assert source.notes() == () and source.task == "qa" and not source.words_are_tokens
    columns = {split: [found.questions, found.answers] for split, found in splits.items()}
    assert source.digest() == digest(columns)


def test_one_file_is_split_in_three_at_random(tmp_path: Path) -> None:
    write(tmp_path / "faq.jsonl", pairs("all", 50))
    source = QuestionFiles(path=str(tmp_path / "faq.jsonl"))
    splits = source.splits()
    assert {split: len(found) for split, found in splits.items()} == {"train": 35, "valid": 5, "test": 10}
    every: dict[str, str] = {}
    for found in splits.values():
        every |= dict(zip(found.questions, found.answers, strict=True))
    whole = pairs("all", 50)
    assert every == dict(zip(whole["question"], whole["answer"], strict=True))
    assert source.notes() == (
        "validation: 10 % of train, drawn at random, split_seed 0",
        "test: 20 % of train, drawn at random, split_seed 0",
    )
    assert replace(source, limit=5).splits() == splits and replace(source, limit=5).digest() == source.digest()
    assert replace(source, split_seed=1).splits()["test"] != splits["test"]
    assert result_settings(source) == {"limit": None, "validation_share": 0.1, "test_share": 0.2, "split_seed": 0}


def test_shared_questions_are_counted_whatever_their_answers(tmp_path: Path) -> None:
    source = three(tmp_path)
    rows = pairs("test", 3)
    write(tmp_path / "test.jsonl", {**rows, "question": ["qui train 5 ?", "qui validation 0 ?", "nouveau ?"]})
    facts = question_facts(source)
    assert facts.class_counts == {"train": (6,), "valid": (2,), "test": (3,)} and facts.label_names == ()
    assert facts.leaked == {"valid": 0, "test": 2} and not facts.unbalanced
    limited = question_facts(replace(source, limit=2))
    assert limited.class_counts["train"] == (2,) and limited.leaked == {"valid": 0, "test": 1}
    # What is held out is nothing to make a tokenizer or weights of; the answers of other questions are.
    texts = source.unlabelled()
    assert "qui train 5 ?" not in texts and texts[:2] == ["qui train 0 ?", "« train » 0"] and len(texts) == 10


@pytest.mark.parametrize(
    ("split", "row", "culprit"),
    [
        ("train", {"answer": " "}, "train.jsonl, line 2: answer is empty"),
        ("test", {"question": ""}, "test.jsonl, line 2: question is empty"),
        ("test", {"answer": None}, "test.jsonl, line 2: answer is missing"),
        ("train", {"answer": 42}, "train.jsonl, line 2: answer is 42, which is no string"),
        ("train", {"answer": {"text": ["x"]}}, "train.jsonl, line 2: answer is {'text': ['x']}, which is no string"),
        ("train", {"question": "\ud83d"}, "train.jsonl, line 2: question holds half a surrogate pair"),
    ],
)
def test_wrong_rows_are_named(split: str, row: dict[str, Any], culprit: str, tmp_path: Path) -> None:
    source = three(tmp_path)
    file = tmp_path / f"{split}.jsonl"
    lines = file.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | row)
    file.write_text("\n".join(lines))
    assert refusal(source).startswith(culprit)


@pytest.mark.parametrize(
    ("changes", "culprit"),
    [
        ({"path": None}, "data.path is missing"),
        ({"question": "q"}, "data.question=q: train.jsonl has no such column\ncolumns there: question, answer\nset"),
        ({"answer": "a"}, "data.answer=a: train.jsonl has no such column"),
        ({"split_seed": 3}, "data.split_seed=3 has no effect: data.path=DIR has its own validation and test"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], culprit: str, tmp_path: Path) -> None:
    assert refusal(replace(three(tmp_path), **changes)).startswith(culprit)


@pytest.mark.parametrize("changes", [{"question": "answer"}, {"answer": None}, {"question": ["a"]}, {"question": ""}])
def test_what_are_no_columns(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongInput, match=r"^data\.(question|answer)=.*\nallowed: "):
        QuestionFiles(**changes)


@pytest.mark.parametrize(
    ("size", "changes", "culprit"),
    [
        (4, {}, "data.validation_share=0.1 of 4 examples is none for validation\nset a larger share"),
        (2, {"validation_share": 0.5}, "data.test_share=0.2 of 2 examples is none for test"),
        (10, {"test_share": 0.9}, "data.test_share=0.9 data.validation_share=0.1 of 10 examples leave nothing"),
    ],
)
def test_too_few_to_split(size: int, changes: dict[str, Any], culprit: str, tmp_path: Path) -> None:
    write(tmp_path / "faq.csv", pairs("all", size))
    assert refusal(QuestionFiles(path=str(tmp_path / "faq.csv"), **changes)).startswith(culprit)


def test_a_split_of_known_questions_is_refused(tmp_path: Path) -> None:
    source = three(tmp_path)
    write(tmp_path / "test.jsonl", {**pairs("validation", 2), "answer": ["autre", "encore"]})
    assert "every question of test is in train or valid too" in refusal(source)


def test_a_line_that_is_no_object_is_told_what_is_needed(tmp_path: Path) -> None:
    source = three(tmp_path)
    (tmp_path / "test.jsonl").write_text('["qui ?", "moi"]\n')
    assert refusal(source).endswith('line 1 is a list, no object\nneeded on every line: {"question": …, "answer": …}')

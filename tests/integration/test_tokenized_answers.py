from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.facts import SplitFacts, question_facts
from sweeper.data.questions import QuestionFiles
from sweeper.errors import WrongInput
from sweeper.tokens.prompted import tokenized_answers
from sweeper.tokens.tokenized import load_tokenized
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.labelled_files import load_facts

ROWS = {
    "train": [("qui lit ?", "une amie"), ("où ?", "ici")],
    "valid": [("quand ?", "demain")],
    "test": [("qui lit un livre long ?", "une amie"), ("quoi ?", "un livre"), ("où ?", "là")],
}
WORDS = "<human>: <assistant>: qui lit un livre long ? où quand une amie ici demain"


@pytest.fixture
def source(tmp_path: Path) -> QuestionFiles:
    directory = tmp_path / "faq"
    directory.mkdir()
    for split, pairs in ROWS.items():
        lines = [json.dumps({"question": question, "answer": answer}) for question, answer in pairs]
        (directory / f"{split}.jsonl").write_text("\n".join(lines))
    return QuestionFiles(path=str(directory))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return load(train_tokenizer(TokenizerKind.word, [WORDS], None, tmp_path / "words"))


def test_prompts_answers_and_facts(source: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path) -> None:
    directory = tokenized_answers(tmp_path / "ids", source, tokenizer, max_length=10)
    data, facts = load_tokenized(directory), load_facts(directory)
    shown = {
        split: [
            tuple(" ".join(tokenizer.pieces[index] for index in ids) for ids in in_two(example)) for example in rows
        ]
        for split, rows in data.items()
    }
    assert shown == {
        "train": [
            ("<s> <human>: qui lit ? <assistant>:", "une amie </s>"),
            ("<s> <human>: où ? <assistant>:", "ici </s>"),
        ],
        "valid": [("<s> <human>: quand ? <assistant>:", "demain </s>")],
        "test": [
            ("<s> <human>: qui lit un livre <assistant>:", "une amie </s>"),  # the question is cut, nothing else
            ("<s> <human>: <unk> ? <assistant>:", "un livre </s>"),
            ("<s> <human>: où ? <assistant>:", "<unk> </s>"),
        ],
    }
    assert data["test"]["length"][:] == [10, 8, 7]
    assert list(zip(data["test"]["question"], data["test"]["expected"], strict=True)) == ROWS["test"]
    assert facts.data == question_facts(source) and facts.data.leaked == {"valid": 0, "test": 1}
    assert facts.splits["test"] == SplitFacts(examples=3, truncated=1, tokens=25, unknown_share=1 / 10)
    assert facts.splits["train"].truncated == 0


def in_two(example: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    return example["input_ids"][: example["answer"]], example["input_ids"][example["answer"] :]


def test_a_limit_takes_the_first_of_each_split(source: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path) -> None:
    data = load_tokenized(tokenized_answers(tmp_path / "ids", replace(source, limit=2), tokenizer, 20))
    assert data["test"]["expected"][:] == ["une amie", "un livre"]


def test_an_answer_without_room_is_named(source: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(WrongInput) as raised:
        tokenized_answers(tmp_path / "ids", source, tokenizer, max_length=6)
    assert str(raised.value).startswith("the answer 'une amie' has 3 ids: train.max_length=6 has no room")
    assert str(raised.value).endswith("allowed: at least 7") and "\n" not in str(raised.value)
    assert not (tmp_path / "ids").exists()

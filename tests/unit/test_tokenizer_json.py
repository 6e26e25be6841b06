"""Tokenizer files that would fail in a trial only, looked at as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweeper.tokens.tokenizer_json import check_tokenizer_json
from tests.checkpoint_files import write_tokenizer
from tests.refusals import refusal_of

VOCABULARY = {"<s>": 0, "</s>": 1, "bien": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "is a list, and no tokenizer.json"),
        ({}, "is an object without a model"),
        ("text", "is no object"),
        ({"model": None}, "without a model"),
        ({"model": {"vocab": {}}}, "without a model"),
        ({"model": {"vocab": VOCABULARY, "unk_token": "[UNK]"}}, "has no [UNK], which its unk_token names"),
        ({"model": {"vocab": [["<s>", 0.0]], "unk_id": 3}}, "says unk_id=3, and has 1 pieces"),
    ],
)
def test_what_is_refused(content: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert said in refusal_of(check_tokenizer_json, tmp_path / "tokenizer.json")
    assert said in refusal_of(check_tokenizer_json, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"model": {"vocab": VOCABULARY, "unk_token": None}},
        {"model": {"vocab": VOCABULARY, "unk_token": ""}},  # of GPT-2
        {"model": {"vocab": VOCABULARY, "unk_token": "bien"}},
        {"model": {"vocab": VOCABULARY, "unk_token": "<u>"}, "added_tokens": [{"id": 3, "content": "<u>"}]},
        {"model": {"vocab": [["<unk>", 0.0]], "unk_id": 0}},
    ],
)
def test_what_is_taken(content: Any, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    check_tokenizer_json(tmp_path)


def test_other_files_are_left_to_their_readers(tmp_path: Path) -> None:
    check_tokenizer_json(write_tokenizer(tmp_path / "tokenizer.json"))
    (tmp_path / "dict.txt").write_text("bien 1\n")
    check_tokenizer_json(tmp_path / "dict.txt")
    check_tokenizer_json(tmp_path / "nowhere.json")
    (tmp_path / "torn.json").write_text("{")
    assert "cut off" in refusal_of(check_tokenizer_json, tmp_path / "torn.json")

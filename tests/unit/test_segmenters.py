from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import SPECIAL_NAMES, TRANSFORMERS, special_pieces
from sweeper.tokens.tokenizer import load
from sweeper.tokens.vocabulary import check_vocabulary
from sweeper.trial.settings import Family, TokenizerSettings

OWN = {"<s>": "<s>", "<pad>": "<pad>", "</s>": "</s>", "<unk>": "<unk>"}
GPT2 = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
LLAMA = {"eos_token": {"content": "</s>"}, "bos_token": {"content": "<s>"}, "unk_token": "<unk>", "pad_token": None}
ALL_END = dict.fromkeys(OWN, "<|endoftext|>")


@pytest.mark.parametrize(
    ("known", "named", "expected"),
    [
        (("<s>", "<pad>", "</s>", "<unk>"), None, OWN),
        (("<s>", "<pad>", "</s>", "<unk>"), {"bos_token": "</s>"}, OWN),
        (("<s>", "</s>", "<unk>", "a"), LLAMA, {**OWN, "<pad>": "</s>"}),
        (("<|endoftext|>", "a"), GPT2, ALL_END),
        (("<|endoftext|>", "<|pad|>"), {**GPT2, "pad_token": "<|pad|>"}, {**ALL_END, "<pad>": "<|pad|>"}),
        (("<s>", "</s>", "<unk>"), None, {"<s>": "<s>", "</s>": "</s>", "<unk>": "<unk>"}),
        (("a", "b"), GPT2, {}),
    ],
)
def test_which_piece_serves_as_which(known: Any, named: Any, expected: dict[str, str], tmp_path: Path) -> None:
    if named is not None:
        (tmp_path / TRANSFORMERS).write_text(json.dumps(named))
    assert special_pieces(tmp_path / "tokenizer.json", known) == expected


def test_an_older_file_names_what_the_newer_does_not(tmp_path: Path) -> None:
    (tmp_path / TRANSFORMERS).write_text(json.dumps({"eos_token": "[END]"}))
    (tmp_path / SPECIAL_NAMES).write_text(json.dumps({"eos_token": "[OLD]", "pad_token": "[PAD]"}))
    found = special_pieces(tmp_path / "tokenizer.json", ("[END]", "[OLD]", "[PAD]"))
    assert found == {**dict.fromkeys(OWN, "[END]"), "<pad>": "[PAD]"}


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    """A file as GPT-2's: one special piece, with a name of its own."""
    place = tmp_path / "gpt2"
    place.mkdir()
    model = {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "<|endoftext|>": 2}, "unk_token": "<|endoftext|>"}
    content = {"version": "1.0", "model": model, "pre_tokenizer": {"type": "WhitespaceSplit"}}
    (place / "tokenizer.json").write_text(json.dumps(content))
    (place / TRANSFORMERS).write_text(json.dumps(GPT2))
    return place


def test_a_tokenizer_of_other_names_frames_and_is_saved_with_them(gpt2: Path, tmp_path: Path) -> None:
    tokenizer = load(gpt2)
    assert (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk, tokenizer.mask) == (2, 2, 2, 2, None)
    tokenizer.save(tmp_path / "saved")
    assert load(tmp_path / "saved").encode(["a b"], 9) == tokenizer.encode(["a b"], 9) == [[2, 0, 1, 2]]


def test_other_names_are_another_tokenizer(gpt2: Path) -> None:
    digest = tokenizer_digest(gpt2)
    (gpt2 / TRANSFORMERS).write_text(json.dumps({**GPT2, "pad_token": "b"}))
    assert tokenizer_digest(gpt2) != digest
    assert load(gpt2).pad == 1


def test_only_a_causal_model_does_with_other_names(gpt2: Path) -> None:
    settings = TokenizerSettings(path=str(gpt2 / "tokenizer.json"))
    check_vocabulary(settings, 3, pretrains=False, family=Family.causal_lm)
    with pytest.raises(WrongInput, match="lacks <s>, <pad>, </s>, <unk>"):
        check_vocabulary(settings, 3, pretrains=False, family=Family.encoder)

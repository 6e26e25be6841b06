"""Ids as texts again, as generated answers are read."""

from __future__ import annotations

from pathlib import Path

from sweeper.tokens.tokenizer import load
from tests.unit.test_tokenizer import TEXTS, Make, bpe, every_kind


@every_kind
def test_ids_are_a_text_again(make: Make, tmp_path: Path) -> None:
    tokenizer = load(make(tmp_path))
    for text, ids in zip(TEXTS, tokenizer.segment(TEXTS), strict=True):
        assert tokenizer.decode(ids).strip() == text
    assert tokenizer.decode([]) == ""
    unknown = tokenizer.decode([tokenizer.unk]).strip()
    assert unknown and tokenizer.decode([tokenizer.size + 3]).strip() == unknown, "a row that no piece has"


def test_ids_of_a_cut_vocabulary_are_a_text_again(tmp_path: Path) -> None:
    tokenizer = load(bpe(tmp_path), 40, TEXTS)
    [ids] = tokenizer.segment(["un livre"])
    assert tokenizer.unk not in ids and tokenizer.decode(ids) == "un livre"

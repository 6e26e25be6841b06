"""A sentencepiece model whose ids are those of fairseq's dict.txt beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import SPECIAL
from sweeper.tokens.tokenizer import load
from tests.checkpoint_files import write_tokenizer
from tests.unit.test_tokenizer import TEXTS, UNSEEN, bpe


def test_sentencepiece_beside_a_dict_txt_has_its_ids(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    plain = load(file)
    own = [piece for piece in plain.pieces if piece not in SPECIAL]
    kept = [*own[:3:-1], "madeupword0000"]  # other order, some left out, one that is no piece
    (tmp_path / "dict.txt").write_text("".join(f"{piece} 7\n" for piece in kept), encoding="utf-8")
    tokenizer = load(file)
    assert tokenizer.pieces == (*SPECIAL[:4], *kept, "<mask>")
    for text in (*TEXTS, *UNSEEN):
        expected = [plain.pieces[index] for index in plain.segment([text])[0]]
        ids = [tokenizer.pieces.index(piece) if piece in kept else 3 for piece in expected]
        assert tokenizer.segment([text]) == [ids]
    tokenizer.save(tmp_path / "saved")
    assert load(tmp_path / "saved").encode(TEXTS, 30) == tokenizer.encode(TEXTS, 30)


def test_special_pieces_that_a_dict_txt_names_again_keep_the_first_ids(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    own = [f"{piece} 1" for piece in load(file).pieces if piece not in SPECIAL]
    again = [f"{piece} 999 #fairseq:overwrite" for piece in ("<unk>", "<s>", "</s>")]
    (tmp_path / "dict.txt").write_text("\n".join([*again, *own]), encoding="utf-8")
    tokenizer = load(file)
    assert (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk) == (0, 1, 2, 3)
    assert tokenizer.encode(["☃"], 9)[0][-2:] == [3, 2]


def test_a_dict_txt_of_another_tokenizer_is_refused(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    (tmp_path / "dict.txt").write_text("262 1\n13 1\n▁un 1\n", encoding="utf-8")
    with pytest.raises(WrongInput, match=r"dict\.txt names what the tokenizer beside it has no piece for: 13"):
        load(file)


def test_tokenizer_json_beside_a_dict_txt_keeps_its_ids(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    before, digest = load(file).pieces, tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("262 1\n")
    assert load(file).pieces == before and tokenizer_digest(file) == digest


def test_digest_knows_a_dict_txt(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    before = tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("▁un 1\n", encoding="utf-8")
    other = tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("▁et 1\n", encoding="utf-8")
    assert len({before, other, tokenizer_digest(file)}) == 3

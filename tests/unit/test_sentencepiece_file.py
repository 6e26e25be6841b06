"""A sentencepiece model read without its library, against the library."""

from __future__ import annotations

from pathlib import Path

import pytest
import sentencepiece

from sweeper.errors import WrongInput
from sweeper.tokens.sentencepiece_file import PieceType, model_pieces

TEXT = ["un livre, un conte, une histoire de la mer et du vent", "le lecteur lit la suite avec joie"] * 20


@pytest.fixture(scope="module", params=["unigram", "bpe", "char"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("model") / str(request.param)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT),
        model_prefix=str(prefix),
        vocab_size=30,
        model_type=request.param,
        hard_vocab_limit=False,
        user_defined_symbols=["<mask>"],
        minloglevel=2,
    )
    return prefix.with_suffix(".model")


def test_pieces_and_their_types_are_the_librarys(model: Path) -> None:
    library = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = model_pieces(model)
    assert [piece.text for piece in pieces] == [library.id_to_piece(index) for index in range(len(library))]
    hidden = [library.is_control(index) or library.is_unknown(index) for index in range(len(library))]
    assert [piece.is_hidden for piece in pieces] == hidden
    assert pieces[3].type is PieceType.USER_DEFINED


def test_what_is_cut_off_is_refused(model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    for broken in (b"", b"not a model", content[: len(content) // 2], b"\x0a\xff\xff\xff\xff\x0f"):
        file = tmp_path / "broken.model"
        file.write_bytes(broken)
        with pytest.raises(WrongInput, match=r"broken\.model is"):
            model_pieces(file)

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.vocabulary import check_padding, check_vocabulary, piece_ids
from sweeper.data.segmenters import framed
from sweeper.data.special_pieces import SPECIAL
from sweeper.data.tokenizer import PIECES as PIECES_FILE
from sweeper.data.tokenizer import load
from sweeper.trial import TokenizerSettings, WrongInput
from tests.checkpoint_files import PIECES, write_checkpoint, write_tokenizer

MODELS = {
    "WordLevel": models.WordLevel(PIECES, unk_token="<unk>"),
    "BPE": models.BPE(PIECES, [], unk_token="<unk>"),
    "WordPiece": models.WordPiece(PIECES, unk_token="<unk>"),
    "Unigram": models.Unigram([(piece, -1.0) for piece in PIECES], unk_id=3),
}


def given(file: Path, vocabulary_size: int | None = None) -> TokenizerSettings:
    return TokenizerSettings(path=str(file), vocabulary_size=vocabulary_size)


@pytest.mark.parametrize("kind", MODELS)
def test_ids_are_the_library_s(kind: str, tmp_path: Path) -> None:
    library = Tokenizer(MODELS[kind])
    library.add_special_tokens(["<mask>", "<extra>"])  # one that is a piece already, and one that is not
    library.save(str(tmp_path / "tokenizer.json"))
    ids = piece_ids(tmp_path / "tokenizer.json")
    assert ids == library.get_vocab(with_added_tokens=True)
    assert ids is not None and ids["<extra>"] == 7
    assert load(tmp_path / "tokenizer.json").size == 8


def test_a_list_of_pieces_beside_a_tokenizer_counts(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    pieces = framed(["mal"])
    (tmp_path / PIECES_FILE).write_text(json.dumps(pieces))
    assert piece_ids(file) == {piece: index for index, piece in enumerate(pieces)}
    assert load(file).size == len(pieces)


def test_a_sentencepiece_model_is_left_to_preparation(tmp_path: Path) -> None:
    assert piece_ids(tmp_path / "some.model") is None
    check_vocabulary(given(tmp_path / "some.model"), rows=6, pretrains=True)


@pytest.mark.parametrize("rows", [7, 8, None])
def test_enough_rows(rows: int | None, tmp_path: Path) -> None:
    check_vocabulary(given(write_tokenizer(tmp_path / "tokenizer.json")), rows, pretrains=True)


def test_too_few_rows_are_refused_unless_pieces_are_cut(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    check_vocabulary(given(file, vocabulary_size=6), 6, pretrains=False)
    for settings in (given(file), given(file, vocabulary_size=7)):
        with pytest.raises(
            WrongInput, match=r"has 7 ids, the embedding has 6 rows .*\nset tokenizer.vocabulary_size=6"
        ):
            check_vocabulary(settings, 6, pretrains=False)


def test_a_tokenizer_that_is_trained_to_a_size_fits_the_rows() -> None:
    for size, rows in ((7, 7), (7, None), (None, 7)):
        check_vocabulary(TokenizerSettings(vocabulary_size=size), rows, pretrains=True)
    with pytest.raises(WrongInput, match=r"tokenizer\.vocabulary_size=8 .* rows, 7\nallowed: at most 7"):
        check_vocabulary(TokenizerSettings(vocabulary_size=8), 7, pretrains=True)


@pytest.mark.parametrize(
    ("missing", "pretrains", "said"),
    [
        ({"<s>"}, False, r"lacks <s>\nneeded: <s>, <pad>, </s>, <unk>"),
        ({"<pad>", "</s>"}, False, r"lacks <pad>, </s>\n"),
        (set(SPECIAL), False, r"lacks <s>, <pad>, </s>, <unk>\n"),
        ({"<mask>"}, True, r"has no <mask>, which pretraining needs\nset another tokenizer.path"),
    ],
)
def test_special_pieces_are_needed(missing: set[str], pretrains: bool, said: str, tmp_path: Path) -> None:
    pieces = {piece: index for piece, index in PIECES.items() if piece not in missing}
    with pytest.raises(WrongInput, match=said):
        check_vocabulary(given(write_tokenizer(tmp_path / "tokenizer.json", pieces)), None, pretrains)


def test_who_does_not_pretrain_needs_no_mask(tmp_path: Path) -> None:
    pieces = {piece: index for piece, index in PIECES.items() if piece != "<mask>"}
    check_vocabulary(given(write_tokenizer(tmp_path / "tokenizer.json", pieces)), None, pretrains=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("{}", "no vocabulary"),
        ("3", "no vocabulary"),
        ('{"model": {"vocab": null}}', "no vocabulary"),
        ('{"model": {"vocab": [[]]}}', "no vocabulary"),
        ('{"model": {"vocab": {"a": null}}}', "no vocabulary"),
        ('{"model": {"vocab": {}}, "added_tokens": [1]}', "no vocabulary"),
    ],
)
def test_what_is_no_tokenizer_is_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(WrongInput, match=said) as refused:
        check_vocabulary(given(tmp_path / "tokenizer.json"), None, pretrains=False)
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("pieces", "vocabulary_size", "fits"),
    [
        (PIECES, None, True),
        (PIECES, 6, True),
        ({**PIECES, "<pad>": 0, "<s>": 1}, None, False),
        ({**PIECES, "<pad>": 0, "<s>": 1}, 7, False),  # nothing is cut
        ({**PIECES, "<pad>": 0, "<s>": 1}, 6, True),  # what is cut has ids anew
    ],
)
def test_padding_has_the_id_of_pretraining(
    pieces: Mapping[str, int], vocabulary_size: int | None, fits: bool, tmp_path: Path
) -> None:
    directory = write_checkpoint(tmp_path / "one")
    settings = given(write_tokenizer(directory / "tokenizer.json", pieces), vocabulary_size)
    if vocabulary_size is not None:  # an independent look at the id
        assert (load(Path(str(settings.path)), vocabulary_size, ["bien bien mal"]).pad == 1) is fits
    if fits:
        check_padding(settings, Checkpoint("one", directory))
    else:
        with pytest.raises(WrongInput, match=r"model.path=one: its config.json says pad_token_id=1, <pad> .* the id 0"):
            check_padding(settings, Checkpoint("one", directory))

"""Which ids and special pieces the files of tokenizers give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.fairseq_directory import checkpoint_in
from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.checkpoints.weights import check_belongs, check_order, check_padding
from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import SPECIAL, SPECIAL_NAMES, TRANSFORMERS, framed, special_pieces
from sweeper.tokens.tokenizer import PIECES as PIECES_FILE
from sweeper.tokens.tokenizer import load
from sweeper.tokens.vocabulary import check_vocabulary, piece_ids
from sweeper.trial.settings import Family, TokenizerSettings
from tests.checkpoint_files import PIECES, write_checkpoint, write_tokenizer
from tests.fairseq_files import write_fairseq
from tests.unit.test_tokenizer import bpe, write_sentencepiece

MODELS = {
    "WordLevel": models.WordLevel(PIECES, unk_token="<unk>"),
    "BPE": models.BPE(PIECES, [], unk_token="<unk>"),
    "WordPiece": models.WordPiece(PIECES, unk_token="<unk>"),
    "Unigram": models.Unigram([(piece, -1.0) for piece in PIECES], unk_id=3),
}
OWN = {"<s>": "<s>", "<pad>": "<pad>", "</s>": "</s>", "<unk>": "<unk>"}
GPT2 = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
LLAMA = {"eos_token": {"content": "</s>"}, "bos_token": {"content": "<s>"}, "unk_token": "<unk>", "pad_token": None}
ALL_END = dict.fromkeys(OWN, "<|endoftext|>")


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


@pytest.mark.parametrize("special", [(), SPECIAL[4:]], ids=["its own", "with <mask>"])
def test_ids_of_a_sentencepiece_model_are_those_that_loading_gives(special: tuple[str, ...], tmp_path: Path) -> None:
    file = write_sentencepiece(tmp_path, vocab_size=40, user_defined_symbols=list(special))
    assert piece_ids(file) == {piece: index for index, piece in enumerate(load(file).pieces)}
    with pytest.raises(WrongInput, match=r"has \d+ ids, the embedding has 6 rows"):
        check_vocabulary(given(file), rows=6, pretrains=True)


def test_pretrained_weights_keep_their_own_tokenizer(tmp_path: Path) -> None:
    checkpoint = Checkpoint("weights", write_checkpoint(tmp_path / "weights"))
    own = checkpoint.directory / "tokenizer.json"
    check_belongs(given(own), checkpoint)
    check_belongs(given(own, vocabulary_size=9), checkpoint)
    with pytest.raises(WrongInput, match="vocabulary_size=6 cuts its 7 ids"):
        check_belongs(given(own, vocabulary_size=6), checkpoint)
    same = tmp_path / "copy.json"
    same.write_bytes(own.read_bytes())
    check_belongs(given(same), checkpoint)
    other = write_tokenizer(tmp_path / "other.json", {**PIECES, "autre": len(PIECES)})
    with pytest.raises(WrongInput, match=r"other\.json is not the one beside the weights"):
        check_belongs(given(other), checkpoint)


def test_a_dict_txt_says_which_ids_a_sentencepiece_model_has(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("<s> 9 #fairseq:overwrite\nbien 1\n<mask> 1\nmal 1\n")
    expected = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "bien": 5, "<mask>": 6, "mal": 7}
    assert piece_ids(tmp_path / "some.model") == expected
    check_vocabulary(given(tmp_path / "some.model"), 8, pretrains=True)
    with pytest.raises(WrongInput, match="has 8 ids, the embedding has 7 rows"):
        check_vocabulary(given(tmp_path / "some.model"), 7, pretrains=True)


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
    "content",
    [
        "",
        "{",
        "{}",
        "3",
        '{"model": {"vocab": null}}',
        '{"model": {"vocab": [[]]}}',
        '{"model": {"vocab": {"a": null}}}',
        '{"model": {"vocab": {}}, "added_tokens": [1]}',
    ],
)
def test_what_is_no_tokenizer_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(WrongInput, match=r"tokenizer\.json is cut off, or no tokenizer\.json: .*\nneeded: ") as refused:
        check_vocabulary(given(tmp_path / "tokenizer.json"), None, pretrains=False)
    assert len(str(refused.value).splitlines()) == 2


def test_what_is_no_list_of_pieces_is_refused(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    for content in ("", "3", "[1"):
        (tmp_path / PIECES_FILE).write_text(content)
        with pytest.raises(WrongInput, match="is no list of pieces: "):
            load(file)


def test_what_is_no_sentencepiece_model_is_refused(tmp_path: Path) -> None:
    whole = bpe(tmp_path).read_bytes()
    for broken in (b"", b"not a model", whole[: len(whole) // 2], b"\x0a\xff\xff\xff\xff\x0f"):
        file = tmp_path / f"broken{len(broken)}.model"
        file.write_bytes(broken)
        with pytest.raises(WrongInput, match=r"\.model is cut off, or no sentencepiece model: .*\nneeded: ") as refused:
            piece_ids(file)
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


def test_a_tokenizer_in_another_order_is_refused(tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one")
    settings, checkpoint = given(one / "tokenizer.json"), checkpoint_in(one, "one")
    check_padding(settings, checkpoint)
    check_order(settings, checkpoint)
    moved = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "mal": 5, "bien": 6}
    settings = given(write_tokenizer(tmp_path / "moved.json", moved))
    with pytest.raises(WrongInput, match=r"its dictionary gives bien another id than tokenizer .*moved\.json, 6"):
        check_order(settings, checkpoint)
    (tmp_path / PIECES_FILE).write_text('["<s>", "<pad>", "</s>", "<unk>", "bien", "mal", "<mask>"]')
    check_order(settings, checkpoint)  # what lies beside it says which ids it has


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

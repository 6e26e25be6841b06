from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers

from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import Tokenizer, load, tokenizer_file
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TEXTS = [
    "un livre très bien écrit et très drôle",
    "un roman ennuyeux, mal écrit et sans intérêt",
    "le livre est drôle, le roman est bien",
    "l’auteur écrit bien ; l’histoire est sans surprise",
]
UNSEEN = ["un livre surprenant ☃ et bien ennuyeux", "", "roman"]
FIRST = [f"a{number}" for number in range(12)]
SECOND = [f"b{number}" for number in range(12)]


def write_sentencepiece(directory: Path, **options: Any) -> Path:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=model, minloglevel=2, num_threads=1, **options
    )
    file = directory / "sentencepiece.test.model"
    file.write_bytes(model.getvalue())
    return file


def bpe(directory: Path) -> Path:
    return write_sentencepiece(directory, model_type="bpe", vocab_size=60)


def unigram_with_own_special(directory: Path) -> Path:
    ids = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3}
    return write_sentencepiece(directory, model_type="unigram", vocab_size=40, user_defined_symbols="<mask>", **ids)


def byte_level(directory: Path) -> Path:
    # As RoBERTa's, and hostile: its own post-processor, truncation and padding are all on.
    library = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    library.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(TEXTS, trainer)
    library.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    library.enable_truncation(4)
    library.enable_padding(pad_id=1, pad_token="<pad>", length=20)
    library.save(str(directory / "tokenizer.json"))
    return directory / "tokenizer.json"


def words(directory: Path) -> Path:
    return train_tokenizer(TokenizerKind.word, TEXTS, None, directory)


Make = Callable[[Path], Path]
every_kind = pytest.mark.parametrize("make", [bpe, unigram_with_own_special, byte_level, words])


def test_sentencepiece_pieces_follow_the_special_ids(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    tokenizer = load(file)
    assert (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk) == (0, 1, 2, 3)
    assert tokenizer.size == 60 - 3 + 5 and tokenizer.mask == tokenizer.size - 1
    # The model's own first three are <unk>, <s> and </s>, as the published ones'; the others move by one.
    expected = [[3 if piece == 0 else piece + 1 for piece in ids] for ids in model.encode(TEXTS + UNSEEN)]
    assert tokenizer.segment(TEXTS + UNSEEN) == expected
    assert any(3 in ids for ids in expected)


def test_sentencepiece_with_all_special_pieces_keeps_its_ids(tmp_path: Path) -> None:
    file = unigram_with_own_special(tmp_path)
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    tokenizer = load(file)
    own = (model.bos_id(), model.pad_id(), model.eos_id(), model.unk_id(), model.piece_to_id("<mask>"))
    assert (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk, tokenizer.mask) == own
    assert tokenizer.size == model.get_piece_size()
    expected = [[model.bos_id(), *ids, model.eos_id()] for ids in model.encode(TEXTS + UNSEEN)]
    assert tokenizer.encode(TEXTS + UNSEEN, 100) == expected


def test_tokenizer_json_adds_special_ids_once(tmp_path: Path) -> None:
    file = byte_level(tmp_path)
    library = tokenizers.Tokenizer.from_file(str(file))
    library.no_truncation()
    library.no_padding()
    tokenizer = load(file)
    assert tokenizer.encode(TEXTS + UNSEEN, 100) == [library.encode(text).ids for text in TEXTS + UNSEEN]
    assert tokenizer.size == library.get_vocab_size()


@every_kind
def test_long_texts_are_cut_and_keep_their_end(make: Make, tmp_path: Path) -> None:
    tokenizer = load(make(tmp_path))
    whole = tokenizer.encode(TEXTS, 1000)
    short = tokenizer.encode(TEXTS, 5)
    assert [ids[:4] for ids in whole] == [ids[:4] for ids in short]
    assert all(len(ids) == 5 and ids[-1] == tokenizer.eos for ids in short)
    exact = len(whole[0])
    assert tokenizer.encode(TEXTS[:1], exact) == whole[:1]
    assert tokenizer.encode([""], 5) == [[tokenizer.bos, tokenizer.eos]]


@every_kind
def test_special_pieces_in_a_text_are_text(make: Make, tmp_path: Path) -> None:
    tokenizer = load(make(tmp_path))
    ids = tokenizer.segment(["un <s> livre <pad> </s> <mask> bien <unk>"])[0]
    assert not {tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.mask} & set(ids)


def test_special_piece_in_a_text_is_cut_into_its_letters(tmp_path: Path) -> None:
    tokenizer = load(byte_level(tmp_path))
    pieces = [tokenizer.pieces[index] for index in tokenizer.segment(["un <mask>"])[0]]
    assert "".join(pieces) == "Ġun" + "Ġ<mask>" and tokenizer.unk not in tokenizer.segment(["un <mask>"])[0]


def test_unknown_piece_of_any_name_is_unk(tmp_path: Path) -> None:
    file = write_sentencepiece(tmp_path, model_type="bpe", vocab_size=60, unk_piece="[UNK]")
    tokenizer = load(file)
    assert "[UNK]" not in tokenizer.pieces and tokenizer.size == 60 - 3 + 5
    assert tokenizer.unk in tokenizer.segment(["☃"])[0]


@every_kind
@pytest.mark.parametrize("size", [None, 20])
def test_saved_gives_the_same_ids(make: Make, size: int | None, tmp_path: Path) -> None:
    tokenizer = load(make(tmp_path), size, TEXTS)
    tokenizer.save(tmp_path / "saved")
    for path in (tmp_path / "saved", tokenizer_file(tmp_path / "saved")):
        again = load(path)
        assert again.pieces == tokenizer.pieces
        assert again.encode(TEXTS + UNSEEN, 30) == tokenizer.encode(TEXTS + UNSEEN, 30)
    same = tokenizer_digest(tmp_path / "saved") == tokenizer_digest(tmp_path)
    assert same == (size is None)


@every_kind
def test_cut_keeps_the_most_frequent_pieces(make: Make, tmp_path: Path) -> None:
    whole = load(make(tmp_path))
    counts = Counter(whole.pieces[index] for ids in whole.segment(TEXTS) for index in ids)
    cut = load(whole.segmenter.file, 20, iter(TEXTS))
    assert cut.size == 20 and cut.pieces[:4] == tuple(SPECIAL[:4]) and cut.pieces[-1] == "<mask>"
    kept = cut.pieces[4:-1]
    assert [counts[piece] for piece in kept] == sorted(counts.values(), reverse=True)[:15]
    ranks = [(-counts[piece], whole.pieces.index(piece)) for piece in kept]
    assert ranks == sorted(ranks)
    for before, after in zip(whole.segment(TEXTS + UNSEEN), cut.segment(TEXTS + UNSEEN), strict=True):
        names = [whole.pieces[index] for index in before]
        assert after == [cut.pieces.index(name) if name in kept else cut.unk for name in names]


@every_kind
def test_cut_leaves_out_what_was_never_seen(make: Make, tmp_path: Path) -> None:
    whole = load(make(tmp_path))
    seen = {index for ids in whole.segment(["roman"]) for index in ids} - {whole.unk}
    cut = load(whole.segmenter.file, whole.size - 1, ["roman"])
    assert set(cut.pieces) == {whole.pieces[index] for index in seen} | set(SPECIAL)


@every_kind
def test_a_vocabulary_that_is_small_enough_is_not_cut(make: Make, tmp_path: Path) -> None:
    whole = load(make(tmp_path))
    assert load(whole.segmenter.file, whole.size, TEXTS).pieces == whole.pieces
    with pytest.raises(WrongInput, match=r"tokenizer\.count_on"):
        load(whole.segmenter.file, whole.size - 1)


def test_tokenizer_json_without_special_pieces_is_refused(tmp_path: Path) -> None:
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[PAD]": 0, "<s>": 1}, unk_token="[UNK]"))
    library.save(str(tmp_path / "bert.json"))
    with pytest.raises(WrongInput, match=r"lacks <pad>, </s>, <unk>\nneeded"):
        load(tmp_path / "bert.json")


def test_tokenizer_json_may_lack_mask_and_have_gaps(tmp_path: Path) -> None:
    vocabulary = {"<pad>": 0, "<unk>": 1, "<s>": 2, "</s>": 3, "livre": 7}
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load(tmp_path)
    assert (tokenizer.mask, tokenizer.size) == (None, 8)
    assert tokenizer.encode(["livre"], 5) == [[2, 7, 3]]


@pytest.mark.parametrize("name", ["broken.model", "broken.json", "vocabulary.txt", "absent.model"])
def test_wrong_files_are_named(name: str, tmp_path: Path) -> None:
    if name != "absent.model":
        (tmp_path / name).write_text("not a tokenizer")
    with pytest.raises(WrongInput, match=name) as raised:
        load(tmp_path / name)
    assert len(str(raised.value).splitlines()) <= 3


def test_directory_must_hold_one_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="found: none"):
        tokenizer_file(tmp_path)
    (tmp_path / "one.model").touch()
    assert tokenizer_file(tmp_path) == tmp_path / "one.model"
    (tmp_path / "other.model").touch()
    with pytest.raises(WrongInput, match=r"one\.model, other\.model"):
        tokenizer_file(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").touch()
    assert tokenizer_file(tmp_path) == tmp_path / "sentencepiece.bpe.model"
    (tmp_path / "tokenizer.json").write_text(json.dumps({}))
    assert tokenizer_file(tmp_path) == tmp_path / "tokenizer.json"


def test_a_tokenizer_json_of_any_name_can_be_loaded_from_where_it_was_saved(tmp_path: Path) -> None:
    file = words(tmp_path).rename(tmp_path / "french.json")
    load(file).save(tmp_path / "saved")
    assert load(tmp_path / "saved").encode(TEXTS, 30) == load(file).encode(TEXTS, 30)


def test_what_came_with_a_tokenizer_json_goes_with_it_unless_ids_change(tmp_path: Path) -> None:
    file = words(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_text("its source")
    load(file).save(tmp_path / "whole")
    load(file, 20, TEXTS).save(tmp_path / "cut")
    names = ["sentencepiece.bpe.model", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == names
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["tokenizer.json", "tokenizer_pieces.json"]


def test_digest_follows_content_not_name(tmp_path: Path) -> None:
    (tmp_path / "a.model").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert tokenizer_digest(tmp_path / "a.model").startswith("ba7816bf8f01cfea414140de5dae2223")
    (tmp_path / "a.model").rename(tmp_path / "b.model")
    assert tokenizer_digest(tmp_path).startswith("ba7816bf8f01cfea")


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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return train_tokenizer(TokenizerKind.word, [" ".join(FIRST + SECOND)], None, tmp_path)


def pair(tokenizer: Tokenizer, first: int, second: int, max_length: int) -> list[int]:
    left, right = tokenizer.segment([" ".join(FIRST[:first]), " ".join(SECOND[:second])])
    return tokenizer.frame_pair(left, right, max_length)


def test_layout(file: Path) -> None:
    tokenizer = load(file)
    names = [tokenizer.pieces[index] for index in pair(tokenizer, 2, 1, 10)]
    assert names == ["<s>", "a0", "a1", "</s>", "</s>", "b0", "</s>"]


@pytest.mark.parametrize("max_length", range(6, 20))
def test_pairs_are_cut_as_transformers_cuts_them(max_length: int, file: Path) -> None:
    tokenizer = load(file)
    library = tokenizers.Tokenizer.from_file(str(file))
    library.post_processor = tokenizers.processors.RobertaProcessing(
        ("</s>", tokenizer.eos), ("<s>", tokenizer.bos), add_prefix_space=False
    )
    library.enable_truncation(max_length, strategy="longest_first")
    for first, second in product(range(13), range(13)):
        expected = library.encode(" ".join(FIRST[:first]), " ".join(SECOND[:second])).ids
        assert pair(tokenizer, first, second, max_length) == expected, (first, second)

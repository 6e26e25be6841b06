from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentencepiece
import tokenizers

from sweeper.errors import WrongInput
from sweeper.tokens.sentencepiece_training import cut
from sweeper.tokens.tokenizer import load
from sweeper.tokens.tokenizer_training import LARGEST, train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.unit.test_tokenizer import TEXTS

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
UNSEEN = [
    "un livre surprenant ☃ et  bien ennuyeux ",
    "",
    "roman",
    "ﬁn … du re\u0301cit\u2028bien\t!",
    "☃☃ ☃",
]
SIZES = {TokenizerKind.unigram: 42, TokenizerKind.bpe: 70, TokenizerKind.byte_bpe: 300, TokenizerKind.word: 20}

every_kind = pytest.mark.parametrize("kind", TokenizerKind)
of_pieces = pytest.mark.parametrize("kind", [TokenizerKind.unigram, TokenizerKind.bpe, TokenizerKind.byte_bpe])
of_sentencepiece = pytest.mark.parametrize("kind", [TokenizerKind.unigram, TokenizerKind.bpe])


@every_kind
def test_has_the_asked_size_and_the_usual_ids(kind: TokenizerKind, tmp_path: Path) -> None:
    tokenizer = load(train_tokenizer(kind, iter(TEXTS), SIZES[kind], tmp_path / "new"))
    assert tokenizer.size == SIZES[kind] == len(set(tokenizer.pieces))
    assert (*tokenizer.pieces[:4], tokenizer.pieces[-1]) == SPECIAL
    assert {tokenizer.pad, tokenizer.mask}.isdisjoint(index for ids in tokenizer.segment(TEXTS) for index in ids)


@every_kind
def test_the_file_alone_frames_one_text_and_two(kind: TokenizerKind, tmp_path: Path) -> None:
    file = train_tokenizer(kind, TEXTS, SIZES[kind], tmp_path)
    first, second = load(file).segment(TEXTS[:2])
    library = tokenizers.Tokenizer.from_file(str(file))
    assert library.encode(TEXTS[0]).ids == [0, *first, 2]
    pair = library.encode(TEXTS[0], TEXTS[1])
    assert pair.ids == [0, *first, 2, 2, *second, 2] and set(pair.type_ids) == {0}


@every_kind
def test_a_masked_text_is_that_text_with_a_piece_replaced(kind: TokenizerKind, tmp_path: Path) -> None:
    file = train_tokenizer(kind, TEXTS * 20, SIZES[kind], tmp_path)
    library, mask = tokenizers.Tokenizer.from_file(str(file)), SIZES[kind] - 1
    ids, masked = library.encode("le est bien").ids, library.encode("le <mask> bien").ids
    assert masked.count(mask) == 1 and [ids[0], ids[1], ids[-2], ids[-1]] == [masked[0], masked[1], *masked[-2:]]


@of_sentencepiece
def test_cuts_as_sentencepiece_does(kind: TokenizerKind, tmp_path: Path) -> None:
    tokenizer = load(train_tokenizer(kind, TEXTS, SIZES[kind], tmp_path))
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "sentencepiece.bpe.model"))
    assert model.get_piece_size() == SIZES[kind] - 1
    assert tokenizer.segment(TEXTS + UNSEEN) == model.encode(TEXTS + UNSEEN)
    assert tokenizer.unk in tokenizer.segment(["☃"])[0]
    assert load(tmp_path / "sentencepiece.bpe.model").pieces == tokenizer.pieces


@of_pieces
def test_special_pieces_in_a_text_are_cut_into_their_letters(kind: TokenizerKind, tmp_path: Path) -> None:
    tokenizer = load(train_tokenizer(kind, [*TEXTS, "a<b>c/ad k a<p a>m"], SIZES[kind] + 5, tmp_path))
    for special in SPECIAL:
        pieces = [tokenizer.pieces[index] for index in tokenizer.segment([special])[0]]
        assert "".join(pieces).lstrip("▁Ġ") == special and special not in pieces


def test_bytes_make_every_text_known(tmp_path: Path) -> None:
    tokenizer = load(train_tokenizer(TokenizerKind.byte_bpe, TEXTS, 300, tmp_path))
    library = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text, ids in zip(UNSEEN, tokenizer.segment(UNSEEN), strict=True):
        assert tokenizer.unk not in ids
        assert library.decode(ids, skip_special_tokens=False).removeprefix(" ") == text


def test_words_are_sorted_by_frequency(tmp_path: Path) -> None:
    file = train_tokenizer(TokenizerKind.word, ["b c a c", "d  a\te <s> <mask>"], None, tmp_path / "new")
    tokenizer = load(file)
    assert tokenizer.pieces == ("<s>", "<pad>", "</s>", "<unk>", "a", "c", "b", "d", "e", "<mask>")
    assert tokenizer.encode(["c a zzz"], 10) == [[0, 5, 4, 3, 2]]
    other = train_tokenizer(TokenizerKind.word, ["e d b c a c a"], None, tmp_path / "other")
    assert file.read_bytes() == other.read_bytes()
    fewer = train_tokenizer(TokenizerKind.word, ["e d b c a c a"], 7, tmp_path / "fewer")
    assert load(fewer).pieces == ("<s>", "<pad>", "</s>", "<unk>", "a", "c", "<mask>")


@every_kind
def test_the_same_text_gives_the_same_files_on_any_number_of_threads(kind: TokenizerKind, tmp_path: Path) -> None:
    for threads in (1, 2, 3):
        train_tokenizer(kind, iter(TEXTS), SIZES[kind], tmp_path / str(threads), threads)
    first, *others = ({file.name: file.read_bytes() for file in path.iterdir()} for path in sorted(tmp_path.iterdir()))
    assert all(other == first for other in others)


def allowed(kind: TokenizerKind, size: int, directory: Path) -> tuple[str, int]:
    with pytest.raises(WrongInput, match=rf"^tokenizer\.vocabulary_size={size} ") as raised:
        train_tokenizer(kind, TEXTS, size, directory)
    assert not directory.exists() and len(str(raised.value).splitlines()) <= 3
    found = re.search(r"allowed: at (most|least) (\d+)", str(raised.value))
    assert found
    return found[1], int(found[2])


@every_kind
def test_the_largest_size_is_told_and_works(kind: TokenizerKind, tmp_path: Path) -> None:
    bound, largest = allowed(kind, 5000, tmp_path / "refused")
    assert bound == "most"
    assert load(train_tokenizer(kind, TEXTS, largest, tmp_path)).size == largest
    assert allowed(kind, largest + 1, tmp_path / "refused") == (bound, largest)


@of_pieces
def test_the_smallest_size_is_told_and_works(kind: TokenizerKind, tmp_path: Path) -> None:
    bound, smallest = allowed(kind, 10, tmp_path / "refused")
    assert bound == "least"
    assert load(train_tokenizer(kind, TEXTS, smallest, tmp_path)).size == smallest
    assert allowed(kind, smallest - 1, tmp_path / "refused") == (bound, smallest)


@every_kind
def test_a_text_that_cannot_be_read_says_so_itself(kind: TokenizerKind, tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield from TEXTS
        raise WrongInput("corpus.txt, line 5 is not UTF-8")

    with pytest.raises(WrongInput, match=r"^corpus.txt, line 5 is not UTF-8$"):
        train_tokenizer(kind, broken(), SIZES[kind], tmp_path / "new")
    with pytest.raises(WrongInput, match=r"^there is no text"):
        train_tokenizer(kind, iter(["", " \t"]), SIZES[kind], tmp_path / "new")
    assert not (tmp_path / "new").exists()


HAN = [chr(0x4E00 + number) for number in range(300)]
SMALL = {
    "two words": ["bien", "mal"] * 20,
    "one letter": ["a"] * 40,
    "one long word": ["x" * 500] * 5,
    "one text": ["un livre bon"],
    "pictures": ["👨‍👩‍👧 😀", "x\u200by \u00ad a"] * 10,
    "characters": ["".join(HAN[start : start + 30]) for start in range(0, 300, 30)],
    "characters apart": HAN,
    "numbers": [str(number / 7) for number in range(60)],
    "reviews": [f"un livre {number} bien {'bon' if number % 2 else 'mauvais'}" for number in range(200)],
}


@pytest.mark.parametrize("texts", SMALL.values(), ids=SMALL)
@every_kind
def test_a_size_that_is_left_open_is_one_that_the_text_allows(
    kind: TokenizerKind, texts: list[str], tmp_path: Path
) -> None:
    tokenizer = load(train_tokenizer(kind, iter(texts), None, tmp_path))
    assert (*tokenizer.pieces[:4], tokenizer.pieces[-1]) == SPECIAL and tokenizer.size <= LARGEST
    again = load(train_tokenizer(kind, iter(texts), tokenizer.size, tmp_path / "again"))
    assert again.pieces == tokenizer.pieces  # as if its size had been asked for


@of_sentencepiece
def test_long_texts_are_not_left_out(kind: TokenizerKind, tmp_path: Path) -> None:
    text = " ".join(["zèbre xylophage"] * 400)
    assert len(text.encode()) > 4192  # sentencepiece's limit
    tokenizer = load(train_tokenizer(kind, [*TEXTS, text], SIZES[kind], tmp_path))
    assert tokenizer.unk not in tokenizer.segment([text])[0]


@pytest.mark.parametrize("text", ["", "abc", "abc def ghi", "abcdefghijkl", "ab cdefghijklm n", "    ", "abcd efgh i"])
def test_parts_are_short_and_make_the_text(text: str) -> None:
    parts = list(cut(text, 4))
    assert "".join(parts) == text and max(map(len, parts)) <= 4
    words = [word for word in text.split() if len(word) <= 3]
    assert set(words) <= {word for part in parts for word in part.split()}

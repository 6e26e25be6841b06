"""Texts to the ids that a model sees: <s> pieces </s>.

A tokenizer is a file of a segmentation library (a sentencepiece model, or a tokenizer.json of `tokenizers`),
whose own code cuts texts into pieces, and the list of the pieces that have an id. Light to import: the
libraries are imported when a file is loaded.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import DICTIONARY, check_dictionary, read_dictionary
from sweeper.tokens.segmenters import (
    BOS,
    EOS,
    MASK,
    PAD,
    SPECIAL,
    SPECIAL_NAMES,
    TRANSFORMERS,
    UNK,
    Segmenter,
    framed,
    read_sentencepiece,
    read_tokenizer_json,
)

TOKENIZER = "tokenizer.json"
SHORTEST_PAIR = 6  # ids: <s>, three </s>, and one of either text
SENTENCEPIECE = "sentencepiece.bpe.model"  # the file that a trained tokenizer.json is a conversion of
PIECES = "tokenizer_pieces.json"  # beside a saved file whose ids are not those it has by itself
VOCABULARIES = (TOKENIZER, "vocab.json", "vocab.txt")
TRANSFORMERS_FILES = (*VOCABULARIES, "merges.txt", "added_tokens.json", TRANSFORMERS, SPECIAL_NAMES)
COUNTING_BATCH = 1000  # texts segmented at once, so that a corpus larger than memory can be counted


@dataclass(frozen=True)
class Encoded:
    """An example's ids as the model takes them, not padded, and how many of them are `special`.

    `token_types` tells of each id which text it is of; None: the model is not told.
    """

    input_ids: list[int]
    token_types: list[int] | None
    truncated: bool
    special: int


@dataclass(frozen=True)
class Tokenizer:
    """A segmenter and the pieces that have an id, in the order of the ids; all others become <unk>."""

    segmenter: Segmenter
    pieces: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of ids, special ones included: the rows that a model's embedding needs at least."""
        return len(self.pieces)

    @cached_property
    def bos(self) -> int:
        """Id of <s>."""
        return self._special(BOS)

    @cached_property
    def pad(self) -> int:
        """Id of <pad>."""
        return self._special(PAD)

    @cached_property
    def eos(self) -> int:
        """Id of </s>."""
        return self._special(EOS)

    @property
    def ends(self) -> str:
        """The piece that stands for </s> in this vocabulary, as <|endoftext|>."""
        return self.pieces[self.eos]

    @property
    def begins(self) -> str:
        """The piece that stands for <s> in this vocabulary."""
        return self.pieces[self.bos]

    @cached_property
    def unk(self) -> int:
        """Id of <unk>."""
        return self._special(UNK)

    @cached_property
    def mask(self) -> int | None:
        """Id of <mask>; None when a tokenizer.json does without."""
        return self.pieces.index(MASK) if MASK in self.pieces else None

    def _special(self, piece: str) -> int:
        return self.pieces.index(piece if piece in self.pieces else self.segmenter.special[piece])

    @cached_property
    def _ids(self) -> list[int]:
        # A text that spells out "<pad>" or "<mask>" must not get the id that has a meaning for the model.
        special = {*SPECIAL, *self.segmenter.special.values()}
        ids = {piece: index for index, piece in enumerate(self.pieces) if piece not in special}
        return [ids.get(piece, self.unk) for piece in self.segmenter.pieces]

    def segment(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, uncut and without <s> and </s>."""
        ids = self._ids
        return [[ids[piece] for piece in pieces] for pieces in self.segmenter.segment(texts)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a model's ids; special pieces among them are spelt out as the library does."""
        known = (self.pieces[index] if index < self.size else UNK for index in ids)
        return self.segmenter.join([self._positions[piece] for piece in known if piece in self._positions])

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {piece: index for index, piece in enumerate(self.segmenter.pieces)}

    def frame(self, ids: Sequence[int], max_length: int) -> list[int]:
        """Put <s> and </s> around a text's ids, of which those beyond `max_length` in all are cut off."""
        assert max_length >= 2, "there must be room for <s> and </s>"
        return [self.bos, *ids[: max_length - 2], self.eos]

    def frame_pair(self, first: Sequence[int], second: Sequence[int], max_length: int) -> list[int]:
        """Put <s> first </s></s> second </s>, RoBERTa's and fairseq's layout, at most `max_length` ids in all.

        The longer text is cut until both fit, as Transformers' truncation `longest_first` does.
        """
        assert max_length >= 4, "there must be room for <s> and three </s>"
        kept_first, kept_second = kept_of_pair(len(first), len(second), max_length - 4)
        return [self.bos, *first[:kept_first], self.eos, self.eos, *second[:kept_second], self.eos]

    def examples(self, columns: Sequence[Sequence[str]], max_length: int) -> list[Encoded]:
        """Return each example's framed ids, at most `max_length`; `columns` holds one column of texts, or two.

        Raises WrongInput when pairs have no room.
        """
        uncut = [self.segment(column) for column in columns]
        if len(columns) == 1:
            framed = [self.frame(ids, max_length) for ids in uncut[0]]
        elif max_length < SHORTEST_PAIR:
            raise WrongInput(
                f"train.max_length={max_length} has no room for pairs of texts\nallowed: at least {SHORTEST_PAIR}"
            )
        else:
            framed = [self.frame_pair(first, second, max_length) for first, second in zip(*uncut, strict=True)]
        special = 2 * len(columns)  # <s> and </s>, and for pairs </s></s> between them
        lengths = [sum(map(len, example)) + special for example in zip(*uncut, strict=True)]
        return [Encoded(ids, None, length > len(ids), special) for ids, length in zip(framed, lengths, strict=True)]

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return <s> … </s> for each text, at most `max_length` ids."""
        return [self.frame(ids, max_length) for ids in self.segment(texts)]

    def save(self, directory: Path) -> None:
        """Write what `load(directory)` needs to give the same ids, and Transformers where the file came with it."""
        directory.mkdir(parents=True, exist_ok=True)
        file = self.segmenter.file
        shutil.copyfile(file, directory / (TOKENIZER if file.suffix == ".json" else file.name))
        if self.pieces != self.segmenter.vocabulary:
            self.save_pieces(directory)
        elif file.name == TOKENIZER:
            for companion in (TRANSFORMERS, SPECIAL_NAMES, SENTENCEPIECE):
                if file.with_name(companion).exists():
                    shutil.copyfile(file.with_name(companion), directory / companion)

    def save_pieces(self, directory: Path) -> None:
        """Write which pieces have ids, which `load` then asks before anything else."""
        (directory / PIECES).write_text(json.dumps(self.pieces, ensure_ascii=False), encoding="utf-8")


def kept_of_pair(first: int, second: int, room: int) -> tuple[int, int]:
    """Return how many ids of two texts are kept where there is room for so many in all: the longer one is cut first."""
    if first + second <= room:
        return first, second
    shorter = min(first, second, room // 2)
    return (room - shorter, shorter) if first > second else (shorter, room - shorter)


def load(path: Path, vocabulary_size: int | None = None, count_texts: Iterable[str] | None = None) -> Tokenizer:
    """Load a tokenizer from a file, or from the directory that holds one.

    A sentencepiece model beside fairseq's dict.txt has the ids of that. A file that defines the special pieces itself
    keeps its own ids; otherwise they are <s> 0, <pad> 1, </s> 2, <unk> 3, then the file's pieces in their order and
    <mask> last. When these are more than `vocabulary_size`, only those most frequent in `count_texts` stay, as in a
    dict.txt: the special ids as above, the pieces in the order of their frequency (ties: of the file), those never
    seen left out. Raises WrongInput.
    """
    from sweeper.tokens.transformers_tokenizer import load_read

    if path.is_dir() and (read := load_read(path)) is not None:
        return read
    file = tokenizer_file(path)
    segmenter = read_tokenizer_json(file) if file.suffix == ".json" else read_sentencepiece(file)
    listed = list_of_pieces(file)
    pieces = segmenter.vocabulary if listed is None else read_pieces(listed)
    if listed is not None and listed.name == DICTIONARY:
        check_dictionary(listed, segmenter.pieces)
    if vocabulary_size is not None and vocabulary_size < len(pieces):
        if count_texts is None:
            raise WrongInput(
                f"tokenizer.vocabulary_size={vocabulary_size} cuts the {len(pieces)} pieces of {file},"
                " but there is no text to count them on\nset tokenizer.count_on=FILE"
            )
        pieces = _most_frequent(Tokenizer(segmenter, pieces), vocabulary_size, count_texts)
    return Tokenizer(segmenter, pieces)


def _most_frequent(tokenizer: Tokenizer, vocabulary_size: int, texts: Iterable[str]) -> tuple[str, ...]:
    counts: Counter[int] = Counter()
    remaining = iter(texts)
    while batch := list(islice(remaining, COUNTING_BATCH)):
        for ids in tokenizer.segment(batch):
            counts.update(ids)
    del counts[tokenizer.unk]
    ranked = sorted(counts, key=lambda index: (-counts[index], index))
    return framed(tokenizer.pieces[index] for index in ranked[: vocabulary_size - len(SPECIAL)])


def tokenizer_files(directory: Path) -> list[Path]:
    """Return the files in a directory that Transformers may read a tokenizer from, by name."""
    names = {name for name in TRANSFORMERS_FILES if (directory / name).is_file()}
    return sorted(directory / name for name in names | {file.name for file in directory.glob("*.model")})


def has_vocabulary(directory: Path) -> bool:
    """Whether a directory holds pieces that Transformers can read: it may make a tokenizer of nothing otherwise."""
    return any(file.name in VOCABULARIES or file.suffix == ".model" for file in tokenizer_files(directory))


def tokenizer_file(path: Path) -> Path:
    """Return a tokenizer's file: `path`, or the one in that directory.

    That is tokenizer.json, else sentencepiece.bpe.model, else the only *.model. Raises WrongInput.
    """
    allowed = "allowed: a tokenizer.json, a sentencepiece *.model, or a directory that holds one"
    if path.is_dir():
        named = [path / name for name in (TOKENIZER, SENTENCEPIECE) if (path / name).is_file()]
        models = sorted(path.glob("*.model"))
        found = named[:1] or models
        if len(found) != 1:
            names = ", ".join(model.name for model in models[:5]) or "none"
            raise WrongInput(f"{path} must hold one tokenizer; found: {names}\n{allowed}\nset tokenizer.path=FILE")
        return found[0]
    if not path.is_file():
        raise WrongInput(f"tokenizer {path} does not exist\n{allowed}")
    if path.suffix not in (".json", ".model"):
        raise WrongInput(f"tokenizer {path} is of no known kind\n{allowed}")
    return path


def list_of_pieces(file: Path) -> Path | None:
    """Return the file beside a tokenizer's that says which pieces have ids; None: it does so itself."""
    if file.with_name(PIECES).is_file():
        return file.with_name(PIECES)
    dictionary = file.with_name(DICTIONARY)
    return dictionary if file.suffix == ".model" and dictionary.is_file() else None


def read_pieces(listed: Path) -> tuple[str, ...]:
    """Return the pieces of such a file in the order of their ids. Raises WrongInput when it cannot be read."""
    if listed.name == DICTIONARY:
        return read_dictionary(listed)
    try:
        return tuple(map(str, json.loads(listed.read_bytes())))
    except (ValueError, TypeError) as error:
        raise WrongInput(f"{listed} is no list of pieces: {error}\nneeded: the file as it was saved") from error

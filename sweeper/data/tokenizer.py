"""Texts to the ids that a model sees: <s> pieces </s>.

A tokenizer is a file of a segmentation library (a sentencepiece model, or a tokenizer.json of `tokenizers`),
whose own code cuts texts into pieces, and the list of the pieces that have an id. Light to import: the
libraries are imported when a file is loaded.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from sweeper.data.fairseq_dictionary import DICTIONARY, check_dictionary, read_dictionary
from sweeper.trial import WrongInput

BOS, PAD, EOS, UNK, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
REQUIRED = (BOS, PAD, EOS, UNK)
SPECIAL = (*REQUIRED, MASK)
TOKENIZER = "tokenizer.json"
TRANSFORMERS = "tokenizer_config.json"  # what Transformers asks for beside it
SENTENCEPIECE = "sentencepiece.bpe.model"  # the file that a trained tokenizer.json is a conversion of
PIECES = "tokenizer_pieces.json"  # beside a saved file whose ids are not those it has by itself
COUNTING_BATCH = 1000  # texts segmented at once, so that a corpus larger than memory can be counted


@dataclass(frozen=True)
class Segmenter:
    """What a library makes of its file.

    `pieces` are in the order of the library's own ids, which `segment` cuts texts into; `vocabulary` holds
    those that have an id when nothing is cut off, in the order of these ids.
    """

    file: Path
    pieces: tuple[str, ...]
    vocabulary: tuple[str, ...]
    segment: Callable[[Sequence[str]], list[list[int]]]


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
        return self.pieces.index(BOS)

    @cached_property
    def pad(self) -> int:
        """Id of <pad>."""
        return self.pieces.index(PAD)

    @cached_property
    def eos(self) -> int:
        """Id of </s>."""
        return self.pieces.index(EOS)

    @cached_property
    def unk(self) -> int:
        """Id of <unk>."""
        return self.pieces.index(UNK)

    @cached_property
    def mask(self) -> int | None:
        """Id of <mask>; None when a tokenizer.json does without."""
        return self.pieces.index(MASK) if MASK in self.pieces else None

    @cached_property
    def _ids(self) -> list[int]:
        # A text that spells out "<pad>" or "<mask>" must not get the id that has a meaning for the model.
        ids = {piece: index for index, piece in enumerate(self.pieces) if piece not in SPECIAL}
        return [ids.get(piece, self.unk) for piece in self.segmenter.pieces]

    def segment(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, uncut and without <s> and </s>."""
        ids = self._ids
        return [[ids[piece] for piece in pieces] for pieces in self.segmenter.segment(texts)]

    def frame(self, ids: Sequence[int], max_length: int) -> list[int]:
        """Put <s> and </s> around a text's ids, of which those beyond `max_length` in all are cut off."""
        assert max_length >= 2, "there must be room for <s> and </s>"
        return [self.bos, *ids[: max_length - 2], self.eos]

    def frame_pair(self, first: Sequence[int], second: Sequence[int], max_length: int) -> list[int]:
        """Put <s> first </s></s> second </s>, RoBERTa's and fairseq's layout, at most `max_length` ids in all.

        The longer text is cut until both fit, as Transformers' truncation `longest_first` does.
        """
        assert max_length >= 4, "there must be room for <s> and three </s>"
        room = max_length - 4
        kept_first, kept_second = len(first), len(second)
        if kept_first + kept_second > room:
            shorter = min(kept_first, kept_second, room // 2)
            longer = room - shorter
            kept_first, kept_second = (longer, shorter) if kept_first > kept_second else (shorter, longer)
        return [self.bos, *first[:kept_first], self.eos, self.eos, *second[:kept_second], self.eos]

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
            for companion in (TRANSFORMERS, SENTENCEPIECE):
                if file.with_name(companion).exists():
                    shutil.copyfile(file.with_name(companion), directory / companion)

    def save_pieces(self, directory: Path) -> None:
        """Write which pieces have ids, which `load` then asks before anything else."""
        (directory / PIECES).write_text(json.dumps(self.pieces, ensure_ascii=False), encoding="utf-8")


def load(path: Path, vocabulary_size: int | None = None, count_texts: Iterable[str] | None = None) -> Tokenizer:
    """Load a tokenizer from a file, or from the directory that holds one.

    A sentencepiece model beside fairseq's dict.txt has the ids of that. A file that defines the special pieces itself
    keeps its own ids; otherwise they are <s> 0, <pad> 1, </s> 2, <unk> 3, then the file's pieces in their order and
    <mask> last. When these are more than `vocabulary_size`, only those most frequent in `count_texts` stay, as in a
    dict.txt: the special ids as above, the pieces in the order of their frequency (ties: of the file), those never
    seen left out. Raises WrongInput.
    """
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
        pieces = most_frequent(Tokenizer(segmenter, pieces), vocabulary_size, count_texts)
    return Tokenizer(segmenter, pieces)


def framed(pieces: Iterable[str]) -> tuple[str, ...]:
    """Return the special pieces with others between <unk> and <mask>."""
    return (*REQUIRED, *(piece for piece in pieces if piece not in SPECIAL), MASK)


def most_frequent(tokenizer: Tokenizer, vocabulary_size: int, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the special pieces and the most frequent others, `vocabulary_size` in all or fewer."""
    counts: Counter[int] = Counter()
    remaining = iter(texts)
    while batch := list(islice(remaining, COUNTING_BATCH)):
        for ids in tokenizer.segment(batch):
            counts.update(ids)
    del counts[tokenizer.unk]
    ranked = sorted(counts, key=lambda index: (-counts[index], index))
    return framed(tokenizer.pieces[index] for index in ranked[: vocabulary_size - len(SPECIAL)])


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
    return tuple(json.loads(listed.read_text(encoding="utf-8")))


def read_sentencepiece(file: Path) -> Segmenter:
    """Read a sentencepiece model (unigram, BPE, word or char)."""
    import sentencepiece

    try:
        model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    except RuntimeError as error:
        raise WrongInput(f"{file} is not a sentencepiece model: {error}"[:300].replace("\n", " ")) from error
    pieces = tuple(model.id_to_piece(index) for index in range(model.get_piece_size()))
    vocabulary = pieces
    if not set(SPECIAL) <= set(pieces):
        hidden = [model.is_control(index) or model.is_unknown(index) for index in range(len(pieces))]
        vocabulary = framed(piece for piece, is_hidden in zip(pieces, hidden, strict=True) if not is_hidden)
    return Segmenter(file, pieces, vocabulary, lambda texts: model.encode(list(texts)))


def read_tokenizer_json(file: Path) -> Segmenter:
    """Read a tokenizer.json; <s>, </s>, cutting and padding are ours, so what it says of them is not used."""
    import tokenizers

    try:
        library = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no narrower class
        raise WrongInput(f"{file} is not a tokenizer.json: {error}"[:300].replace("\n", " ")) from error
    vocabulary: dict[str, int] = library.get_vocab(with_added_tokens=True)
    missing = [piece for piece in REQUIRED if piece not in vocabulary]
    if missing:
        raise WrongInput(f"{file} lacks {', '.join(missing)}\nneeded: {', '.join(REQUIRED)}, and {MASK} to pretrain")
    library.no_truncation()
    library.no_padding()
    library.encode_special_tokens = True  # a special piece spelt out in a text is text
    by_id = {index: piece for piece, index in vocabulary.items()}
    pieces = tuple(by_id.get(index, f"<unused {index}>") for index in range(max(by_id) + 1))
    return Segmenter(
        file,
        pieces,
        pieces,
        lambda texts: [item.ids for item in library.encode_batch_fast(list(texts), add_special_tokens=False)],
    )

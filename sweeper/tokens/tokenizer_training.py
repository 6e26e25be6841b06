"""Tokenizers trained on a text, each a tokenizer.json that Transformers reads too.

Their ids are <s> 0, <pad> 1, </s> 2, <unk> 3, then the pieces, and <mask> last. The same text gives the same file,
however many threads there are.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import BOS, EOS, MASK, PAD, REQUIRED, SPECIAL, TRANSFORMERS, UNK, framed
from sweeper.tokens.sentencepiece_training import (
    WrongSize,
    as_library,
    check_largest,
    check_smallest,
    train_sentencepiece,
)
from sweeper.tokens.tokenizer import SENTENCEPIECE, TOKENIZER
from sweeper.trial.settings import TokenizerKind

if TYPE_CHECKING:
    import tokenizers


LARGEST = 8000  # ids of a tokenizer whose size is left open
KEPT_TEXTS = 100_000
BYTES = 256  # pieces that every byte-level vocabulary has


def train_tokenizer(
    kind: TokenizerKind, texts: Iterable[str], vocabulary_size: int | None, directory: Path, threads: int = 1
) -> Path:
    """Write a tokenizer of `vocabulary_size` ids, special ones included, into `directory`; return its tokenizer.json.

    Without a size it has all words; of other kinds at most `LARGEST`, and no more than the text allows. The texts are
    streamed; memory grows with the number of distinct words alone (of unigram and bpe: of a sample). Raises WrongInput
    when the text is too small or varied for the size.
    """
    present = _with_some_text(texts)
    model = b""
    with _rayon_threads(threads):
        if kind is TokenizerKind.word:
            library = _words(present, vocabulary_size)
        elif kind is TokenizerKind.byte_bpe:
            library = _byte_bpe(present, vocabulary_size)
        else:
            model = _sentencepiece(kind, present, vocabulary_size)
            library = as_library(model)
    _add_special_pieces(library)
    directory.mkdir(parents=True, exist_ok=True)
    library.save(str(directory / TOKENIZER))
    if model:
        (directory / SENTENCEPIECE).write_bytes(model)
    _write_transformers_settings(directory)
    return directory / TOKENIZER


def _sentencepiece(kind: TokenizerKind, texts: Iterable[str], vocabulary_size: int | None) -> bytes:
    if vocabulary_size is not None:
        return train_sentencepiece(kind, texts, vocabulary_size)
    kept: list[str] = []  # a text that is too small for the largest size is no long one
    try:
        return train_sentencepiece(kind, _keeping(texts, kept), LARGEST)
    except WrongSize as error:
        # Half of the pieces that there could be: the others are parts of a word or two.
        wanted = error.allowed if error.too_small else max(error.allowed // 2, len(SPECIAL) + 1)
    try:
        return train_sentencepiece(kind, kept, wanted)
    except WrongSize as error:
        return train_sentencepiece(kind, kept, error.allowed)


def _keeping(texts: Iterable[str], kept: list[str]) -> Iterator[str]:
    for text in texts:
        if len(kept) < KEPT_TEXTS:
            kept.append(text)
        yield text


def _with_some_text(texts: Iterable[str]) -> Iterator[str]:
    present = (text for text in texts if text and not text.isspace())
    first = next(present, None)
    if first is None:
        raise WrongInput("there is no text to train a tokenizer on\nneeded: at least one line of it")
    return chain([first], present)


@contextmanager
def _rayon_threads(threads: int) -> Iterator[None]:
    # threads that `tokenizers` started before in this process stay
    wanted = {"TOKENIZERS_PARALLELISM": str(threads > 1).lower(), "RAYON_NUM_THREADS": str(threads)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _words(texts: Iterable[str], vocabulary_size: int | None) -> tokenizers.Tokenizer:
    # by falling frequency, ties by code point
    import tokenizers

    splitter = tokenizers.pre_tokenizers.WhitespaceSplit()
    counts = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(text))
    pieces = framed(sorted(counts, key=lambda word: (-counts[word], word)))
    if vocabulary_size is not None:
        check_largest(vocabulary_size, len(pieces))
        pieces = (*pieces[: vocabulary_size - 1], MASK)
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=UNK))
    library.pre_tokenizer = splitter
    return library


def _byte_bpe(texts: Iterable[str], vocabulary_size: int | None) -> tokenizers.Tokenizer:
    # A text's first word is cut as the same word inside it is.
    import tokenizers

    check_smallest(vocabulary_size or LARGEST, BYTES + len(SPECIAL))
    byte_level = tokenizers.pre_tokenizers.ByteLevel
    library = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=UNK))
    library.pre_tokenizer = byte_level(add_prefix_space=True)
    library.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=(vocabulary_size or LARGEST) - 1,  # <mask> comes last
        special_tokens=list(REQUIRED),
        initial_alphabet=byte_level.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(texts, trainer)
    if vocabulary_size is not None:
        check_largest(vocabulary_size, library.get_vocab_size() + 1)
    return library


def _add_special_pieces(library: tokenizers.Tokenizer) -> None:
    from tokenizers import AddedToken, processors

    # A space before <mask> belongs to it: the piece that it hides begins with one.
    library.add_special_tokens([AddedToken(piece, special=True, lstrip=piece == MASK) for piece in SPECIAL])
    library.post_processor = processors.TemplateProcessing(
        single=[BOS, "$A", EOS],
        pair=[BOS, "$A", EOS, EOS, "$B", EOS],
        special_tokens=[(piece, library.token_to_id(piece)) for piece in (BOS, EOS)],
    )


def _write_transformers_settings(directory: Path) -> None:
    # `AutoTokenizer` would guess by the model's type without them.
    names = {"bos": BOS, "cls": BOS, "pad": PAD, "eos": EOS, "sep": EOS, "unk": UNK, "mask": MASK}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{name}_token": piece for name, piece in names.items()},
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    (directory / TRANSFORMERS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

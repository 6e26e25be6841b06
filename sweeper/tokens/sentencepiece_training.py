"""Sentencepiece models: trained on a stream of text, and as a tokenizer.json that cuts like them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import BOS, EOS, PAD, REQUIRED, SPECIAL, UNK
from sweeper.trial.settings import TokenizerKind

if TYPE_CHECKING:
    import tokenizers


# The unigram's training takes about 20 bytes of memory a character: from a long text so many parts are drawn at random.
SAMPLED_SENTENCES, SENTENCE_CHARACTERS = 300_000, 200
CHARACTER_COVERAGE = 0.99995  # its own 0.9995 left the digits out of novels, and W and ë: <unk> in any other text
SPACE = "▁"  # how pieces show it


class WrongSize(WrongInput):
    """A vocabulary that the text is too small for, or (`too_small`) that has no room for its characters."""

    def __init__(self, message: str, allowed: int, *, too_small: bool) -> None:
        super().__init__(message)
        self.allowed = allowed
        self.too_small = too_small


def train_sentencepiece(kind: TokenizerKind, texts: Iterable[str], vocabulary_size: int) -> bytes:
    """Return the file of a unigram or bpe model with every id of `vocabulary_size` but that of <mask>, the last.

    One thread: how many there are shows in the unigram's pieces. Raises WrongInput when the text does not have as
    many pieces, or more characters.
    """
    import sentencepiece

    sentences = Sentences(texts)
    trained = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=trained,
            model_type=kind.value,
            vocab_size=vocabulary_size - 1,
            bos_id=SPECIAL.index(BOS),
            pad_id=SPECIAL.index(PAD),
            eos_id=SPECIAL.index(EOS),
            unk_id=SPECIAL.index(UNK),
            character_coverage=CHARACTER_COVERAGE,
            input_sentence_size=SAMPLED_SENTENCES,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if sentences.error is not None:
            raise sentences.error from None
        _check_size(vocabulary_size, str(error))
        raise
    return trained.getvalue()


class Sentences:
    """Texts in short parts, of which sentencepiece draws; keeps the error that it would turn into a string."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[str]:
        try:
            for text in self.texts:
                yield from cut(text, SENTENCE_CHARACTERS)
        except Exception as error:
            self.error = error
            raise


def cut(text: str, longest: int) -> Iterator[str]:
    """Cut a text into parts of at most `longest` characters, at spaces where there are any."""
    start = 0
    while len(text) - start > longest:
        space = text.rfind(" ", start + 1, start + longest + 1)
        end = start + longest if space < 0 else space
        yield text[start:end]
        start = end
    yield text[start:]


def _check_size(vocabulary_size: int, message: str) -> None:
    # sentencepiece's sizes are without <mask>
    if too_large := re.search(r"Vocabulary size too high .* <= (\d+)", message):
        check_largest(vocabulary_size, int(too_large[1]) + 1)
    if too_small := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        check_smallest(vocabulary_size, int(too_small[1]) + 1)


def as_library(model: bytes) -> tokenizers.Tokenizer:
    """Return a trained model as a tokenizer of `tokenizers`.

    As Transformers converts such files (`SpmConverter` in transformers/convert_slow_tokenizer.py), whose code for BPE
    does not run.
    """
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers

    content = sentencepiece_model_pb2.ModelProto.FromString(model)
    pieces = [(piece.piece, piece.score) for piece in content.pieces]
    is_unigram = content.trainer_spec.model_type == sentencepiece_model_pb2.TrainerSpec.UNIGRAM
    library = Tokenizer(_unigram(pieces) if is_unigram else _bpe([piece for piece, _ in pieces]))
    library.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(content.normalizer_spec.precompiled_charsmap),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), SPACE),
        ]
    )
    library.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    library.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    return library


def _unigram(pieces: list[tuple[str, float]]) -> tokenizers.models.Unigram:
    import tokenizers

    # Sentencepiece never finds a special piece in a text; this library does unless any other way costs less.
    worst = 10 * min(score for _, score in pieces)
    scored = [(piece, worst) for piece in REQUIRED] + pieces[len(REQUIRED) :]
    return tokenizers.models.Unigram(scored, unk_id=REQUIRED.index(UNK))


def _bpe(pieces: list[str]) -> tokenizers.models.BPE:
    # Pieces come in the order in which they were merged, single characters last.
    import tokenizers
    from transformers.convert_slow_tokenizer import generate_merges

    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    merges = generate_merges(vocabulary, None, skip_tokens=REQUIRED)
    return tokenizers.models.BPE(vocabulary, merges, unk_token=UNK, fuse_unk=True)


def check_largest(vocabulary_size: int, largest: int) -> None:
    """Raise WrongInput when the text has not as many pieces."""
    if vocabulary_size > largest:
        raise WrongSize(
            f"tokenizer.vocabulary_size={vocabulary_size} is more than the text has pieces for\n"
            f"allowed: at most {largest}, or give more text",
            largest,
            too_small=False,
        )


def check_smallest(vocabulary_size: int, smallest: int) -> None:
    """Raise WrongInput when not even single characters, or bytes, have an id each."""
    if vocabulary_size < smallest:
        raise WrongSize(
            f"tokenizer.vocabulary_size={vocabulary_size} is too small\n"
            f"allowed: at least {smallest}, the special pieces and one for every character",
            smallest,
            too_small=True,
        )

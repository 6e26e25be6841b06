"""What a segmentation library makes of its file: texts cut into pieces, which have ids, which are special.

Special are those that are no text: beginning, padding, end, unknown, hidden, whatever a file calls them.
Light to import: the libraries are imported when a file is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput

if TYPE_CHECKING:
    import tokenizers

BOS, PAD, EOS, UNK, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
REQUIRED = (BOS, PAD, EOS, UNK)
SPECIAL = (*REQUIRED, MASK)
TRANSFORMERS = "tokenizer_config.json"  # what Transformers asks for beside a tokenizer.json
SPECIAL_NAMES = "special_tokens_map.json"  # what older versions ask for as well
ROLES = {BOS: "bos_token", PAD: "pad_token", EOS: "eos_token", UNK: "unk_token"}  # as Transformers calls them


@dataclass(frozen=True)
class Segmenter:
    """What a library makes of its file.

    `pieces` are in the order of the library's own ids, which `segment` cuts texts into and `join` makes a text of;
    `vocabulary` holds those that have an id when nothing is cut off, in the order of these ids. `special` tells which
    pieces serve as <s>, <pad>, </s> and <unk>, where they are called otherwise.
    """

    file: Path
    pieces: tuple[str, ...]
    vocabulary: tuple[str, ...]
    segment: Callable[[Sequence[str]], list[list[int]]]
    join: Callable[[list[int]], str]
    special: Mapping[str, str] = field(default_factory=dict)


def framed(pieces: Iterable[str]) -> tuple[str, ...]:
    """Return the special pieces with others between <unk> and <mask>."""
    return (*REQUIRED, *(piece for piece in pieces if piece not in SPECIAL), MASK)


def _unreadable(file: Path, kind: str, error: Exception, needed: str) -> WrongInput:
    said = " ".join(str(error).split())[:150]
    return WrongInput(f"tokenizer {file} is cut off, or no {kind}: {said}\n{needed}")


def read_sentencepiece(file: Path) -> Segmenter:
    """Read a sentencepiece model (unigram, BPE, word or char)."""
    import sentencepiece

    try:
        model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    except RuntimeError as error:
        raise _unreadable(file, "sentencepiece model", error, "needed: the *.model file of its training") from error
    pieces = tuple(model.id_to_piece(index) for index in range(model.get_piece_size()))
    vocabulary = pieces
    if not set(SPECIAL) <= set(pieces):
        hidden = [model.is_control(index) or model.is_unknown(index) for index in range(len(pieces))]
        vocabulary = framed(piece for piece, is_hidden in zip(pieces, hidden, strict=True) if not is_hidden)
    return Segmenter(file, pieces, vocabulary, lambda texts: model.encode(list(texts)), model.decode)


def open_tokenizer_json(file: Path) -> tokenizers.Tokenizer:
    """Return what its library makes of a tokenizer.json. Raises WrongInput where that is nothing."""
    import tokenizers

    try:
        return tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no narrower class
        raise _unreadable(file, "tokenizer.json", error, "needed: a file of the tokenizers library") from error


def read_tokenizer_json(file: Path) -> Segmenter:
    """Read a tokenizer.json; <s>, </s>, cutting and padding are ours, so what it says of them is not used."""
    library = open_tokenizer_json(file)
    vocabulary: dict[str, int] = library.get_vocab(with_added_tokens=True)
    special = special_pieces(file, vocabulary)
    missing = [piece for piece in REQUIRED if piece not in special]
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
        lambda ids: library.decode(ids, skip_special_tokens=False),
        special,
    )


def special_pieces(file: Path, known: Container[str]) -> dict[str, str]:
    """Return which of a file's pieces serves as <s>, <pad>, </s> and <unk>; those that none serves as are left out.

    That is the piece of this name, else the one that Transformers' settings beside the file name, else, since there are
    models without padding and with one piece for beginning and end, the one for the end.
    """
    named = named_special_pieces(file)
    end = EOS if EOS in known else named.get(EOS)
    options = {piece: (piece, named.get(piece), end if named else None) for piece in REQUIRED}
    found = {piece: next((name for name in names if name in known), None) for piece, names in options.items()}
    return {piece: name for piece, name in found.items() if name is not None}


def named_special_pieces(file: Path) -> dict[str, str]:
    """Return the special pieces that Transformers' settings beside a tokenizer.json name."""
    named: dict[str, str] = {}
    for settings in (TRANSFORMERS, SPECIAL_NAMES):
        try:
            content = json.loads(file.with_name(settings).read_bytes())
        except (OSError, ValueError):
            continue
        for piece, role in ROLES.items():
            given = content.get(role) if isinstance(content, dict) else None
            name = given.get("content") if isinstance(given, dict) else given
            if isinstance(name, str):
                named.setdefault(piece, name)
    return named

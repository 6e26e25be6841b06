"""A tokenizer as Transformers reads it, whatever its files: its pieces, its frame around texts, its token types.

Transformers reads it once, when a study's inputs are made, and writes it down as tokenizer.json; from then on the
tokenizers library is enough. Light to import.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.records.files import read_json
from sweeper.tokens.segmenters import Segmenter
from sweeper.tokens.tokenizer import TOKENIZER, Encoded, Tokenizer

if TYPE_CHECKING:
    import tokenizers

ROLES = "tokenizer_roles.json"  # beside a tokenizer.json that Transformers has read: what its special ids are


@dataclass(frozen=True)
class Roles:
    """Ids with a meaning, by role; `token_types`: whether the model is told which of two texts an id is of."""

    bos: int
    eos: int
    pad: int
    unk: int | None
    mask: int | None
    token_types: bool
    truncation_side: str = "right"  # where a text that is too long is cut


@dataclass(frozen=True)
class TransformersTokenizer(Tokenizer):
    """A tokenizer.json with its roles. A special piece that a text spells out is text, for every model."""

    roles: Roles

    @property
    def bos(self) -> int:
        """Id that a text begins with, where one is needed."""
        return self.roles.bos

    @property
    def eos(self) -> int:
        """Id that a text ends with, where one is needed."""
        return self.roles.eos

    @property
    def pad(self) -> int:
        """Id of padding: the model's own, else that of its end."""
        return self.roles.pad

    @property
    def unk(self) -> int:
        """Id of what has no piece; −1, which no text has, where every text has pieces."""
        return -1 if self.roles.unk is None else self.roles.unk

    @property
    def mask(self) -> int | None:
        """Id of a hidden piece; None where the model has none."""
        return self.roles.mask

    @cached_property
    def _library(self) -> tokenizers.Tokenizer:
        return read_library(self.segmenter.file)

    def segment(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, uncut and without a frame."""
        return [[self._as_text(index) for index in ids] for ids in self.segmenter.segment(texts)]

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return each text's ids in the model's own frame, at most `max_length`."""
        return [example.input_ids for example in self.examples([texts], max_length)]

    def examples(self, columns: Sequence[Sequence[str]], max_length: int) -> list[Encoded]:
        """Return each example's ids in the model's own frame, with token types where it has them; see `Tokenizer`."""
        pairs = len(columns) == 2
        frame = self._library.num_special_tokens_to_add(pairs)
        if max_length < frame + len(columns):
            raise WrongInput(
                f"train.max_length={max_length} has no room for the {frame} ids that the model puts around"
                f" {'pairs of texts' if pairs else 'a text'}\nallowed: at least {frame + len(columns)}"
            )
        self._library.enable_truncation(max_length, strategy="longest_first", direction=self.roles.truncation_side)
        made = self._library.encode_batch([*zip(*columns, strict=True)] if pairs else list(columns[0]))
        types = self.roles.token_types
        return [
            Encoded(
                [
                    index if own else self._as_text(index)
                    for index, own in zip(item.ids, item.special_tokens_mask, strict=True)
                ],
                item.type_ids if types else None,
                bool(item.overflowing),
                sum(item.special_tokens_mask),
            )
            for item in made
        ]

    @cached_property
    def _special_ids(self) -> frozenset[int]:
        added = self._library.get_added_tokens_decoder().items()
        return frozenset(index for index, piece in added if piece.special) - {self.roles.unk}

    def _as_text(self, index: int) -> int:
        # The pieces of a unigram model may name the special ones, too.
        return self.unk if index in self._special_ids and self.roles.unk is not None else index

    def save(self, directory: Path) -> None:
        """Write the files that it is read from, by Sweeper and by Transformers."""
        directory.mkdir(parents=True, exist_ok=True)
        written = read_json(self.segmenter.file.with_name(ROLES))
        for name in (*written["files"], ROLES):
            shutil.copyfile(self.segmenter.file.with_name(name), directory / name)


def read_library(file: Path) -> tokenizers.Tokenizer:
    """Read a tokenizer.json with the tokenizers library; a special piece that a text spells out is text."""
    import tokenizers

    library = tokenizers.Tokenizer.from_file(str(file))
    library.no_truncation()
    library.no_padding()
    library.encode_special_tokens = True
    return library


def write_roles(directory: Path, roles: Roles) -> None:
    """Write down what Transformers has read, beside the files that it has written into a directory."""
    files = sorted(path.name for path in directory.iterdir())
    (directory / ROLES).write_text(json.dumps(asdict(roles) | {"files": files}), encoding="utf-8")


def load_read(directory: Path) -> TransformersTokenizer | None:
    """Load a tokenizer that Transformers has read and written; None where a directory holds none."""
    written = read_json(directory / ROLES)
    if written is None:
        return None
    library = read_library(directory / TOKENIZER)
    by_id = {index: piece for piece, index in library.get_vocab(with_added_tokens=True).items()}
    pieces = tuple(by_id.get(index, f"<unused {index}>") for index in range(max(by_id) + 1))
    segmenter = Segmenter(
        directory / TOKENIZER,
        pieces,
        pieces,
        lambda texts: [item.ids for item in library.encode_batch_fast(list(texts), add_special_tokens=False)],
        lambda ids: library.decode(ids, skip_special_tokens=False),
    )
    roles = Roles(**{name: value for name, value in written.items() if name != "files"})
    return TransformersTokenizer(segmenter, pieces, roles)

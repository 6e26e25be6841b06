"""Text as ids on disk: texts end to end, each followed by </s>, read in blocks without loading them.

train.bin and valid.bin hold unsigned integers, of 16 bits where every id fits, else of 32; facts.json tells which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from itertools import chain
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy

    Ids = numpy.ndarray[Any, numpy.dtype[Any]]

FACTS = "facts.json"
LARGEST_UINT16 = 2**16 - 1
BATCH_TEXTS, BATCH_CHARACTERS = 1000, 2**20  # what is tokenized at once: the first limit that is reached
TITLES = {"train": "train on", "valid": "hold out"}
ROUNDS = 8


def pack(
    texts: Iterable[str],
    tokenizer: Tokenizer,
    held_out_share: float,
    split_seed: int,
    directory: Path,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Write train.bin, valid.bin and facts.json into `directory`, streaming the texts.

    A text is held out by a hash of it and `split_seed`, with probability `held_out_share`, so equal texts are on the
    same side. `on_progress` is told the number of ids written so far. Raises WrongInput when a side stays empty.
    """
    directory.mkdir(parents=True, exist_ok=True)
    dtype = "uint16" if tokenizer.size - 1 <= LARGEST_UINT16 else "uint32"
    with ExitStack() as files:
        packers = {
            split: _Packer(files.enter_context((directory / f"{split}.bin").open("wb")), tokenizer, dtype)
            for split in TITLES
        }
        for batch in _batches(texts):
            sides: dict[str, list[str]] = {split: [] for split in TITLES}
            for text in batch:
                sides["valid" if is_held_out(text, held_out_share, split_seed) else "train"].append(text)
            for split, side in sides.items():
                packers[split].write(side)
            if on_progress is not None:
                on_progress(sum(packer.tokens for packer in packers.values()))
    _check_sides(packers, held_out_share)
    facts = {
        "dtype": dtype,
        **{split: packer.facts() for split, packer in packers.items()},
        "token_counts": packers["train"].counts.tolist(),
    }
    (directory / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


class _Packer:
    def __init__(self, file: BinaryIO, tokenizer: Tokenizer, dtype: str) -> None:
        import numpy

        self.file = file
        self.tokenizer = tokenizer
        self.dtype = dtype
        self.texts = 0
        self.counts = numpy.zeros(tokenizer.size, dtype="int64")

    @property
    def tokens(self) -> int:
        """Number of ids written, </s> included."""
        return int(self.counts.sum())

    def write(self, texts: Sequence[str]) -> None:
        import numpy

        ended = ((*ids, self.tokenizer.eos) for ids in self.tokenizer.segment(texts))
        block = numpy.fromiter(chain.from_iterable(ended), dtype=self.dtype)
        self.file.write(block.tobytes())
        self.texts += len(texts)
        self.counts += numpy.bincount(block, minlength=len(self.counts))

    def facts(self) -> dict[str, Any]:
        """What was written; `unknown_share` is of the ids of the texts."""
        unknown, words = int(self.counts[self.tokenizer.unk]), self.tokens - self.texts
        return {"texts": self.texts, "tokens": self.tokens, "unknown_share": unknown / max(words, 1)}


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if len(batch) == BATCH_TEXTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def is_held_out(text: str, share: float, seed: int) -> bool:
    """Whether a text belongs to the validation side."""
    drawn = blake2b(text.encode(), digest_size=8, salt=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(drawn, "little") < share * 2**64


def _check_sides(packers: dict[str, _Packer], held_out_share: float) -> None:
    total = sum(packer.texts for packer in packers.values())
    for split, packer in packers.items():
        if not packer.texts:
            raise WrongInput(
                f"data.held_out_share={held_out_share} of {total} texts leaves none to {TITLES[split]}\n"
                "needed: a text on either side\nset another data.held_out_share or data.split_seed, or give more text"
            )


def token_counts(directory: Path) -> list[int]:
    """How often each id, from 0 to the tokenizer's last, is in train.bin."""
    counts: list[int] = load_facts(directory)["token_counts"]
    return counts


def load_facts(directory: Path) -> dict[str, Any]:
    """Return dtype, token_counts of train, and of train and valid the texts, tokens and unknown_share."""
    facts: dict[str, Any] = json.loads((directory / FACTS).read_text(encoding="utf-8"))
    return facts


class Sequences(Protocol):
    """Sequences of ids by their number, from 0."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int, /) -> Any:
        """Return one of them; raise IndexError when there is none of that number."""


@dataclass(frozen=True)
class PackedSequences:
    """A side's ids in blocks of `length - 2`, each between <s> and </s>; texts go on from one block to the next.

    The last block is left out when it is incomplete, unless it is the only one.
    """

    file: Path
    dtype: str
    tokens: int
    length: int
    bos: int
    eos: int

    @classmethod
    def open(cls, directory: Path, split: str, length: int, bos: int, eos: int) -> PackedSequences:
        """Open train or valid for sequences of `length` ids, <s> and </s> included."""
        assert length >= 3, "there must be room for an id between <s> and </s>"
        facts = load_facts(directory)
        return cls(directory / f"{split}.bin", facts["dtype"], facts[split]["tokens"], length, bos, eos)

    def __len__(self) -> int:
        return max(self.tokens // (self.length - 2), 1)

    def __getitem__(self, number: int) -> Ids:
        """Return sequence `number` as int64, of shape (length,) or less when it is the only one."""
        import numpy

        if not 0 <= number < len(self):
            raise IndexError(number)
        size = self.length - 2
        block = self._ids[number * size : (number + 1) * size]
        return numpy.concatenate([[self.bos], block, [self.eos]]).astype("int64")

    def __getstate__(self) -> dict[str, Any]:
        # A worker process maps the file itself; pickling a map would copy the file.
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @cached_property
    def _ids(self) -> Ids:
        import numpy

        return numpy.memmap(self.file, dtype=self.dtype, mode="r")


@dataclass(frozen=True)
class Shuffled:
    """`total` visits to sequences: the i-th is in epoch i // n, n being their number, at position i % n of its order.

    Every sequence comes once an epoch, in another order each time; what comes next follows from i alone.
    """

    sequences: Sequences
    total: int
    seed: int

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, visit: int) -> Any:
        if not 0 <= visit < self.total:
            raise IndexError(visit)
        epoch, position = divmod(visit, len(self.sequences))
        return self.sequences[permuted(position, len(self.sequences), self.seed, epoch)]


def permuted(position: int, size: int, seed: int, epoch: int) -> int:
    """Return what is at `position` of a pseudo-random order of range(size), another for each seed and epoch.

    A Feistel network over a rectangle of at least `size` cells, walked through until a cell below `size` is met: the
    generalised Feistel cipher with cycle walking of Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains".
    """
    columns = isqrt(size - 1) + 1
    rows = -(-size // columns)
    while True:
        row, column = divmod(position, columns)
        for turn in range(0, ROUNDS, 2):
            row = (row + _drawn(seed, epoch, turn, column)) % rows
            column = (column + _drawn(seed, epoch, turn + 1, row)) % columns
        position = row * columns + column
        if position < size:
            return position


def _drawn(*numbers: int) -> int:
    # 64 bits that look random and follow from numbers of 64 bits each
    content = b"".join(number.to_bytes(8, "little") for number in numbers)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")

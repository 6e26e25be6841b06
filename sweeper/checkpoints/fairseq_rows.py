"""The order in which fairseq holds a tokenizer's pieces, and the dictionary file that states it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import FIRST, MASK

if TYPE_CHECKING:
    from sweeper.tokens.tokenizer import Tokenizer


def order(tokenizer: Tokenizer, rows: int) -> tuple[int, ...]:
    """Return the tokenizer's id that each row of a fairseq embedding stands for, of `rows` in all."""
    special = (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk)
    return (*special, *(index for index in range(rows) if index not in special))


def write_dictionary(tokenizer: Tokenizer, rows: int, file: Path) -> None:
    """Write the dict.txt of an embedding with `rows` rows in the order of `order`.

    What cannot be a symbol (white space, a name that another row has, no piece at all) is called madeupwordNNNN.
    Raises WrongInput when no row is left for <mask>, which fairseq's tasks need.
    """
    text = "".join(f"{symbol} 1\n" for symbol in symbols(tokenizer, rows)[len(FIRST) :])
    file.write_text(text, encoding="utf-8", newline="\n")


def symbols(tokenizer: Tokenizer, rows: int) -> tuple[str, ...]:
    """Return the symbol of each row; see `write_dictionary`."""
    pieces = [tokenizer.pieces[index] if index < tokenizer.size else "" for index in order(tokenizer, rows)]
    if tokenizer.mask is None:
        if rows == tokenizer.size:
            raise WrongInput(
                f"the tokenizer has no {MASK}, and the embedding no row to spare for it, which fairseq needs\n"
                f"set a larger vocabulary_size of the arch, or a tokenizer with {MASK}"
            )
        pieces[-1] = MASK
    taken = set(pieces)
    made_up = (name for name in (f"madeupword{number:04d}" for number in count()) if name not in taken)
    return tuple(unique(pieces, made_up))


def unique(pieces: list[str], made_up: Iterator[str]) -> Iterator[str]:
    """Yield pieces, and for those that are no symbol or were there before a name that is made up."""
    seen: set[str] = set()
    for piece in pieces:
        usable = piece and piece not in seen and not any(letter.isspace() for letter in piece)
        seen.add(piece)
        yield piece if usable else next(made_up)

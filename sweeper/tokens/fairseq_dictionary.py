"""fairseq's dict.txt, read and written: which symbol each row of an embedding stands for. Standard library only.

fairseq gives the first four rows to <s>, <pad>, </s> and <unk>; each line of the file names the symbol of the next row
and how often it was counted. <mask> gets the row after them when no line names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import MASK, REQUIRED, SPECIAL

if TYPE_CHECKING:
    from sweeper.tokens.tokenizer import Tokenizer

DICTIONARY = "dict.txt"
OVERWRITE = "#fairseq:overwrite"  # at a line's end: the symbol is there already, and this row is its row from now on


def read_dictionary(file: Path) -> tuple[str, ...]:
    """Return the symbol of every row that a dict.txt stands for. Raises WrongInput for what fairseq could not read."""
    found = [*REQUIRED]
    known = set(found)
    try:
        lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeError) as error:
        raise WrongInput(f"{file} cannot be read: {error}\nneeded: a dict.txt of fairseq, in UTF-8") from error
    for number, line in enumerate(lines, start=1):
        symbol, _, counted = line.rstrip().rpartition(" ")
        overwrites = counted == OVERWRITE
        if overwrites:
            symbol, _, counted = symbol.rpartition(" ")
        if not symbol or not counted.lstrip("-").isdecimal():
            raise WrongInput(f"{file}, line {number} is no line of a dictionary\nneeded there: SYMBOL COUNT")
        if symbol in known and not overwrites:
            raise WrongInput(f"{file}, line {number}: {symbol} has a row already\nallowed: each symbol once")
        known.add(symbol)
        found.append(symbol)
    return tuple(found) if MASK in known else (*found, MASK)


def check_dictionary(file: Path, pieces: Iterable[str]) -> None:
    """Raise WrongInput for a dict.txt of which most symbols are none of a tokenizer's pieces: all would be <unk>."""
    own = set(read_dictionary(file)) - {*SPECIAL}
    strange = sorted(own - set(pieces))
    if 2 * len(strange) > len(own):
        raise WrongInput(
            f"{file} names what the tokenizer beside it has no piece for: {', '.join(strange[:3])}\n"
            "needed: the dict.txt that belongs to it, or none"
        )


def order(tokenizer: Tokenizer, rows: int) -> tuple[int, ...]:
    """Return the tokenizer's id that each row of a fairseq embedding stands for, of `rows` in all."""
    special = (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk)
    return (*special, *(index for index in range(rows) if index not in special))


def write_dictionary(tokenizer: Tokenizer, rows: int, file: Path) -> None:
    """Write the dict.txt of an embedding with `rows` rows in the order of `order`.

    What cannot be a symbol (white space, a name that another row has, no piece at all) is called madeupwordNNNN.
    Raises WrongInput when no row is left for <mask>, which fairseq's tasks need.
    """
    text = "".join(f"{symbol} 1\n" for symbol in symbols(tokenizer, rows)[len(REQUIRED) :])
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
    return tuple(_unique(pieces, made_up))


def _unique(pieces: Iterable[str], made_up: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for piece in pieces:
        usable = piece and piece not in seen and not any(letter.isspace() for letter in piece)
        seen.add(piece)
        yield piece if usable else next(made_up)

"""fairseq's dict.txt: which symbol each row of an embedding stands for. Standard library only.

fairseq gives the first four rows to <s>, <pad>, </s> and <unk>; each line of the file names the symbol of the next row
and how often it was counted. <mask> gets the row after them when no line names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sweeper.errors import WrongInput

DICTIONARY = "dict.txt"
FIRST, MASK = ("<s>", "<pad>", "</s>", "<unk>"), "<mask>"
OVERWRITE = "#fairseq:overwrite"  # at a line's end: the symbol is there already, and this row is its row from now on


def read_dictionary(file: Path) -> tuple[str, ...]:
    """Return the symbol of every row that a dict.txt stands for. Raises WrongInput for what fairseq could not read."""
    found = [*FIRST]
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
    own = set(read_dictionary(file)) - {*FIRST, MASK}
    strange = sorted(own - set(pieces))
    if 2 * len(strange) > len(own):
        raise WrongInput(
            f"{file} names what the tokenizer beside it has no piece for: {', '.join(strange[:3])}\n"
            "needed: the dict.txt that belongs to it, or none"
        )

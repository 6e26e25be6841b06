"""The pieces of a sentencepiece model, read without its library, for planning. Standard library only.

The file is a protocol buffer (sentencepiece_model.proto): field 1 of the model is a piece, repeated; of a piece field
1 is its text and field 3 its type. Of the wire format only what skips the other fields is needed
(protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from sweeper.errors import WrongInput

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
PIECE = 1  # field of the model
TEXT, TYPE = 1, 3  # fields of a piece


class PieceType(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """One piece."""

    text: str
    type: PieceType

    @property
    def is_hidden(self) -> bool:
        """Whether no text is cut into it."""
        return self.type in (PieceType.UNKNOWN, PieceType.CONTROL)


def model_pieces(file: Path) -> tuple[Piece, ...]:
    """Return a model's pieces in the order of the library's ids. Raises WrongInput for what is no such file."""
    try:
        messages = [value for field, value in fields(file.read_bytes()) if field == PIECE and isinstance(value, bytes)]
        pieces = tuple(piece(message) for message in messages)
    except (ValueError, IndexError) as error:
        raise WrongInput(
            f"tokenizer {file} is cut off, or no sentencepiece model\nneeded: the *.model file of its training"
        ) from error
    if not pieces:
        raise WrongInput(f"tokenizer {file} is no sentencepiece model\nneeded: the *.model file of its training")
    return pieces


def piece(message: bytes) -> Piece:
    """Read one piece; its type is NORMAL where the message does not say."""
    found = dict(fields(message))
    text, kind = found.get(TEXT, b""), found.get(TYPE, PieceType.NORMAL)
    if not isinstance(text, bytes) or not isinstance(kind, int):
        raise ValueError("fields of other types")
    return Piece(text.decode(), PieceType(kind))


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message. Raises ValueError or IndexError when it is broken."""
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = varint(message, place)
            yield number, value
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            raise ValueError(f"wire type {kind}")
        size, place = varint(message, place) if kind == BYTES else ({FIXED64: 8, FIXED32: 4}[kind], place)
        if place + size > len(message):
            raise ValueError("cut off")
        yield number, message[place : place + size]
        place += size


def varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the integer at a place, seven bits a byte, and the place after it."""
    value, shift = 0, 0
    while message[place] & 0x80:
        value |= (message[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | message[place] << shift, place + 1

"""Pseudo-random orders that need no memory and can be entered at any place."""

from __future__ import annotations

from hashlib import blake2b
from math import isqrt

ROUNDS = 8


def permuted(place: int, size: int, seed: int, epoch: int) -> int:
    """Return what is at `place` of a pseudo-random order of range(size), another for each seed and epoch.

    A Feistel network over a rectangle of at least `size` cells, walked through until a cell below `size` is met: the
    generalised Feistel cipher with cycle walking of Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains".
    """
    columns = isqrt(size - 1) + 1
    rows = -(-size // columns)
    while True:
        row, column = divmod(place, columns)
        for turn in range(0, ROUNDS, 2):
            row = (row + drawn(seed, epoch, turn, column)) % rows
            column = (column + drawn(seed, epoch, turn + 1, row)) % columns
        place = row * columns + column
        if place < size:
            return place


def drawn(*numbers: int) -> int:
    """Return 64 bits that look random and follow from the numbers, each of 64 bits."""
    content = b"".join(number.to_bytes(8, "little") for number in numbers)
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")

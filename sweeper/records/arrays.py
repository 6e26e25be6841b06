"""Arrays in one .npz file: the same bytes for the same content, and read without running anything that it holds.

Imports numpy, which what must be quick does not.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeper.errors import WrongInput, first_line
from sweeper.records.files import write_file

Array = NDArray[Any]
ENDING = ".npy"
WHEN = (1980, 1, 1, 0, 0, 0)  # what a ZIP file says of each of its files; the earliest that it can say
VERSION = (1, 0)  # of numpy's format
COMPRESSION = 6  # zlib's own default


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Return the content of an .npz file with these arrays, little-endian, in their order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(content, little, version=VERSION, allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}{ENDING}", WHEN)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content.getvalue())
    return file.getvalue()


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Replace a file by these arrays, at once; for a file that no other process writes at the same time."""
    write_file(path, packed(arrays), alone=True)


class Arrays:
    """The arrays of an .npz file, each read when it is asked for. Raises ValueError for what is not as it must be."""

    def __init__(self, archive: zipfile.ZipFile):
        self.archive = archive
        self.names = [name.removesuffix(ENDING) for name in archive.namelist()]

    def get(self, name: str, kinds: str, shape: Sequence[int | None]) -> Array:
        """Return an array of one of these kinds of numbers (as `dtype.kind`), of this shape (None: any extent)."""
        if name not in self.names:
            raise ValueError(f"it has no {name}")
        array = _array(self.archive.read(f"{name}{ENDING}"))
        fits = len(array.shape) == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype.kind not in kinds or not fits:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        return array


def _array(content: bytes) -> Array:
    """Return the array of an .npy file's content; of objects, which would be pickled, there are none."""
    size = 10 + int.from_bytes(content[8:10], "little")
    shape, dtype = _header(content[:size])
    found: Array = np.frombuffer(content, dtype, math.prod(shape), size).reshape(shape)
    if found.nbytes != len(content) - size:
        raise ValueError(f"an array of {found.nbytes} bytes is {len(content) - size} long")
    return found


@cache  # thousands of trials have the same, and numpy parses it as Python
def _header(head: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    file = io.BytesIO(head)
    if np.lib.format.read_magic(file) != VERSION:
        raise ValueError("an array is of another version of numpy's format")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    if by_column or dtype.hasobject:
        raise ValueError(f"an array is {dtype}, {'by column' if by_column else 'in rows'}")
    return shape, dtype


@contextmanager
def reading(path: Path, what: str, remedy: str) -> Iterator[Arrays]:
    """Open an .npz file. Raises WrongInput, naming it, where it is none, is cut short or holds what it must not."""
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:  # at once: there are thousands of them
            yield Arrays(archive)
    except FileNotFoundError as error:
        raise WrongInput(f"there is no {path}\n{remedy}") from error
    except WrongInput:
        raise
    except Exception as error:  # what reading foreign bytes raises has no common class
        raise WrongInput(f"{path} is not {what}: {first_line(error)}\n{remedy}") from error

"""Shapes of the tensors in a safetensors file, from its header alone.

The format (github.com/huggingface/safetensors): the header's length in bytes as a little-endian 64-bit integer, the
header in JSON ({name: {dtype, shape, data_offsets: [begin, end]}}), then the tensors one after another.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from sweeper.wrong_input import WrongInput

LENGTH_BYTES = 8
LARGEST_HEADER_BYTES = 100_000_000  # the library's own limit
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def safetensors_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape. Raises WrongInput for a file that is cut off or no safetensors."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or length > LARGEST_HEADER_BYTES:
            refuse(file, "is no safetensors file")
        if LENGTH_BYTES + length > size:
            refuse(file, f"is cut off: its header alone has {length} bytes, the file {size}")
        content = stream.read(length)
    try:
        header = json.loads(content)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        shapes = {name: tuple(int(extent) for extent in entry["shape"]) for name, entry in tensors.items()}
        ends = sorted(tuple(entry["data_offsets"]) for entry in tensors.values())
        wrong = next((name for name, entry in tensors.items() if not fits(entry)), None)
    except (ValueError, TypeError, KeyError, AttributeError):
        refuse(file, "has a header that cannot be read")
    stored, needed = size - LENGTH_BYTES - length, ends[-1][1] if ends else 0
    if stored < needed:
        refuse(file, f"is cut off: its tensors have {needed} bytes, {stored} are there")
    gapless = all(before[1] == after[0] for before, after in zip([(0, 0), *ends], ends, strict=False))
    if wrong is not None or stored > needed or not gapless:
        refuse(file, f"is corrupt: {wrong or 'its tensors'} and its header do not fit")
    return shapes


def fits(entry: dict[str, Any]) -> bool:
    """Whether a tensor has as many bytes as its shape and type need; true for types that are not known here."""
    begin, end = entry["data_offsets"]
    width = BYTES.get(entry["dtype"])
    return width is None or end - begin == width * math.prod(entry["shape"])


def refuse(file: Path, said: str) -> NoReturn:
    """Raise WrongInput with what is wrong with a file."""
    raise WrongInput(f"{file} {said}\nneeded: a whole safetensors file; copy or download it again")

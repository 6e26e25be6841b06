"""Which files hold the weights of a directory in Transformers format, and the shapes of the tensors in them."""

from __future__ import annotations

import json
import math
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from sweeper.checkpoints.pickled_tensors import pickle_shapes
from sweeper.errors import WrongInput

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
LENGTH_BYTES = 8
LARGEST_HEADER_BYTES = 100_000_000  # the library's own limit
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def weight_files(directory: Path) -> list[Path]:
    """Return the files that hold a checkpoint's weights, those that its index names included."""
    found = weight_file(directory)
    if found is None:
        return []
    return [directory / name for name in sorted(set(shards(found).values()))] if found.suffix == ".json" else [found]


def weight_file(directory: Path) -> Path | None:
    """Return the file that Transformers would load, or the index of several; safetensors before pickles."""
    return next((directory / name for name in WEIGHT_FILES if (directory / name).is_file()), None)


def shards(index: Path) -> dict[str, str]:
    """Return which file beside an index holds each tensor. Raises WrongInput for what is no index."""
    try:
        named = json.loads(index.read_bytes())["weight_map"]
        plain = all(isinstance(name, str) and PurePosixPath(name).name == name for name in named.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        plain = False
    if not plain:
        raise WrongInput(f"{index} is no index of weights\nneeded there: weight_map, from tensors to files beside it")
    return dict(named)


def tensor_shapes(directory: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all of a checkpoint's tensors. Raises WrongInput for files that are not whole."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in weight_files(directory):
        if not file.is_file():
            raise WrongInput(f"{file} is missing\nneeded there: every file that the index beside it names")
        shapes |= safetensors_shapes(file) if file.suffix == ".safetensors" else pickle_shapes(file)
    index = weight_file(directory)
    listed = shards(index) if index is not None and index.suffix == ".json" else {}
    if missing := next((name for name in listed if name not in shapes), None):
        raise WrongInput(f"{directory / listed[missing]} lacks {missing}, which the index lists\ncopy it again")
    return shapes


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

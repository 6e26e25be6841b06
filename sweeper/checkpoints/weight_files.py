"""Which files hold the weights of a directory in Transformers format, and the shapes of the tensors in them."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from sweeper.checkpoints.pickled_tensors import pickle_shapes, read_pickles
from sweeper.errors import WrongInput

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


PARAMETERS = (".weight", ".bias")  # ends of names; a buffer, as position_ids, may hold integers
INTEGERS = ("I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL")


def weight_files(directory: Path) -> list[Path]:
    """Return the files that hold a checkpoint's weights, those that its index names included."""
    found = _weight_file(directory)
    if found is None:
        return []
    return [directory / name for name in sorted(set(_shards(found).values()))] if found.suffix == ".json" else [found]


def _weight_file(directory: Path) -> Path | None:
    # as Transformers chooses: safetensors before pickles
    return next((directory / name for name in WEIGHT_FILES if (directory / name).is_file()), None)


def _shards(index: Path) -> dict[str, str]:
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
    files = weight_files(directory)
    if absent := next((file for file in files if not file.is_file()), None):
        raise WrongInput(f"{absent} is missing\nneeded there: every file that the index beside it names")
    safe = [file for file in files if file.suffix == ".safetensors"]
    shapes = pickle_shapes([file for file in files if file not in safe])
    for file in safe:
        shapes |= safetensors_shapes(file)
    index = _weight_file(directory)
    listed = _shards(index) if index is not None and index.suffix == ".json" else {}
    if missing := next((name for name in listed if name not in shapes), None):
        raise WrongInput(f"{directory / listed[missing]} lacks {missing}, which the index lists\ncopy it again")
    return shapes


def is_half_precision(directory: Path) -> bool:
    """Whether a checkpoint's weights hold numbers of 16 bits."""
    from safetensors import safe_open

    files = weight_files(directory)
    for file in files:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="np") as opened:
                if any(opened.get_slice(name).get_dtype() in ("F16", "BF16") for name in opened.keys()):  # noqa: SIM118
                    return True
    return any(found.is_half_precision for found in read_pickles([f for f in files if f.suffix != ".safetensors"]))


def safetensors_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape. Raises WrongInput for a file that is cut off or no safetensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            whole = [
                name for name, held in slices.items() if name.endswith(PARAMETERS) and held.get_dtype() in INTEGERS
            ]
            shapes = {name: tuple(held.get_shape()) for name, held in slices.items()}
    except SafetensorError as error:
        said = " ".join(str(error).removeprefix("Error while deserializing header: ").split())[:150]
        raise WrongInput(
            f"{file} is cut off or no safetensors file: {said}\nneeded: a whole one; copy or download it again"
        ) from error
    if whole:
        raise WrongInput(
            f"{file} holds {whole[0]} as integers\nneeded: floating point numbers; of a quantised model, the original"
        )
    return shapes

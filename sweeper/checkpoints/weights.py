"""Pretrained weights: which files hold them, and whether they are whole and fit. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sweeper.checkpoints.checkpoint import PREFIXES, Checkpoint
from sweeper.checkpoints.pickled_tensors import pickle_shapes
from sweeper.checkpoints.safetensors_header import safetensors_shapes
from sweeper.trial import ArchSettings, Family, WrongInput

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# Family -> a framework that trains it.
TRAINERS = {Family.encoder: "hf", Family.causal_lm: "lora"}


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


def check_weights(checkpoint: Checkpoint, arch: ArchSettings, family: Family) -> None:
    """Raise WrongInput for no checkpoint, one of another shape than `arch`, and weights that are not whole."""
    directory = checkpoint.directory
    if not (directory / "config.json").is_file() or not weight_files(directory):
        checkpoint.refuse(
            " holds no Transformers checkpoint\n"
            f"needed there: config.json and one of {', '.join(WEIGHT_FILES)}\n"
            "without weights: model=rd"
        )
    check_family(checkpoint, family)
    shape = checkpoint.shape()
    # None: as many rows as the checkpoint has
    different = {name: value for name, value in shape.items() if getattr(arch, name) not in (None, value)}
    if different:
        settings = " ".join(f"arch.{family}.{name}={value}" for name, value in different.items())
        checkpoint.refuse(f" has another shape than arch={arch.name}\nset arch=of_model, or {settings}")
    check_tensors(checkpoint, shape)


def check_family(checkpoint: Checkpoint, family: Family) -> None:
    """Raise WrongInput for a checkpoint of another family than the framework trains."""
    if checkpoint.family is not family:
        checkpoint.refuse(
            f" is a {checkpoint.model_type}, of the family {checkpoint.family}; this framework trains {family}\n"
            f"set framework={TRAINERS[checkpoint.family]}, or for each family its own:"
            " model.path={encoder: DIR, causal_lm: DIR}"
        )


def check_tensors(checkpoint: Checkpoint, shape: Mapping[str, Any]) -> None:
    """Raise WrongInput for weights that are cut off, or that another config.json belongs to.

    Transformers draws at random what it misses in a file, and says so in its log only.
    """
    held = tensor_shapes(checkpoint.directory)
    if checkpoint.is_other_causal_lm:
        return  # its tensors' names are known to Transformers, which is asked what it misses
    prefix = PREFIXES[checkpoint.model_type]
    found = {name.removeprefix(prefix): extents for name, extents in held.items()}
    expected = expected_tensors(checkpoint, shape)
    for name, extents in expected.items():
        if name not in found:
            there = ", ".join(list(found)[:2]) or "nothing"
            checkpoint.refuse(f": its weights lack {name} of a {checkpoint.model_type}\nthere is: {there}, …")
        if found[name] != extents:
            checkpoint.refuse(
                f": its weights are of another shape than its config.json\n"
                f"{name}: {list(found[name])} in the weights, {list(extents)} by config.json"
            )
    layer = f"{next(name for name in expected if '.0.' in name).partition('.0.')[0]}.{shape['layers']}."
    if any(name.startswith(layer) for name in found):
        checkpoint.refuse(f": its weights have more layers than its config.json says, {shape['layers']}")


def expected_tensors(checkpoint: Checkpoint, shape: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the tensors that tell one shape from another, by their names without the model's prefix."""
    rows, width, feed_forward = shape["vocabulary_size"], shape["width"], shape["feed_forward"]
    layers = range(shape["layers"])
    if checkpoint.family is Family.causal_lm:
        return (
            {"word_embeddings.weight": (rows, width)}
            | {f"h.{layer}.mlp.dense_h_to_4h.weight": (feed_forward, width) for layer in layers}
            | {f"h.{layer}.self_attention.query_key_value.weight": (3 * width, width) for layer in layers}
        )
    positions = shape["positions"] + checkpoint.pad_id + 1
    return (
        {"embeddings.word_embeddings.weight": (rows, width)}
        | {"embeddings.position_embeddings.weight": (positions, width)}
        | {f"encoder.layer.{layer}.intermediate.dense.weight": (feed_forward, width) for layer in layers}
        | {f"encoder.layer.{layer}.attention.self.query.weight": (width, width) for layer in layers}
    )


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

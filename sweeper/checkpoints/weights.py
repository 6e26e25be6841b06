"""Pretrained weights: what they are identified by, and whether they fit. Imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.trial import ArchSettings, WrongInput, digest, plain

WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
# Architecture setting -> its name in a RoBERTa's config.json.
SHAPE = {
    "model_type": "model_type",
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
    "positions": "max_position_embeddings",
    "vocabulary_size": "vocab_size",
}


def looks_local(path: str) -> bool:
    """Whether a path means a directory here; `owner/name` that is none here is a hub name."""
    return Path(path).exists() or path.startswith((".", "/", "~")) or path.count("/") > 1


def check_weights(path: str, arch: ArchSettings) -> None:
    """Raise WrongInput when a directory holds no Transformers checkpoint, or one of another shape than `arch`."""
    directory = Path(path)
    if not looks_local(path):
        return
    if not directory.is_dir():
        raise WrongInput(f"model.path={path}: no such directory\nallowed: a Transformers directory or a hub name")
    if not (directory / "config.json").is_file() or not weight_files(directory):
        raise WrongInput(
            f"model.path={path} holds no Transformers checkpoint\n"
            f"needed there: config.json and one of {', '.join(WEIGHT_FILES)}"
        )
    shape = shape_of(read_config(directory / "config.json"))
    # None: as many rows as the checkpoint has
    different = {name: value for name, value in shape.items() if getattr(arch, name) not in (None, value)}
    if different:
        settings = " ".join(f"arch.encoder.{name}={value}" for name, value in different.items())
        raise WrongInput(f"model.path={path} has another shape than arch={arch.name}\nset: {settings}")


def read_config(file: Path) -> dict[str, Any]:
    """Return what a checkpoint's config.json says. Raises WrongInput when it is not one."""
    try:
        config = json.loads(file.read_bytes())
    except ValueError as error:
        raise WrongInput(f"{file} is not valid JSON: {error}\nneeded: a Transformers config.json") from error
    if not isinstance(config, dict):
        raise WrongInput(f"{file} holds no settings\nneeded: a Transformers config.json")
    return config


def shape_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the architecture settings that a RoBERTa's config.json states."""
    shape = {name: config[key] for name, key in SHAPE.items() if key in config}
    if "positions" in shape:
        shape["positions"] -= 2  # RoBERTa counts positions from its padding id, 1
    return shape


def checkpoint_rows(path: str) -> int | None:
    """Return how many rows a checkpoint's embedding has; None where that is not known before it is loaded."""
    file = Path(path) / "config.json"
    if not file.is_file():
        return None
    rows: int | None = read_config(file).get("vocab_size")
    return rows


def weight_files(directory: Path) -> list[Path]:
    """Return the files that hold a checkpoint's weights; safetensors before pickles, as Transformers prefers."""
    found = next((directory / name for name in WEIGHT_FILES if (directory / name).is_file()), None)
    if found is None:
        return []
    return sorted(directory.glob("model-*.safetensors")) if found.suffix == ".json" else [found]


def weights_identity(path: str | None, arch: ArchSettings, data: str, tokenizer: str, threads: int) -> str:
    """Return what stands for pretrained weights in a trial's identity.

    A directory's weights are named by their content; weights that are still to be made, by all that makes them
    (architecture, recipe, digests of text and tokenizer, number of threads); a hub model by its name.
    """
    if path is None:
        return digest({"arch": plain(arch), "data": data, "tokenizer": tokenizer, "threads": threads})
    if not looks_local(path):
        return f"hub:{path}"
    total = hashlib.sha256()
    for file in [Path(path) / "config.json", *weight_files(Path(path))]:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()

"""Checkpoints small enough to be written for one test: whole files, numbers of no meaning."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from safetensors.numpy import save_file

PIECES = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "bien": 4, "mal": 5, "<mask>": 6}
CONFIG: dict[str, object] = {
    "model_type": "roberta",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 64,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "vocab_size": len(PIECES),
    "pad_token_id": 1,
}
BLOOM_PIECES = {"<unk>": 0, "<s>": 1, "</s>": 2, "<pad>": 3, "bien": 4, "mal": 5}
BLOOM = {"model_type": "bloom", "n_layer": 2, "hidden_size": 64, "n_head": 2, "vocab_size": 6, "pad_token_id": 3}

Numbers = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]


class Harm:
    """What a pickle would run; it would leave a file called harmed."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch harmed",)


def tensors(prefix: str = "roberta.", positions: int = 64) -> Numbers:
    """What tells a RoBERTa of CONFIG's shape from others, by the names that Transformers gives them."""
    rows, width, feed_forward = len(PIECES), 64, 128
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (rows, width),
        "embeddings.position_embeddings.weight": (positions, width),
        "encoder.layer.0.attention.self.query.weight": (width, width),
        "encoder.layer.0.intermediate.dense.weight": (feed_forward, width),
        "encoder.layer.1.attention.self.query.weight": (width, width),
        "encoder.layer.1.intermediate.dense.weight": (feed_forward, width),
    }
    return zeros({f"{prefix}{name}": shape for name, shape in shapes.items()})


def bloom_tensors(prefix: str = "transformer.") -> Numbers:
    """The same of a BLOOM of BLOOM's shape."""
    width = 64
    shapes: dict[str, tuple[int, ...]] = {
        "word_embeddings.weight": (len(BLOOM_PIECES), width),
        "h.0.self_attention.query_key_value.weight": (3 * width, width),
        "h.0.mlp.dense_h_to_4h.weight": (4 * width, width),
        "h.1.self_attention.query_key_value.weight": (3 * width, width),
        "h.1.mlp.dense_h_to_4h.weight": (4 * width, width),
    }
    return zeros({f"{prefix}{name}": shape for name, shape in shapes.items()})


def zeros(shapes: Mapping[str, tuple[int, ...]]) -> Numbers:
    """Arrays of these shapes."""
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def write_tokenizer(file: Path, pieces: Mapping[str, int] = PIECES) -> Path:
    """A tokenizer.json of words."""
    vocabulary = {"type": "WordLevel", "vocab": dict(pieces), "unk_token": "<unk>"}
    file.write_text(json.dumps({"version": "1.0", "model": vocabulary}))
    return file


def write_checkpoint(
    directory: Path, changes: Mapping[str, object] = MappingProxyType({}), held: Numbers | None = None
) -> Path:
    """A RoBERTa with its tokenizer, config.json changed as told."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    save_file(tensors() if held is None else held, directory / "model.safetensors")
    write_tokenizer(directory / "tokenizer.json")
    return directory


def write_bloom(directory: Path) -> Path:
    """A BLOOM with its tokenizer."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(BLOOM))
    save_file(bloom_tensors(), directory / "model.safetensors")
    write_tokenizer(directory / "tokenizer.json", BLOOM_PIECES)
    return directory


def write_split(directory: Path) -> Path:
    """A checkpoint in two parts with an index."""
    held = tensors()
    names = list(held)
    parts: dict[str, Numbers] = {}
    for number, share in enumerate((names[:3], names[3:]), start=1):
        parts[f"model-0000{number}-of-00002.safetensors"] = {name: held[name] for name in share}
    write_checkpoint(directory)
    (directory / "model.safetensors").unlink()
    for file, part in parts.items():
        save_file(part, directory / file)
    index = {"metadata": {}, "weight_map": {name: file for file, part in parts.items() for name in part}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory

"""Which linear layers a causal language model has, for adapters to be put beside. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sweeper.checkpoints.weight_files import tensor_shapes, weight_files
from sweeper.errors import WrongInput
from sweeper.trial.settings import ArchSettings

WEIGHT = ".weight"
# Embeddings, whose matrices a file does not tell from those of linear layers.
EMBEDDINGS = ("wte", "wpe", "lm_head", "embed_out")


def known_layers(arch: ArchSettings, model: str | None) -> list[str] | None:
    """Return the names of a model's linear layers; None where it must be built to know them.

    `model` is its directory: of BLOOM the layers are known anyway, of other models where their weights are there too.
    """
    if arch.model_type == "bloom":
        return bloom_layers(arch.layers)
    return matrices(Path(model)) if model is not None and weight_files(Path(model)) else None


def check_names(targets: Sequence[str], layers: Iterable[str], model_type: str) -> None:
    """Raise WrongInput for a target that is neither a layer's name nor, as PEFT takes it, the end of one."""
    names = list(layers)
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            ends = dict.fromkeys(name.rpartition(".")[2] for name in names)
            raise WrongInput(
                f"framework.lora.target_modules=[{','.join(targets)}]: model_type={model_type} has no layer {target}\n"
                f"allowed: {', '.join(ends)}"
            )


def bloom_layers(layers: int) -> list[str]:
    """Return the names of BLOOM's linear layers, but the head, which is the embedding."""
    inner = ("self_attention.query_key_value", "self_attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
    return [f"transformer.h.{layer}.{name}" for layer in range(layers) for name in inner]


def matrices(directory: Path) -> list[str]:
    """Return the names of the modules whose weight in a checkpoint is a matrix, as far as these are no embeddings."""
    names = [
        name.removesuffix(WEIGHT)
        for name, shape in tensor_shapes(directory).items()
        if name.endswith(WEIGHT) and len(shape) == 2
    ]
    return [name for name in names if "embed" not in name and name.rpartition(".")[2] not in EMBEDDINGS]

"""fairseq directories small enough to be written for one test: whole files, numbers of no meaning."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from tests.checkpoint_files import write_tokenizer

SYMBOLS = ("bien", "mal", "<mask>")  # of the rows after fairseq's own four
ROWS, WIDTH, FEED_FORWARD, POSITIONS = 4 + len(SYMBOLS), 64, 128, 62
# As fairseq's parser leaves them; the rest of a real checkpoint's hundreds says nothing of the model.
ARGUMENTS = {
    "arch": "roberta",
    "task": "masked_lm",
    "encoder_layers": 2,
    "encoder_embed_dim": WIDTH,
    "encoder_ffn_embed_dim": FEED_FORWARD,
    "encoder_attention_heads": 2,
    "max_positions": POSITIONS,
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_fn": "gelu",
    "encoder_normalize_before": False,
    "encoder_layers_to_keep": None,
}


def shapes(layers: int = 2, rows: int = ROWS, pre_norm: bool = False) -> dict[str, tuple[int, ...]]:
    """The tensors of fairseq's RobertaModel with the head of a language model, as version 0.12.2 saves them."""
    found: dict[str, tuple[int, ...]] = {
        "version": (1,),
        "embed_tokens.weight": (rows, WIDTH),
        "embed_positions.weight": (POSITIONS + 2, WIDTH),
        **linear("layernorm_embedding", WIDTH),
    }
    if pre_norm:
        found |= linear("layer_norm", WIDTH)
    for layer in range(layers):
        own = linear("self_attn_layer_norm", WIDTH) | linear("final_layer_norm", WIDTH)
        own |= linear("fc1", FEED_FORWARD, WIDTH) | linear("fc2", WIDTH, FEED_FORWARD)
        own |= {"in_proj_weight": (3 * WIDTH, WIDTH), "fc1_bias": (FEED_FORWARD,)}  # two of the eight copies
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            own |= linear(f"self_attn.{part}", WIDTH, WIDTH)
        found |= {f"layers.{layer}.{name}": extents for name, extents in own.items()}
    found = {f"encoder.sentence_encoder.{name}": extents for name, extents in found.items()}
    head = linear("dense", WIDTH, WIDTH) | linear("layer_norm", WIDTH) | {"weight": (rows, WIDTH), "bias": (rows,)}
    return found | {f"encoder.lm_head.{name}": extents for name, extents in head.items()}


def linear(name: str, *extents: int) -> dict[str, tuple[int, ...]]:
    """A weight of this shape and its bias."""
    return {f"{name}.weight": extents, f"{name}.bias": extents[:1]}


def zeros(held: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Tensors of these shapes."""
    return {name: torch.zeros(extents) for name, extents in held.items()}


def write_dict(file: Path, symbols: Sequence[str] = SYMBOLS) -> Path:
    """A dict.txt of symbols that were seen once each."""
    file.write_text("".join(f"{symbol} 1\n" for symbol in symbols), encoding="utf-8")
    return file


def write_fairseq(
    directory: Path,
    changes: Mapping[str, Any] = MappingProxyType({}),
    held: Mapping[str, tuple[int, ...]] | None = None,
    others: Mapping[str, Any] = MappingProxyType({}),
    old: bool = False,
) -> Path:
    """A directory with model.pt (its args changed as told, `old`: as before torch 1.6), dict.txt and tokenizer.json."""
    directory.mkdir(parents=True)
    model = zeros(shapes() if held is None else held)
    content: dict[str, Any] = {"args": Namespace(**{**ARGUMENTS, **changes}), "model": model}
    content |= {"optimizer_history": [{"num_updates": 3}], **others}
    torch.save(content, directory / "model.pt", _use_new_zipfile_serialization=not old)
    write_dict(directory / "dict.txt")
    write_tokenizer(directory / "tokenizer.json")
    return directory

"""Whether pretrained weights are whole and fit. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.errors import WrongInput
from sweeper.tokens.segmenters import PAD, REQUIRED
from sweeper.tokens.tokenizer import tokenizer_file
from sweeper.tokens.vocabulary import is_cut, piece_ids
from sweeper.trial.settings import ArchSettings, Family, TokenizerSettings

# Family -> a framework that trains it.
TRAINERS = {Family.encoder: "hf", Family.causal_lm: "lora"}
PAD_ID_AFTER_CUTTING = REQUIRED.index(PAD)


def check_weights(checkpoint: Checkpoint, arch: ArchSettings, family: Family) -> None:
    """Raise WrongInput for no checkpoint, one of another shape than `arch`, and weights that are not whole."""
    checkpoint.require_weights()
    _check_family(checkpoint, family)
    shape = checkpoint.shape()
    # None: as many rows as the checkpoint has
    different = {name: value for name, value in shape.items() if getattr(arch, name) not in (None, value)}
    if different:
        settings = " ".join(f"arch.{family}.{name}={value}" for name, value in different.items())
        checkpoint.refuse(f" has another shape than arch={arch.name}\nset arch=of_model, or {settings}")
    _check_tensors(checkpoint, shape)


def _check_family(checkpoint: Checkpoint, family: Family) -> None:
    if checkpoint.family is not family:
        checkpoint.refuse(
            f" is a {checkpoint.model_type}, of the family {checkpoint.family}; this framework trains {family}\n"
            f"set framework={TRAINERS[checkpoint.family]}, or for each family its own:"
            " model.path={encoder: DIR, causal_lm: DIR}"
        )


def _check_tensors(checkpoint: Checkpoint, shape: Mapping[str, Any]) -> None:
    # Transformers draws at random what it misses in a file, and says so in its log only.
    found, stated_in = checkpoint.tensors(), checkpoint.stated_in
    if checkpoint.is_built_by_config:
        return  # its tensors' names are known to Transformers, which is asked what it misses
    expected = expected_tensors(checkpoint, shape)
    for name, extents in expected.items():
        if name not in found:
            there = ", ".join(list(found)[:2]) or "nothing"
            checkpoint.refuse(f": its weights lack {name} of a {checkpoint.model_type}\nthere is: {there}, …")
        if found[name] != extents:
            checkpoint.refuse(
                f": its weights are of another shape than its {stated_in}\n"
                f"{name}: {list(found[name])} in the weights, {list(extents)} by {stated_in}"
            )
    layer = f"{next(name for name in expected if '.0.' in name).partition('.0.')[0]}.{shape['layers']}."
    if any(name.startswith(layer) for name in found):
        checkpoint.refuse(f": its weights have more layers than its {stated_in} says, {shape['layers']}")


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


def check_padding(settings: TokenizerSettings, checkpoint: Checkpoint) -> None:
    """Raise WrongInput for a tokenizer whose <pad> has another id than in a checkpoint.

    RoBERTa counts positions from that id, so every position would be another one than in pretraining.
    """
    assert settings.path is not None
    ids = piece_ids(Path(settings.path))
    if checkpoint.config.get("pad_token_id") is None:
        return
    pad = PAD_ID_AFTER_CUTTING if is_cut(settings, ids) else ids[PAD]
    if pad != checkpoint.pad_id:
        checkpoint.refuse(
            f": its {checkpoint.stated_in} says pad_token_id={checkpoint.pad_id}, "
            f"{PAD} of {settings.path} has the id {pad}\n"
            "set tokenizer.path to the tokenizer that it was pretrained with"
        )


def check_order(settings: TokenizerSettings, checkpoint: Checkpoint) -> None:
    """Raise WrongInput for a tokenizer that gives most pieces other ids than the dictionary of fairseq's weights."""
    assert settings.path is not None
    if settings.vocabulary_size is not None:
        return
    ids = piece_ids(Path(settings.path))
    own = [*enumerate(checkpoint.symbols)][len(REQUIRED) :]
    moved = [symbol for row, symbol in own if ids.get(symbol, row) != row]
    if 2 * len(moved) > len(own):
        checkpoint.refuse(
            f": its dictionary gives {moved[0]} another id than tokenizer {settings.path}, {ids[moved[0]]}\n"
            "set tokenizer.path to the tokenizer that it was pretrained with"
        )


def check_belongs(settings: TokenizerSettings, checkpoint: Checkpoint) -> None:
    """Raise WrongInput for a tokenizer whose ids are not those that pretrained weights were made with.

    That is one that is cut, which numbers the pieces anew, and another than the one beside the weights.
    """
    assert settings.path is not None
    file = Path(settings.path)
    ids, own = piece_ids(file), _own_tokenizer(checkpoint)
    if is_cut(settings, ids):
        checkpoint.refuse(
            f": tokenizer.vocabulary_size={settings.vocabulary_size} cuts its {max(ids.values()) + 1} ids, and numbers"
            " them anew\nleave out tokenizer.vocabulary_size, or set model=rd"
        )
    if own is not None and tokenizer_digest(own) != tokenizer_digest(file) and piece_ids(own) != ids:
        checkpoint.refuse(f": tokenizer {file} is not the one beside the weights\nleave out tokenizer.path")


def _own_tokenizer(checkpoint: Checkpoint) -> Path | None:
    try:
        return tokenizer_file(checkpoint.directory)
    except WrongInput:
        return None

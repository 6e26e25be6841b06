"""Checkpoints written in the other library's format: Transformers' directory <-> fairseq's."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.fairseq_args import arguments_of
from sweeper.checkpoints.fairseq_directory import MODEL, FairseqCheckpoint
from sweeper.checkpoints.fairseq_names import BODY, OUTPUT, PRE_NORM, TIED_BIAS, fairseq_state, transformers_state
from sweeper.checkpoints.weight_files import weight_files
from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import DICTIONARY, order, read_dictionary, write_dictionary
from sweeper.tokens.tokenizer import PIECES, SENTENCEPIECE, Tokenizer

LM_HEAD = "encoder.lm_head."


def read_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return a checkpoint's tensors by the names of its own library; runs nothing that a file asks for."""
    if isinstance(checkpoint, FairseqCheckpoint):
        with torch.serialization.safe_globals([Namespace]):
            held: dict[str, Tensor] = torch.load(checkpoint.file, map_location="cpu", weights_only=True)["model"]
        return held
    held = {}
    for file in weight_files(checkpoint.directory):
        safe = file.suffix == ".safetensors"
        held |= load_file(file) if safe else torch.load(file, map_location="cpu", weights_only=True)
    return held


def write_transformers(checkpoint: FairseqCheckpoint, directory: Path) -> None:
    """Write config.json and model.safetensors of a fairseq checkpoint; its tokenizer keeps its ids."""
    config = dict(checkpoint.config)
    state = transformers_state(read_weights(checkpoint), checkpoint.model_type)
    kind = "RobertaPreLayerNorm" if checkpoint.model_type == PRE_NORM else "Roberta"
    head = "MaskedLM"
    if "classifier.out_proj.bias" in state:
        head, labels = "SequenceClassification", len(state["classifier.out_proj.bias"])
        config["id2label"] = {str(number): f"LABEL_{number}" for number in range(labels)}
        config["label2id"] = {f"LABEL_{number}": number for number in range(labels)}
    config["architectures"] = [f"{kind}For{head}"]
    tied = [TIED_BIAS, *([OUTPUT] if config["tie_word_embeddings"] else [])]
    held = {name: tensor.clone() for name, tensor in state.items() if name not in tied}  # no two share memory
    save_file(held, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def write_fairseq(checkpoint: Checkpoint, tokenizer: Tokenizer, directory: Path) -> None:
    """Write model.pt, dict.txt and the tokenizer of a Transformers checkpoint, in the order of fairseq's ids.

    Raises WrongInput for what fairseq's model cannot be, and for a tokenizer that is not the checkpoint's.
    """
    settings, rows = checkpoint.settings(), checkpoint.number(("vocab_size",))
    if tokenizer.size > rows or tokenizer.pad != checkpoint.pad_id:
        checkpoint.refuse(
            f" has {rows} rows and pad_token_id={checkpoint.pad_id}, its tokenizer {tokenizer.size} ids and "
            f"<pad> {tokenizer.pad}\nneeded there: the tokenizer that it was pretrained with"
        )
    tied = bool(checkpoint.config.get("tie_word_embeddings", True))
    arguments = arguments_of(settings, tied, checkpoint.refuse)
    ids = order(tokenizer, rows)
    write_dictionary(tokenizer, rows, directory / DICTIONARY)
    pieces = tuple(tokenizer.pieces[index] for index in ids[: tokenizer.size])
    _save_tokenizer(Tokenizer(tokenizer.segmenter, pieces), directory)
    try:
        state = fairseq_state(read_weights(checkpoint), checkpoint.model_type, ids)
    except WrongInput as error:
        checkpoint.refuse(f": {error}")
    torch.save(_model_file(_with_language_model_head(state), arguments), directory / MODEL)


def _save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    tokenizer.save(directory)
    file = tokenizer.segmenter.file
    if file.suffix == ".model":
        (directory / file.name).rename(directory / SENTENCEPIECE)
    elif file.with_name(SENTENCEPIECE).is_file():
        shutil.copyfile(file.with_name(SENTENCEPIECE), directory / SENTENCEPIECE)
    if read_dictionary(directory / DICTIONARY)[: tokenizer.size] != tokenizer.pieces:  # some cannot be symbols
        tokenizer.save_pieces(directory)
    elif file.suffix == ".model":
        (directory / PIECES).unlink(missing_ok=True)  # dict.txt says the same


def _with_language_model_head(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # fairseq's RobertaModel always has one. A plain one compares the body's normalised states with the words' rows.
    words = state[f"{BODY}embed_tokens.weight"]
    rows, width = words.shape
    plain = {
        "dense.weight": torch.eye(width, dtype=words.dtype),
        "dense.bias": words.new_zeros(width),
        "layer_norm.weight": words.new_ones(width),
        "layer_norm.bias": words.new_zeros(width),
        "weight": words,
        "bias": words.new_zeros(rows),
    }
    return {f"{LM_HEAD}{name}": tensor for name, tensor in plain.items()} | dict(state)


def _model_file(state: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> dict[str, Any]:
    # as fairseq's checkpoint_utils reads a model that no update was made to
    return {
        "args": Namespace(**arguments),
        "model": dict(state),
        "optimizer_history": [
            {"criterion_name": "", "optimizer_name": "", "lr_scheduler_state": {}, "num_updates": 0},
        ],
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "task_state": {},
    }

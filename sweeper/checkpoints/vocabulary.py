"""Which pieces a tokenizer.json has, read without its library, and whether they fit. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.data.special_pieces import MASK, PAD, REQUIRED, special_pieces
from sweeper.data.tokenizer import PIECES
from sweeper.trial import Family, TokenizerSettings, WrongInput

PAD_ID_AFTER_CUTTING = REQUIRED.index(PAD)


def check_vocabulary(
    settings: TokenizerSettings, rows: int | None, pretrains: bool, family: Family = Family.encoder
) -> None:
    """Raise WrongInput for a tokenizer without the special pieces, or with more ids than the embedding has rows.

    An encoder's must have their names; in a causal model's, others may serve as them (see `special_pieces`).
    `settings.path` is a file, or None for a tokenizer that is trained. A sentencepiece model is not looked into: it is
    when its trial is prepared.
    """
    if settings.path is None:
        check_trained_size(settings, rows)
        return
    ids = piece_ids(Path(settings.path))
    if ids is None:
        return
    there = ids if family is Family.encoder else special_pieces(Path(settings.path), ids)
    missing = [piece for piece in REQUIRED if piece not in there]
    if missing:
        raise WrongInput(
            f"tokenizer {settings.path} lacks {', '.join(missing)}\n"
            f"needed: {', '.join(REQUIRED)}, and {MASK} to pretrain an encoder"
        )
    if pretrains and MASK not in ids:
        raise WrongInput(
            f"tokenizer {settings.path} has no {MASK}, which pretraining needs\n"
            "set another tokenizer.path=FILE, or model.path=DIR"
        )
    size = max(ids.values()) + 1
    if rows is not None and min(size, settings.vocabulary_size or size) > rows:
        raise WrongInput(
            f"tokenizer {settings.path} has {size} ids, the embedding has {rows} rows for them\n"
            f"set tokenizer.vocabulary_size={rows} to keep the most frequent pieces, or another arch or tokenizer.path"
        )


def check_trained_size(settings: TokenizerSettings, rows: int | None) -> None:
    """Raise WrongInput when a tokenizer is to be trained to more ids than the embedding has rows."""
    wanted = settings.vocabulary_size
    if rows is not None and wanted is not None and wanted > rows:
        raise WrongInput(
            f"tokenizer.vocabulary_size={wanted} is more than the embedding has rows, {rows}\n"
            f"allowed: at most {rows}, or a larger vocabulary_size of the arch"
        )


def check_padding(settings: TokenizerSettings, checkpoint: Checkpoint) -> None:
    """Raise WrongInput for a tokenizer whose <pad> has another id than in a checkpoint's config.json.

    RoBERTa counts positions from that id, so every position would be another one than in pretraining.
    """
    assert settings.path is not None
    ids = piece_ids(Path(settings.path))
    if ids is None or checkpoint.config.get("pad_token_id") is None:
        return
    is_cut = settings.vocabulary_size is not None and settings.vocabulary_size <= max(ids.values())
    pad = PAD_ID_AFTER_CUTTING if is_cut else ids[PAD]
    if pad != checkpoint.pad_id:
        checkpoint.refuse(
            f": its config.json says pad_token_id={checkpoint.pad_id}, {PAD} of {settings.path} has the id {pad}\n"
            "set tokenizer.path to the tokenizer that it was pretrained with"
        )


def piece_ids(file: Path) -> Mapping[str, int] | None:
    """Return each piece's id; None for a sentencepiece model. Raises WrongInput for what is no tokenizer.json."""
    beside = file.with_name(PIECES)
    stated = beside if beside.is_file() else file
    return read_ids(stated, stated.stat().st_mtime_ns) if stated.suffix == ".json" else None


@cache
def read_ids(file: Path, _modified_ns: int) -> Mapping[str, int]:
    """Return the ids of a tokenizer.json or of a list of pieces, in the state that the time of change stands for."""
    try:
        content = json.loads(file.read_bytes())
        pieces = content if isinstance(content, list) else content["model"]["vocab"]
        if isinstance(pieces, list):  # in the order of their ids; of a unigram model with a score each
            pieces = {piece if isinstance(piece, str) else piece[0]: index for index, piece in enumerate(pieces)}
        added = [] if isinstance(content, list) else content.get("added_tokens", [])
        ids = {str(piece): int(index) for piece, index in pieces.items()}
        return ids | {str(token["content"]): int(token["id"]) for token in added}
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        said = f"not valid JSON: {error}" if isinstance(error, ValueError) else "not a tokenizer.json: no vocabulary"
        raise WrongInput(f"tokenizer {file} is {said}\nneeded: a file of the tokenizers library") from error

"""Which pieces a tokenizer.json has, read without its library, and whether they fit. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.data.fairseq_dictionary import DICTIONARY
from sweeper.data.tokenizer import MASK, PAD, REQUIRED, list_of_pieces, read_pieces
from sweeper.trial import TokenizerSettings, WrongInput

PAD_ID_AFTER_CUTTING = REQUIRED.index(PAD)


def check_vocabulary(settings: TokenizerSettings, rows: int | None, pretrains: bool) -> None:
    """Raise WrongInput for a tokenizer without the special pieces, or with more ids than the embedding has rows.

    `settings.path` is a file, or None for a tokenizer that is trained. A sentencepiece model is not looked into: it is
    when its trial is prepared.
    """
    if settings.path is None:
        check_trained_size(settings, rows)
        return
    ids = piece_ids(Path(settings.path))
    if ids is None:
        return
    missing = [piece for piece in REQUIRED if piece not in ids]
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
    """Raise WrongInput for a tokenizer whose <pad> has another id than in a checkpoint.

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
            f": its {checkpoint.stated_in} says pad_token_id={checkpoint.pad_id}, "
            f"{PAD} of {settings.path} has the id {pad}\n"
            "set tokenizer.path to the tokenizer that it was pretrained with"
        )


def check_order(settings: TokenizerSettings, checkpoint: Checkpoint) -> None:
    """Raise WrongInput for a tokenizer that gives most pieces other ids than the dictionary of fairseq's weights."""
    assert settings.path is not None
    ids = piece_ids(Path(settings.path)) if settings.vocabulary_size is None else None
    if not ids:
        return
    own = [*enumerate(checkpoint.symbols)][len(REQUIRED) :]
    moved = [symbol for row, symbol in own if ids.get(symbol, row) != row]
    if 2 * len(moved) > len(own):
        checkpoint.refuse(
            f": its dictionary gives {moved[0]} another id than tokenizer {settings.path}, {ids[moved[0]]}\n"
            "set tokenizer.path to the tokenizer that it was pretrained with"
        )


def piece_ids(file: Path) -> Mapping[str, int] | None:
    """Return each piece's id; None for a sentencepiece model by itself.

    Raises WrongInput for what is no tokenizer.json and no list of pieces.
    """
    stated = list_of_pieces(file) or file
    return None if stated.suffix == ".model" else read_ids(stated, stated.stat().st_mtime_ns)


@cache
def read_ids(file: Path, _modified_ns: int) -> Mapping[str, int]:
    """Return the ids of a tokenizer.json or of a list of pieces, in the state that the time of change stands for."""
    if file.name == DICTIONARY:
        symbols = read_pieces(file)
        # fairseq's own special ids stay the first ones where a dictionary names them again
        return {symbol: index for index, symbol in enumerate(symbols)} | {
            symbol: symbols.index(symbol) for symbol in REQUIRED
        }
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

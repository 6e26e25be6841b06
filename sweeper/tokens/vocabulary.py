"""Which pieces a tokenizer gives ids, and whether they fit a model: checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import DICTIONARY
from sweeper.tokens.segmenters import MASK, REQUIRED, open_tokenizer_json, read_sentencepiece, special_pieces
from sweeper.tokens.tokenizer import PIECES, list_of_pieces, read_pieces
from sweeper.tokens.tokenizer_training import LARGEST
from sweeper.trial.settings import Family, TokenizerKind, TokenizerSettings


def check_vocabulary(
    settings: TokenizerSettings, rows: int | None, pretrains: bool, family: Family = Family.encoder
) -> None:
    """Raise WrongInput for a tokenizer without the special pieces, or with more ids than the embedding has rows.

    An encoder's must have their names; in a causal model's, others may serve as them (see `special_pieces`).
    `settings.path` is a file, or None for a tokenizer that is trained.
    """
    if settings.path is None:
        _check_trained_size(settings, rows)
        return
    ids = piece_ids(Path(settings.path))
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


def _check_trained_size(settings: TokenizerSettings, rows: int | None) -> None:
    wanted = settings.vocabulary_size
    if wanted is None and settings.kind not in (None, TokenizerKind.word) and rows is not None and rows < LARGEST:
        raise WrongInput(
            f"tokenizer.kind={settings.kind} may have {LARGEST:,} pieces, the embedding has {rows} rows\n"
            f"set tokenizer.vocabulary_size={rows} or less"
        )
    if rows is not None and wanted is not None and wanted > rows:
        raise WrongInput(
            f"tokenizer.vocabulary_size={wanted} is more than the embedding has rows, {rows}\n"
            f"allowed: at most {rows}, or a larger vocabulary_size of the arch"
        )


def is_cut(settings: TokenizerSettings, ids: Mapping[str, int]) -> bool:
    """Whether fewer ids are wanted than a tokenizer has."""
    return settings.vocabulary_size is not None and settings.vocabulary_size <= max(ids.values())


def piece_ids(file: Path) -> Mapping[str, int]:
    """Return each piece's id, as `tokens.tokenizer.load` gives it. Raises WrongInput for what is no tokenizer."""
    stated = list_of_pieces(file) or file
    return _read_ids(stated, stated.stat().st_mtime_ns)


@cache
def _read_ids(file: Path, _modified_ns: int) -> Mapping[str, int]:
    if file.name == DICTIONARY:
        symbols = read_pieces(file)
        # fairseq's own special ids stay the first ones where a dictionary names them again
        return {symbol: index for index, symbol in enumerate(symbols)} | {
            symbol: symbols.index(symbol) for symbol in REQUIRED
        }
    if file.name != PIECES and file.suffix == ".json":
        return open_tokenizer_json(file).get_vocab(with_added_tokens=True)
    pieces = read_pieces(file) if file.name == PIECES else read_sentencepiece(file).vocabulary
    return {piece: index for index, piece in enumerate(pieces)}

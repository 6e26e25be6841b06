"""What a trial's data, tokenizer and weights are known by: digests of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.data import DataSource
from sweeper.errors import WrongInput
from sweeper.records.files import read_json
from sweeper.tokens.segmenters import named_special_pieces
from sweeper.tokens.tokenizer import list_of_pieces, tokenizer_file, tokenizer_files
from sweeper.trial.mends import READING
from sweeper.trial.settings import ArchSettings, TokenizerSettings
from sweeper.trial.trial import digest, plain, result_settings


def data_digests(
    source: DataSource,
    tokenizer: TokenizerSettings,
    answers: Sequence[str] | None = None,
    *,
    read_with: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Name the content of a trial's data and tokenizer; `answers` are those of prompts that the tokenizer is made of.

    `read_with`: config.json of the model whose tokenizer Transformers reads. Every file counts then that it may read,
    and what config.json says of it; so do the texts, by which it is checked. Raises WrongInput for a file that cannot
    be read.
    """
    data = source.digest()
    if read_with is not None and tokenizer.path is not None:
        directory = Path(tokenizer.path)
        files = {file.name: file_digest(file).hex() for file in tokenizer_files(directory)}
        said = [_said_of_tokenizer(config) for config in (read_with, read_json(directory / "config.json") or {})]
        read = {"read_by": "transformers", "files": files, "config": said, "checked_on": data}
        return {"data": data, "tokenizer": digest(read), READING: "transformers"}
    prompts = {} if answers is None else {"answers": list(answers)}
    made_of: dict[str, Any] = {
        "trained_on": data,
        "kind": tokenizer.kind and tokenizer.kind.value,
        "size": tokenizer.vocabulary_size,
        **prompts,
    }
    if tokenizer.path is not None:
        made_of = {"file": tokenizer_digest(Path(tokenizer.path))}
    if tokenizer.path is not None and tokenizer.vocabulary_size is not None:
        counted = _text_digest(Path(tokenizer.count_on)) if tokenizer.count_on else digest(result_settings(source))
        made_of |= {"size": tokenizer.vocabulary_size, "counted_on": counted, "data": data, **prompts}
    return {"data": data, "tokenizer": digest(made_of)}


def _said_of_tokenizer(config: Mapping[str, Any]) -> dict[str, Any]:
    named = ("model_type", "tokenizer_class", "vocab_size")
    said = {name: value for name, value in config.items() if name in named or name.endswith("_token_id")}
    return {name: value for name, value in said.items() if value is not None}


def _text_digest(file: Path) -> str:
    try:
        return file_digest(file).hex()
    except OSError as error:
        raise WrongInput(f"tokenizer.count_on={file} cannot be read: {error.strerror}") from error


def tokenizer_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of a tokenizer's content; standard library only. Raises WrongInput."""
    file = tokenizer_file(path)
    content = hashlib.sha256(file.read_bytes())
    if listed := list_of_pieces(file):
        content.update(listed.read_bytes())
    others = {piece: name for piece, name in named_special_pieces(file).items() if name != piece}
    if others:
        content.update(json.dumps(others, sort_keys=True).encode())
    return content.hexdigest()


def weights_digest(checkpoint: Checkpoint) -> str:
    """Name a checkpoint by the content of what describes it and of its weights, wherever it lies."""
    total = hashlib.sha256()
    for file in checkpoint.files():
        total.update(file_digest(file))
    return total.hexdigest()


def config_digest(checkpoint: Checkpoint) -> str:
    """Name a model that is built as its config.json says by the content of it."""
    return file_digest(checkpoint.directory / "config.json").hex()


def recipe_digest(arch: ArchSettings, data: str, tokenizer: str, threads: int) -> str:
    """Name weights that are still to be made by all that makes them; `data` and `tokenizer` are digests."""
    return digest({"arch": plain(arch), "data": data, "tokenizer": tokenizer, "threads": threads})


def file_digest(file: Path) -> bytes:
    """SHA-256 of a file, read once a process while it stays as it is: all trials of a sweep share its weights."""
    status = file.stat()
    return _digest_of_state(file, status.st_size, status.st_mtime_ns)


@cache
def _digest_of_state(file: Path, _size_bytes: int, _modified_ns: int) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()

"""JSON files of records: replaced at once, read with their schema."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from sweeper.errors import WrongInput

SCHEMA = 1


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value's JSON at once: readers see the old content or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """Return a JSON file's value, or None where there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise WrongInput(f"{path} is not valid JSON ({error})\nmove it away and run the same command again") from error


def read_versioned(path: Path) -> Any:
    """Return a record file's value after checking its schema; None where there is no such file."""
    value = read_json(path)
    if value is not None and (not isinstance(value, dict) or value.get("schema") != SCHEMA):
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise WrongInput(
            f"{path} has schema {found!r}, this version reads schema {SCHEMA}\n"
            "use the version of sweeper that wrote it, or another study=NAME"
        )
    return value


def encode_number(value: float) -> float | str:
    """JSON has no nan and no infinity; they are written as strings."""
    return value if math.isfinite(value) else str(value)


def decode_metrics(values: Mapping[str, float | str]) -> dict[str, float]:
    """Numbers as they were before `encode_number`."""
    return {key: float(value) for key, value in values.items()}


def cached(directory: Path, build: Callable[[Path], None]) -> Path:
    """Return a directory, built first where it does not exist.

    `build` fills an empty directory that takes its final name only when it is complete, so a reader never sees a
    part and a builder that dies leaves nothing that counts. Of concurrent callers one builds and the others wait.
    """
    if directory.exists():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            for left_over in directory.parent.glob(f".{directory.name}.*"):
                if left_over.is_dir():
                    shutil.rmtree(left_over)  # of a builder that was killed: this one holds the lock
            temporary = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}")
            temporary.mkdir()
            try:
                build(temporary)
                temporary.rename(directory)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return directory

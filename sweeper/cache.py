"""Things derived from content (tokenized data, converted or pretrained weights), made once and shared."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


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

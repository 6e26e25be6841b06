"""Files and directories that are there whole or not at all, JSON with its schema, and where they can be made."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from sweeper.errors import WrongInput

SCHEMA = 1


def expanded(setting: str, path: str | Path) -> Path:
    """Return a path that a user gave, ~ being a home. Raises WrongInput, naming the setting, for what can be none."""
    shown = f"{setting}={path}" if setting else str(path)
    if "\0" in str(path):
        raise WrongInput(f"{shown!r} holds a zero byte, which no path has\nleave it out")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = str(path).partition("/")[0]
        raise WrongInput(
            f"{shown}: there is no user {user[1:]}, whose home {user} would be\n"
            f"give the whole path; ./{user} is a directory of that name"
        ) from error


def write_file(path: Path, content: bytes, *, alone: bool = False, synced: bool = True) -> None:
    """Replace a file at once: readers see the old content or the new one, never a part.

    `alone`: no other process writes it at the same time, so that what a killed one left half-written is overwritten.
    `synced`: it outlives a power cut.
    """
    temporary = path.with_name(f".{path.name}.{'new' if alone else secrets.token_hex(4)}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        if synced:
            os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value's JSON at once."""
    write_file(path, f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode())


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
            with new_directory(directory) as temporary:
                temporary.mkdir()
                build(temporary)
    return directory


@contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """Yield where to make a directory, which takes its final name when nothing went wrong; one writer at a time.

    An empty directory of that name gives way; one that holds something does not, and OSError is raised.
    """
    there = next(path for path in directory.absolute().parents if path.exists())  # nothing is left of what fails
    temporary = there / f".{'-'.join(directory.absolute().relative_to(there).parts)}.new"
    shutil.rmtree(temporary, ignore_errors=True)  # of a writer that was killed
    try:
        yield temporary
        if directory.exists():
            directory.rmdir()
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_can_be_made(shown: str, directory: Path, remedy: str) -> None:
    """Raise WrongInput where a directory can be neither made nor written into; what is made to find out is gone again.

    `shown` and `remedy` are how the message begins and ends.
    """
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not there.is_dir():
        raise WrongInput(f"{shown}: {there} is a file\n{remedy}")
    probe = there / f".sweeper-{secrets.token_hex(4)}"
    try:  # permissions alone do not tell: root has all of them, under /proc too
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise WrongInput(f"{shown}: {there.absolute()} cannot be written: {error.strerror}\n{remedy}") from error


def check_destination(shown: str, directory: Path, remedy: str) -> None:
    """Raise WrongInput where `new_directory` could not make one, or would replace where the command runs."""
    check_can_be_made(shown, directory, remedy)
    check_can_be_made(shown, directory.absolute().parent, remedy)
    if directory.exists() and any(directory.iterdir()):
        raise WrongInput(f"{shown} holds something already\n{remedy}")
    if Path.cwd().is_relative_to(directory.resolve()):
        raise WrongInput(f"{shown} is where the command runs, and would be replaced\n{remedy}")

"""Texts in a file each, in a directory for each class: pos/0_9.txt, neg/0_3.txt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sweeper.data.encodings import decoded
from sweeper.data.table import Table, check_columns, counted, shown_names
from sweeper.errors import WrongInput

# What directories beside those of classes are called: their texts have none.
NO_CLASS = ("unsup", "unsupervised", "unlabeled", "unlabelled")
COLUMNS = ("text", "label")
SHOWN_KINDS = 4


def class_directories(directory: Path) -> dict[str, list[Path]]:
    """Return the texts of each class, by the names of directories and files; none where there are not two classes."""
    if not directory.is_dir():
        return {}
    found = {path.name: _texts(path) for path in sorted(directory.iterdir()) if path.is_dir()}
    found = {name: files for name, files in found.items() if files}
    return found if len(found.keys() - set(NO_CLASS)) > 1 else {}


def _texts(directory: Path) -> list[Path]:
    # 20 Newsgroups' files are called by numbers alone.
    return [
        file for file in _shown(directory) if (file.suffix.lower() == ".txt" or file.name.isdigit()) and file.is_file()
    ]


def _shown(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if not path.name.startswith((".", "__")))


def _left_out(directory: Path, there: Mapping[str, list[Path]]) -> list[str]:
    """Return what is to be said of files and directories that are not read.

    Raises WrongInput where there may be a class none of whose texts is read.
    """
    others = [path for path in _shown(directory) if path.is_dir() and path.name not in {*there, *NO_CLASS}]
    if held := [path for path in others if _shown(path)]:
        raise WrongInput(
            f"{directory} has a directory without texts among those of classes: {held[0].name}\n"
            "needed: a .txt file for each text, right in the directory of its class\n"
            "where it is no class: move it elsewhere"
        )
    said = [f"without a file, left out: {shown_names([path.name for path in others], SHOWN_KINDS)}"] if others else []
    read = {file for files in there.values() for file in files}
    unread = [path for name in there for path in _shown(directory / name) if path not in read]
    kinds = Counter("directories" if path.is_dir() else f"*{path.suffix}" for path in unread)
    if kinds:
        listed = ", ".join(f"{kind} {number:,}" for kind, number in kinds.most_common(SHOWN_KINDS))
        said.append(f"left out in the directories of classes, as they are no .txt files: {listed}")
    return said


def read_classes(directory: Path, wanted: Mapping[str, str] | None, encoding: str | None) -> Table:
    """Read a directory's texts, whole but for line ends at their end, and its classes, the directories' names."""
    check_columns(str(directory), COLUMNS, wanted or {})
    there = class_directories(directory)
    notes: Counter[str] = Counter()
    files = [(name, file) for name, files in there.items() if name not in NO_CLASS for file in files]
    texts = []
    for _, file in files:
        text, note = decoded(file, encoding)  # an empty one is told with all other rows
        notes[note] += 1
        texts.append(text.rstrip("\r\n"))
    said = [f"{counted(number, 'file')} {note}" for note, number in notes.items() if note]
    said += [
        f"{name}: {counted(len(there[name]), 'text')} without a class left out" for name in NO_CLASS if name in there
    ]
    said += _left_out(directory, there)
    columns = {"text": texts, "label": [name for name, _ in files]}
    return Table(
        str(directory),
        columns,
        [1] * len(files),
        notes=("a text a file, its directory the class", *said),
        sources=[str(file) for _, file in files],
    )

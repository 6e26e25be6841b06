"""Texts in a file each, in a directory for each class: pos/0_9.txt, neg/0_3.txt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sweeper.data.encodings import read_text
from sweeper.data.table import Table, check_columns, counted
from sweeper.errors import WrongInput

# What directories beside those of classes are called: their texts have none.
NO_CLASS = ("unsup", "unsupervised", "unlabeled", "unlabelled")
COLUMNS = ("text", "label")


def class_directories(directory: Path) -> dict[str, list[Path]]:
    """Return the texts of each class, by the names of directories and files; none where there are not two classes."""
    if not directory.is_dir():
        return {}
    found = {path.name: _texts(path) for path in sorted(directory.iterdir()) if path.is_dir()}
    found = {name: files for name, files in found.items() if files}
    return found if len(found.keys() - set(NO_CLASS)) > 1 else {}


def _texts(directory: Path) -> list[Path]:
    # 20 Newsgroups' files are called by numbers alone.
    return sorted(
        file
        for file in directory.iterdir()
        if (file.suffix.lower() == ".txt" or file.name.isdigit()) and not file.name.startswith(".") and file.is_file()
    )


def read_classes(directory: Path, wanted: Mapping[str, str] | None, encoding: str | None) -> Table:
    """Read a directory's texts, whole but for line ends at their end, and its classes, the directories' names."""
    check_columns(str(directory), COLUMNS, wanted or {})
    there = class_directories(directory)
    notes: Counter[str] = Counter()
    files = [(name, file) for name, files in there.items() if name not in NO_CLASS for file in files]
    texts = []
    for _, file in files:
        try:
            text, note = read_text(file, encoding)
        except WrongInput as error:
            if "is empty" not in str(error):
                raise
            text, note = "", ""
        notes[note] += 1
        texts.append(text.rstrip("\r\n"))
    said = [f"{counted(number, 'file')} {note}" for note, number in notes.items() if note]
    said += [
        f"{name}: {counted(len(there[name]), 'text')} without a class left out" for name in NO_CLASS if name in there
    ]
    columns = {"text": texts, "label": [name for name, _ in files]}
    return Table(
        str(directory),
        columns,
        [1] * len(files),
        notes=("a text a file, its directory the class", *said),
        sources=[str(file) for _, file in files],
    )

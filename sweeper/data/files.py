"""A data set of your own in files: CSV, TSV, JSON lines or parquet, a file a split or one that is split in three."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sweeper.data import EVALUATED
from sweeper.data.heads import Head, head_of_file
from sweeper.data.labelled import LabelledColumns
from sweeper.data.splits import SPLIT_NAMES, tokenizer_beside
from sweeper.data.tables import EXTENSIONS, READERS, kind, read_table
from sweeper.data.tabular import Found, Tabular
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.trial.settings import setting


@dataclass(frozen=True)
class InFiles(Tabular, ABC):
    """Columns in a directory of files, or in one file."""

    located_by: ClassVar[str] = "path"

    path: str | None = setting(
        None,
        identity=False,
        help="a directory with train, and valid and test where there are (valid: also validation, dev, val); or one"
        " file, which is split in three; a tokenizer beside it is taken",
    )

    def find(self) -> Found:
        """Read the wanted columns of every split's file. Raises WrongInput."""
        path = self._path()
        files = _split_files(path) if path.is_dir() else {"train": path}
        tables = {split: read_table(file, self.wanted) for split, file in files.items()}
        return Found(tables)

    def head(self) -> Head:
        """The column names and first rows of the training examples. Raises WrongInput."""
        path = self._path()
        return head_of_file(_split_files(path)["train"] if path.is_dir() else path)

    def tokenizer_path(self) -> Path | None:
        """The one sentencepiece*.model or tokenizer.json beside the files; None: none or several."""
        path = self._path()
        return tokenizer_beside(path if path.is_dir() else path.parent)

    def _path(self) -> Path:
        if not self.path:
            raise WrongInput(
                "data.path is missing\nneeded: a file, or the directory of train, valid and test\nadd data.path=PATH"
            )
        path = expanded("data.path", self.path)
        if not (path.is_dir() or path.is_file()):
            said = "is no regular file" if path.exists() else "does not exist"
            raise WrongInput(f"{self.source} {said}\nneeded: a file, or the directory of train, valid and test")
        if not path.is_dir() and kind(path.name) not in READERS:
            raise WrongInput(f"{self.source} is of no known kind\nallowed: {', '.join(EXTENSIONS)}")
        return path


@dataclass(frozen=True)
class Files(InFiles, LabelledColumns):
    """Labelled texts in a directory of files, or in one file."""


def _split_files(directory: Path) -> dict[str, Path]:
    there = {file.name: file for file in directory.iterdir() if file.is_file()}
    found = {split: _matching(there, names) for split, names in SPLIT_NAMES.items()}
    for files in found.values():
        if len(files) > 1:
            listed = ", ".join(file.name for file in files)
            raise WrongInput(f"data.path={directory} has several files for one split: {listed}\nneeded: one of them")
    if not found["train"]:
        others = "; ".join(" or ".join(SPLIT_NAMES[split]) for split in EVALUATED)
        raise WrongInput(
            f"data.path={directory} has no file of training examples\n"
            f"looked for: train; where there are, {others}; each with {', '.join(EXTENSIONS)}\n"
            "for one file that is split in three: data.path=FILE"
        )
    return {split: files[0] for split, files in found.items() if files}


def _matching(there: Mapping[str, Path], names: tuple[str, ...]) -> list[Path]:
    wanted = [(name, extension) for name in names for extension in EXTENSIONS]
    return [
        file
        for name, extension in wanted
        for known, file in there.items()
        if known.startswith(name) and known.removeprefix(name).lower() == extension
    ]

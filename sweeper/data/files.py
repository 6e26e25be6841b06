"""A data set of your own in files: CSV, TSV, JSON or parquet, a file a split or one that is split in three."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from sweeper.data.class_checks import Classes, check_no_header
from sweeper.data.class_directories import read_classes
from sweeper.data.dialects import Asked, Quoting, Separator
from sweeper.data.encodings import check_encoding
from sweeper.data.heads import Head, head_of
from sweeper.data.labelled import LabelledColumns
from sweeper.data.missing import Found
from sweeper.data.split_files import only_file, only_formats, split_files
from sweeper.data.splits import tokenizer_beside
from sweeper.data.table import Table, joined
from sweeper.data.tables import EXTENSIONS, READ_FOR, READERS, kind, read_table
from sweeper.data.tabular import Tabular, column_name
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.trial.settings import setting

ONLY_FILE = "the directory's only file of examples, and called by the name of no split"


@dataclass(frozen=True)
class InFiles(Tabular, ABC):
    """Columns in a directory of files, or in one file."""

    located_by: ClassVar[str] = "path"

    path: str | None = setting(
        None,
        identity=False,
        help="a directory with train, and valid and test where there are (valid: also validation, dev, val), files or"
        " directories of a directory for each class; or one file, which is split in three; a tokenizer beside it is"
        " taken",
    )
    # Of what is read the digest is made, however it is written.
    separator: Separator | None = setting(
        None, since=2, identity=False, help="of .csv and .tsv; null: the one by which there are the columns"
    )
    quoting: Quoting | None = setting(
        None,
        since=2,
        identity=False,
        help="in .csv and .tsv; double: a quote in a quoted field is doubled; backslash: has a backslash before it;"
        " none: quotes are characters like any other; null: what fits",
    )
    encoding: str | None = setting(
        None, since=2, identity=False, help="of text files, by Python's name; null: UTF-8, UTF-16 or cp1252, by content"
    )
    columns: Any = setting(
        None, since=2, identity=False, help="names of the columns of .csv and .tsv without a header, as [label,text]"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.columns is None:
            return
        given = self.columns if isinstance(self.columns, list | tuple) else [self.columns]
        names = tuple(column_name("data.columns", name) for name in given)
        if len(set(names)) < len(names) or not isinstance(self.columns, list | tuple) or len(names) < 2:
            shown = f"[{','.join(names)}]" if isinstance(self.columns, list | tuple) else self.columns
            raise WrongInput(
                f"data.columns={shown} does not name all columns\n"
                "needed: a name for each column of the file, in their order, as data.columns=[label,text]"
            )
        object.__setattr__(self, "columns", names)

    def find(self) -> Found:
        """Read the wanted columns of every split's file. Raises WrongInput."""
        check_encoding(self.encoding)
        path = self._path()
        files = split_files(path) if path.is_dir() else {"train": [path]}
        self._check_used(only_formats(files))
        tables = {split: self._read(split, parts) for split, parts in files.items()}
        if path.is_dir() and files["train"] == [only_file(path)]:
            tables["train"] = replace(tables["train"], notes=(ONLY_FILE, *tables["train"].notes))
        return Found(tables)

    def _read(self, split: str, parts: Sequence[Path]) -> Table:
        if parts[0].is_dir():
            return read_classes(parts[0], self.wanted, self.encoding)
        tables = [read_table(file, self.wanted_of_table, self._asked, self.optional(split)) for file in parts]
        return joined(tables, f"{self.source}, {split}")

    @property
    def _asked(self) -> Asked:
        return Asked(self.separator, self.quoting, self.encoding, self.columns)

    def _check_used(self, formats: set[str]) -> None:
        """Raise WrongInput for a setting of a format that none of the files has."""
        for name, read_for in READ_FOR.items():
            value = getattr(self, name)
            if value is not None and not formats & {*read_for}:
                shown = f"[{','.join(value)}]" if isinstance(value, tuple) else value
                there = " and ".join(sorted(filter(None, formats))) or "a directory for each class"
                raise WrongInput(
                    f"data.{name}={shown} has no effect: {self.source} is {there}\n"
                    f"it is for {', '.join(filter(None, read_for))}; leave it out"
                )

    def head(self) -> Head:
        """The column names and first rows of the training examples; none where the file cannot be read whole."""
        check_encoding(self.encoding)
        path = self._path()
        train = split_files(path)["train"][0] if path.is_dir() else path
        if train.is_dir():
            return Head((), ())  # each class's directory has its name
        try:
            return head_of(read_table(train, None, self._asked))
        except WrongInput:  # told where the wanted columns are read
            return Head((), ())

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
        if not path.is_dir() and kind(path.name) not in READERS and self.separator is None:
            raise WrongInput(
                f"{self.source} is of no known kind\nallowed: {', '.join(EXTENSIONS)}\n"
                "for a table of another name: data.separator=tab, or comma, semicolon, pipe"
            )
        return path


@dataclass(frozen=True)
class Files(InFiles, LabelledColumns):
    """Labelled texts in a directory of files, or in one file."""

    def find(self) -> Found:
        """Read the wanted columns of every split's file. Raises WrongInput, also for a header that is no example."""
        found = super().find()
        if self.columns and self.classes != Classes.as_is:
            check_no_header(found.tables["train"], self.texts, self.label)
        return found

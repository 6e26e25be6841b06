"""A data set of the Hugging Face hub, or a directory in the hub's layout, read by the `datasets` library."""

from __future__ import annotations

import logging
from abc import ABC
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sweeper.data.headers import names_instead
from sweeper.data.heads import ROWS, Head
from sweeper.data.labelled import LabelledColumns
from sweeper.data.missing import Found
from sweeper.data.parquet_rows import named
from sweeper.data.split_files import split_files
from sweeper.data.splits import SPLIT_NAMES, tokenizer_beside
from sweeper.data.table import Table, check_columns, wanted_there
from sweeper.data.tables import read_table
from sweeper.data.tabular import Tabular
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.trial.settings import setting

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


@dataclass(frozen=True)
class OnHub(Tabular, ABC):
    """Columns under a name on the hub, fetched once into the library's own cache."""

    located_by: ClassVar[str] = "name"

    name: str | None = setting(None, identity=False, help="OWNER/NAME, or a directory in the hub's layout")
    config: str | None = setting(None, identity=False, help="which configuration, where the data set has several")
    revision: str | None = setting(None, identity=False, help="branch, tag or commit; null: the newest")

    def find(self) -> Found:
        """Fetch the data set and read the wanted columns of train, validation and test. Raises WrongInput."""
        fetched = self._fetch()
        names = {split: self._split_name(fetched, split) for split in SPLIT_NAMES}
        if names["train"] is None:
            raise WrongInput(f"{self.source} has no split train\nsplits there: {', '.join(map(str, fetched))}")
        tables = {
            split: _read_split(
                fetched[name], f"{self.source}, split {name}", self.wanted_of_table, self.optional(split)
            )
            for split, name in names.items()
            if name is not None
        }
        return Found(tables)

    def head(self) -> Head:
        """The column names and first rows of the training examples. Raises WrongInput."""
        fetched = self._fetch()
        train = fetched["train"] if "train" in fetched else next(iter(fetched.values()))
        first = train[:ROWS]
        rows = list(zip(*(first[name] for name in train.column_names), strict=True))
        return Head(tuple(train.column_names), rows, self._without_header(train.column_names, rows))

    def _without_header(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
        """Return the settings by which a first line is an example: the library takes it for names."""
        directory = self._directory()
        if directory is None or next(directory.rglob("*.[ct]sv*"), None) is None:
            return ""
        names = names_instead([header, *([str(value) for value in row] for row in rows)])
        return names and f"data={self.files_choice} data.path={self.name} {names}"

    def tokenizer_path(self) -> Path | None:
        """The one tokenizer in a directory of the user's own; None: none or several, or a name on the hub."""
        directory = self._directory()
        return tokenizer_beside(directory) if directory else None

    def _directory(self) -> Path | None:
        if not self.name:
            raise WrongInput("data.name is missing\nneeded: OWNER/NAME on the hub, or a directory\nadd data.name=NAME")
        directory = expanded("data.name", self.name)
        if directory.is_dir():
            return directory
        if directory.exists() or self.name.startswith((".", "/", "~")):
            raise WrongInput(f"{self.source} is no directory\nfor files: data={self.files_choice} data.path=PATH")
        return None

    def _fetch(self) -> DatasetDict:
        directory = self._directory()
        import datasets

        if directory and directory.name in ("", ".."):  # by its name the library calls what it keeps
            directory = directory.resolve()
        try:
            with silent():
                return datasets.load_dataset(str(directory or self.name), self.config, revision=self.revision)
        except Exception as error:  # the library, and what it fetches with, raise no narrower class
            said = " ".join(str(error).split())[:300]
            files = f"data={self.files_choice}"
            remedy = f"where there is no network: {files}, or HF_HUB_OFFLINE=1 for what has been fetched before"
            if directory:
                remedy = _remedy(directory, f"{files} data.path={self.name}")
            raise WrongInput(f"{self.source} cannot be fetched: {said}\n{remedy}") from error

    def _split_name(self, fetched: DatasetDict, split: str) -> str | None:
        found = [name for name in SPLIT_NAMES[split] if name in fetched]
        if len(found) > 1:
            raise WrongInput(f"{self.source} has several splits for one: {', '.join(found)}\nneeded: one of them")
        return found[0] if found else None


@dataclass(frozen=True)
class Hub(OnHub, LabelledColumns):
    """Labelled texts under a name on the hub."""


def _remedy(directory: Path, files: str) -> str:
    """Return what to do about a directory that the library cannot read: `files`, where that would read it."""
    try:
        for part in (part for parts in split_files(directory).values() for part in parts if part.is_file()):
            read_table(part, None)
    except WrongInput as error:
        said = str(error).partition("\n")[0].replace("data.path=", "")[:300]
        return f"needed: a directory in the hub's layout whose files can be read\nread as files: {said}"
    return f"needed: a directory in the hub's layout; otherwise: {files}"


def _read_split(dataset: Dataset, source: str, wanted: Mapping[str, str], optional: Collection[str]) -> Table:
    from datasets import ClassLabel

    there = dataset.column_names
    wanted = wanted_there(wanted, there, optional)
    check_columns(source, there, wanted)
    if not len(dataset):
        raise WrongInput(f"{source} holds no examples\nneeded: at least one")
    columns = {column: dataset[column][:] for column in wanted}
    declared = {name: dataset.features[name] for name in columns}
    class_names = {name: tuple(kind.names) for name, kind in declared.items() if isinstance(kind, ClassLabel)}
    columns |= {name: named(columns[name], names, source, name) for name, names in class_names.items()}
    return Table(source, columns, range(1, len(dataset) + 1), unit="row", class_names=class_names, there=there)


@contextmanager
def silent() -> Iterator[None]:
    """Keep the libraries' bars and retries off the terminal, where a live table or three lines of refusal stand."""
    import datasets
    import huggingface_hub.utils

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    shown = [library for library in (datasets, huggingface_hub.utils) if not library.are_progress_bars_disabled()]
    for library in shown:
        library.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # what is refused is told once
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for library in shown:
            library.enable_progress_bars()

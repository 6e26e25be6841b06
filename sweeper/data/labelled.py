"""What data sets of columns share, wherever their rows come from: which columns, which splits, how they are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from typing import Any

from sweeper.data import DataSettings, Examples
from sweeper.data.columns import in_order, numbered, read_rows
from sweeper.data.splits import SHARES, TITLES, check_classes, check_splits, complete, unlabelled_texts
from sweeper.data.tables import Table
from sweeper.trial import WrongInput, digest, setting


@dataclass(frozen=True)
class Found:
    """The splits that a source has, as tables; train is always among them."""

    tables: Mapping[str, Table]
    remarks: Mapping[str, str] = field(default_factory=dict)  # split -> why the source's own is not taken


@dataclass(frozen=True)
class Made:
    """A data set, ready: classes numbered, missing splits made."""

    label_names: tuple[str, ...]
    splits: Mapping[str, Examples]
    notes: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of classes, texts and labels."""
        splits = {split: [examples.inputs, examples.labels] for split, examples in self.splits.items()}
        return digest({"label_names": self.label_names, "splits": splits})


@dataclass(frozen=True)
class LabelledColumns(DataSettings, ABC):
    """A text column or two, a label column, and how missing splits are made from train."""

    # The columns are stood for by a digest of what they hold.
    text: Any = setting("text", identity=False)  # column of the texts; [A,B]: pairs of texts
    label: Any = setting("label", identity=False)  # column of the classes
    validation_share: float = setting(0.1, above=0, below=1)  # of train, where there is no validation split
    test_share: float = setting(0.2, above=0, below=1)  # of train, where there is no test split
    split_seed: int = setting(0, at_least=0)  # of these splits; a trial's seed has no part in them

    def __post_init__(self) -> None:
        given = list(self.text) if isinstance(self.text, list | tuple) else [self.text]
        texts = [column_name("data.text", name) for name in given]
        label = column_name("data.label", self.label)
        if len(texts) not in (1, 2) or label in texts or len(set(texts)) < len(texts):
            raise WrongInput(
                f"data.text=[{','.join(texts)}] data.label={label} cannot be a text and its label\n"
                "allowed: data.text=COLUMN, or data.text=[A,B] for pairs, and another column as data.label"
            )
        object.__setattr__(self, "text", texts[0] if len(texts) == 1 else tuple(texts))
        object.__setattr__(self, "label", label)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text columns, one or two."""
        return (self.text,) if isinstance(self.text, str) else self.text

    @property
    def wanted(self) -> dict[str, str]:
        """The columns that are read, and the settings that ask for them."""
        shown = self.text if isinstance(self.text, str) else f"[{','.join(self.text)}]"
        return {column: f"data.text={shown}" for column in self.texts} | {self.label: f"data.label={self.label}"}

    @property
    @abstractmethod
    def source(self) -> str:
        """The data set as messages name it, as in data.path=DIR."""

    @abstractmethod
    def find(self) -> Found:
        """Read the wanted columns of every split there is. Raises WrongInput."""

    def check(self) -> None:
        """Raise WrongInput when the data cannot be read, or cannot be compared by."""
        made = ready(self)
        if self.limit is not None and self.limit < len(made.label_names):
            raise WrongInput(
                f"data.limit={self.limit} is less than the {len(made.label_names)} classes of {self.source}\n"
                "needed: an example of each"
            )

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the classes, and of the texts and labels of all splits as they are made."""
        return ready(self).digest

    def label_names(self) -> tuple[str, ...]:
        """Names of train's classes: integers by value, others by code point, or in the order that is declared."""
        return ready(self).label_names

    def splits(self) -> dict[str, Examples]:
        """The examples of train, valid and test, before any limit."""
        return dict(ready(self).splits)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each split that was made."""
        return ready(self).notes

    def unlabelled(self) -> list[str]:
        """The training texts, both of each pair, that neither validation nor test holds."""
        return unlabelled_texts(self.splits())


def column_name(key: str, name: Any) -> str:
    """Return the name of a column, which the command line may have taken for an integer."""
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        shown = "null" if name is None else name
        raise WrongInput(f"{key}={shown} is no column's name\nallowed: a name, in quotes where it looks like a number")
    return str(name)


def ready(settings: LabelledColumns) -> Made:
    """Return the data set, read and made once a process."""
    return make(replace(settings, limit=None))


@cache
def make(settings: LabelledColumns) -> Made:
    """Read a data set, number its classes and make its missing splits. Raises WrongInput."""
    found = settings.find()
    check_needed(settings, found)
    rows = {split: read_rows(table, settings.texts, settings.label) for split, table in found.tables.items()}
    present = set(rows["train"].classes)
    declared = [name for name in rows["train"].table.class_names if name in present]
    names = tuple(declared) or in_order(present)
    check_classes(names, settings.source)
    splits = complete(
        {split: numbered(items, names) for split, items in rows.items()},
        {"valid": settings.validation_share, "test": settings.test_share},
        settings.split_seed,
        names,
    )
    check_splits(splits, names, settings.source)
    return Made(names, splits, tuple(notes(settings, found)))


def check_needed(settings: LabelledColumns, found: Found) -> None:
    """Raise WrongInput when a share is given for a split that there is, or a seed where nothing is made."""
    defaults = {item.name: item.default for item in fields(settings)}
    needless = {
        "validation_share": {"valid"} & found.tables.keys(),
        "test_share": {"test"} & found.tables.keys(),
        "split_seed": {"valid", "test"} if {"valid", "test"} <= found.tables.keys() else set(),
    }
    for name, there in needless.items():
        value = getattr(settings, name)
        if there and value != defaults[name]:
            titles = " and ".join(title for split, title in TITLES.items() if split in there)
            raise WrongInput(f"data.{name}={value} has no effect: {settings.source} has its own {titles}\nleave it out")


def notes(settings: LabelledColumns, found: Found) -> list[str]:
    """Say how each split was made that the source lacks; without names of files, which digests leave out too."""
    shares = {"valid": settings.validation_share, "test": settings.test_share}
    return [
        f"{TITLES[split]}: {100 * shares[split]:g} % of train, stratified, split_seed {settings.split_seed}"
        + (f"; {found.remarks[split]}" if split in found.remarks else "")
        for split in SHARES
        if split not in found.tables
    ]

"""Labelled texts in columns: which columns, and the data set that their rows make."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, ClassVar

from sweeper.data import Examples
from sweeper.data.columns import in_order, numbered, read_rows
from sweeper.data.splits import check_classes, check_splits, complete, unlabelled_texts
from sweeper.data.tabular import Tabular, check_needed, column_name
from sweeper.data.verbalisers import Verbalised
from sweeper.errors import WrongInput
from sweeper.trial.settings import setting
from sweeper.trial.trial import digest


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
class LabelledColumns(Tabular, Verbalised, ABC):
    """A text column or two, and a label column."""

    files_choice: ClassVar[str] = "files"
    targets: ClassVar[str] = "labels"
    drawn: ClassVar[str] = "stratified"

    # The columns are stood for by a digest of what they hold.
    text: Any = setting("text", identity=False)  # column of the texts; [A,B]: pairs of texts
    label: Any = setting("label", identity=False)  # column of the classes

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
    def target(self) -> str:
        """The label column."""
        return str(self.label)

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


def ready(settings: LabelledColumns) -> Made:
    """Return the data set, read and made once a process."""
    return make(replace(settings, limit=None, verbalisers=None))


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
        settings.shares,
        settings.split_seed,
        names,
    )
    check_splits(splits, names, settings.source)
    return Made(names, splits, settings.how_made(found))

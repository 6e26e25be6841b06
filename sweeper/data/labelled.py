"""Labelled texts in columns: which columns, and the data set that their rows make."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeper.data.columns import class_names, in_order, labelled
from sweeper.data.splits import check_classes, check_parts, check_splits, complete, unlabelled_texts
from sweeper.data.tabular import Prepared, Tabular, check_needed, column_name
from sweeper.data.verbalisers import Verbalised
from sweeper.errors import WrongInput
from sweeper.trial.settings import setting
from sweeper.trial.trial import digest


@dataclass(frozen=True)
class LabelledColumns(Tabular, Verbalised, ABC):
    """A text column or two, and a label column."""

    files_choice: ClassVar[str] = "files"
    predicted: ClassVar[str] = "label"
    targets: ClassVar[str] = "labels"
    drawn: ClassVar[str] = "stratified"

    # The columns are stood for by a digest of what they hold.
    text: Any = setting("text", identity=False, help="column of the texts; [A,B]: two columns, for pairs of texts")
    label: Any = setting(
        "label", identity=False, help="column of the classes: names, strings, integers, or true and false"
    )

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

    def check(self) -> None:
        """Raise WrongInput when the data cannot be read, or cannot be compared by."""
        classes = len(self.label_names())
        if self.limit is not None and self.limit < classes:
            raise WrongInput(
                f"data.limit={self.limit} is less than the {classes} classes of {self.source}\n"
                "needed: an example of each"
            )

    def label_names(self) -> tuple[str, ...]:
        """Names of train's classes: integers by value, others by code point, or in the order that is declared."""
        return self.prepared().label_names

    def unlabelled(self) -> list[str]:
        """The training texts, both of each pair, that neither validation nor test holds."""
        return unlabelled_texts(self.splits())

    def prepare(self) -> Prepared:
        """Read the data set, number its classes and make its missing splits. Raises WrongInput."""
        found = self.find()
        check_needed(self, found)
        classes = {split: class_names(table, self.label) for split, table in found.tables.items()}
        present = set(classes["train"])
        declared = [name for name in found.tables["train"].class_names if name in present]
        names = tuple(declared) or in_order(present)
        check_classes(names, self.source)
        given = {split: labelled(table, self.texts, classes[split], names) for split, table in found.tables.items()}
        splits = complete(given, self.shares, self.split_seed, given["train"].labels)
        check_parts(given, splits, self.shares, names)
        check_splits(splits, names, self.source)
        content = {split: [examples.inputs, examples.labels] for split, examples in splits.items()}
        return Prepared(splits, self.how_made(found), digest({"label_names": names, "splits": content}), names)

"""Labelled texts in columns: which columns, and the data set that their rows make."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sweeper.data.class_checks import AS_IS, Classes, absence_notes, check_single_labels, marked_texts, spelling_notes
from sweeper.data.clusters import clusters_of
from sweeper.data.columns import LABELS, class_names, in_order, labelled, text_faults
from sweeper.data.limits import check_limits
from sweeper.data.missing import MARKS, SECRET, Found, Missing, marks_among, without_marks, without_missing
from sweeper.data.splits import check_classes, check_parts, check_splits, complete, unlabelled_texts
from sweeper.data.table import Table
from sweeper.data.tabular import Prepared, Tabular, column_name
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

    classes: Classes | None = setting(
        None,
        since=2,
        identity=False,  # the digest is of the classes that come of it
        help="as_is: labels are taken that look as if they were missing, several in one, or no classes",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
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
        self.check_cluster()

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
        check_limits(self, len(self.label_names()), self.source)

    def label_names(self) -> tuple[str, ...]:
        """Names of train's classes: integers by value, others by code point, or in the order that is declared."""
        return self.prepared().label_names

    def unlabelled(self) -> list[str]:
        """The training texts, both of each pair, that neither validation nor test holds."""
        return unlabelled_texts(self.splits())

    def prepare(self) -> Prepared:
        """Read the data set, number its classes and make its missing splits. Raises WrongInput."""
        found = self.found()
        tables, classes, said = self._complete_rows(found)
        present = set(classes["train"])
        declared = [name for name in tables["train"].class_names.get(self.label, ()) if name in present]
        names = tuple(declared) or in_order(present)
        check_classes(names, self.source)
        if self.classes != Classes.as_is:
            check_single_labels(classes["train"], self.label, self.source)
        given = {split: labelled(table, self.texts, classes[split], names) for split, table in tables.items()}
        clusters = clusters_of(tables, self.cluster)
        given = {split: replace(examples, clusters=clusters[split]) for split, examples in given.items()}
        splits = complete(given, self.shares, self.split_seed, given["train"].labels)
        check_parts(given, splits, self.shares, names)
        check_splits(splits, names, self.source)
        content = {split: [examples.inputs, examples.labels] for split, examples in splits.items()}
        notes = [
            *self.how_made(found, said),
            *spelling_notes(names, tables.values(), self.label),
            *absence_notes(splits, names),
        ]
        return Prepared(splits, tuple(notes), digest({"label_names": names, "splits": content}), names)

    def _complete_rows(self, found: Found) -> tuple[dict[str, Table], dict[str, list[str]], dict[str, list[str]]]:
        """Return each split's rows with text and label, the names of their classes, and what is to be said of others.

        Raises WrongInput for rows without them, unless they are to be dropped.
        """
        as_is = self.classes == Classes.as_is
        tables: dict[str, Table] = {}
        classes: dict[str, list[str]] = {}
        said: dict[str, list[str]] = {}
        marks: set[str] = set()
        for split, table in found.tables.items():  # train first
            names, faults = class_names(table, self.label, as_is=as_is and self.missing != Missing.drop)
            if split == "train":
                marks = set() if as_is else marks_among({*names} - {""})
            hidden = {*SECRET, *(() if as_is else MARKS)} - {*classes.get("train", names)}
            faults = without_marks(names, faults, marks | hidden, self.label) | text_faults(table, self.texts)
            needed = f"needed: a text and a label in every example; {LABELS}"
            if any(names[index] in marks for index in faults.missing):
                needed = f"needed: a class in every example; {AS_IS}"
            elif split == "train" and not faults.wrong and any(not names[index] for index in faults.missing):
                needed = f"needed: a text and a label in every example; {AS_IS}"
            tables[split], kept, sentence = without_missing(table, faults, self.missing, needed)
            classes[split] = [names[index] for index in kept]
            said[split] = [sentence, marked_texts(tables[split], self.texts)]
        return tables, classes, said

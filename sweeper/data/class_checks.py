"""Classes that may be none: several labels in one, texts or quantities for labels, one name in two spellings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from sweeper.data import EVALUATED, Examples
from sweeper.data.columns import EMPTY
from sweeper.data.found_columns import LABEL_NAMES, TEXT_NAMES
from sweeper.data.missing import MARKS
from sweeper.data.splits import TITLES
from sweeper.data.table import Table, counted, shown_names
from sweeper.errors import WrongInput

SEPARATORS = ("|", ";")
MOST_JOINED = 0.1  # of the labels
NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+")
SHOWN = 4  # names in a sentence
MAY_BE_MARKS = {*map(str.casefold, MARKS), "\\n", "#n/a n/a", "n.a."}  # \N: what MySQL writes
AS_IS = "data.classes=as_is takes them as they are"


class Classes(StrEnum):
    """Which labels are taken."""

    as_is = "as_is"


def check_single_labels(names: Sequence[str], label: str, source: str) -> None:
    """Raise WrongInput for training labels that are several in one, or hardly ever occur twice."""
    sizes = Counter(names)
    for separator in SEPARATORS:
        joined = [name for name in sizes if separator in name and sizes.keys() >= _parts(name, separator)]
        number = sum(sizes[name] for name in joined)
        if number >= MOST_JOINED * len(names):
            raise WrongInput(
                f"{source}: {number:,} of {len(names):,} training labels are several in one, as"
                f" {min(joined)[:40]!r}\nneeded: one class an example; for two columns of labels, another data.label\n"
                f"{AS_IS}"
            )
    single = [name for name in sizes if sizes[name] == 1]
    if len(sizes) > 2 and 2 * len(single) > len(sizes):
        raise WrongInput(
            f"{source}: {len(single):,} of {len(sizes):,} classes have a single training example, as"
            f" {min(single)[:40]!r}: data.label={label} may hold no classes\nneeded: a column of classes, as"
            f" data.label=COLUMN\n{AS_IS}"
        )


def _parts(name: str, separator: str) -> set[str]:
    return {part.strip() for part in name.split(separator)}


def check_no_header(table: Table, texts: Sequence[str], label: str) -> None:
    """Raise WrongInput where names are given for columns, and the first line is one of names: its label is no other's.

    Not where other classes have one example, too, unless what stands there is usual for names.
    """
    labels = table.columns[label]
    sizes = Counter(labels)
    rare = min((size for name, size in sizes.items() if name != labels[0]), default=1) == 1
    usual = labels[0].strip().casefold() in LABEL_NAMES or any(
        table.columns[text][0].strip().casefold() in TEXT_NAMES for text in texts
    )
    if sizes[labels[0]] == 1 and len(sizes) > 2 and (usual or not rare):
        raise WrongInput(
            f"{table.place(0)} may be a header: no other line has the label {labels[0][:40]!r}\n"
            f"leave out data.columns and set data.text=COLUMN data.label=COLUMN to its names\n{AS_IS}"
        )


def spelling_notes(names: Collection[str], tables: Iterable[Table], label: str) -> list[str]:
    """Return what is to be said of classes that are equal but for case, outer space, or how a number is spelled."""
    marks = sorted(name for name in names if name == EMPTY or name.casefold() in MAY_BE_MARKS)
    notes = [f"classes that may be missing labels: {shown_names(marks, SHOWN)}"] if marks else []
    for said, key in (("case", str.casefold), ("how a number is written", _number)):
        alike: dict[str, list[str]] = {}
        for name in sorted(names):
            alike.setdefault(key(name), []).append(name)
        if several := [" and ".join(map(repr, found)) for found in alike.values() if len(found) > 1]:
            notes.append(f"classes that are equal but for {said}: {shown_names(several, SHOWN)}")
    if any(NUMBER.fullmatch(name) and not name.isdigit() for name in names) and all(map(NUMBER.fullmatch, names)):
        notes.append(f"labels are numbers; each of the {len(names):,} different ones is a class")
    values = {value for table in tables for value in table.columns[label] if isinstance(value, str)}
    spaced = sorted({value.strip() for value in values if value != value.strip() and value.strip() in values})
    if spaced:
        notes.append(f"labels that are equal but for outer space, one class each: {shown_names(spaced, SHOWN)}")
    return notes


def _number(name: str) -> str:
    try:
        return str(float(name)) if not name.isalpha() else name
    except ValueError:
        return name


def marked_texts(table: Table, texts: Sequence[str]) -> str:
    """Return what is to be said of texts that may stand for missing ones."""
    found = Counter(value for column in texts for value in table.columns[column] if value in MARKS)
    return f"{counted(found.total(), 'text')} only: {shown_names(found, SHOWN)}" if found else ""


def absence_notes(splits: Mapping[str, Examples], names: Sequence[str]) -> list[str]:
    """Return which classes validation and test have no examples of."""
    sizes = Counter(splits["train"].labels)
    notes = []
    for split in EVALUATED:
        absent = sorted(set(range(len(names))) - set(splits[split].labels))
        if absent:
            shown = shown_names([f"{names[label][:30]!r} ({sizes[label]:,} in train)" for label in absent], SHOWN)
            notes.append(f"{TITLES[split]} has no example of {len(absent):,} of {len(names):,} classes: {shown}")
    return notes

"""Which columns of a table hold the texts and the classes, where nobody says: by their names, else by what they hold.

Taken only where one column can be meant. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TEXT_NAMES = (
    "text texts sentence sentences review reviews content comment comments body message tweet document utterance"
    " headline review_text review_body reviewtext texte phrase avis commentaire contenu"
).split()
LABEL_NAMES = (
    "label labels class category target sentiment stars rating polarity topic intent emotion y gold tag score"
    " review_score classe étiquette etiquette catégorie categorie note"
).split()
NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
MOST_CLASSES = 100  # of a column that is taken for labels; one that is asked for by name may have any number
EXAMPLES_A_CLASS = 2  # at least, on average over the rows that were looked at
LONGER = 3  # times as long as any other column are the texts


@dataclass(frozen=True)
class Columns:
    """The columns that could be meant: one of each is an answer."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


def found_columns(
    header: Sequence[str], rows: Sequence[Sequence[Any]], text: str | None = None, label: str | None = None
) -> Columns:
    """Return which columns could be the texts and the labels; `text` and `label`: where one of them is known."""
    columns = {name: [row[position] for row in rows] for position, name in enumerate(header) if header.count(name) == 1}
    labels = (label,) if label is not None else _labels({k: v for k, v in columns.items() if k != text})
    taken = labels if len(labels) == 1 else ()
    texts = (text,) if text is not None else _texts({k: v for k, v in columns.items() if k not in taken})
    if label is None and len(texts) == 1:
        labels = tuple(name for name in labels if name not in texts)
    return Columns(texts, labels)


def _labels(columns: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    classes = {name: values for name, values in columns.items() if _are_classes(values)}
    return _named(classes, LABEL_NAMES) or tuple(name for name in classes if name.strip().casefold() not in TEXT_NAMES)


def _texts(columns: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    texts = {name: values for name, values in columns.items() if _are_texts(values)}
    named = _named(texts, TEXT_NAMES)
    if named or len(texts) <= 1:
        return named or tuple(texts)
    by_length = sorted(texts, key=lambda name: -_length(texts[name]))
    longest, second = by_length[:2]
    return (longest,) if _length(texts[longest]) >= LONGER * _length(texts[second]) else tuple(texts)


def _named(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if name.strip().casefold() in names)


def _are_classes(values: Sequence[Any]) -> bool:
    present = [str(value) for value in values if value not in (None, "")]
    different = set(present)
    few = len(different) * EXAMPLES_A_CLASS <= len(present)
    return 2 <= len(different) <= MOST_CLASSES and few and all(isinstance(v, str | int | float | None) for v in values)


def _are_texts(values: Sequence[Any]) -> bool:
    present = [value for value in values if isinstance(value, str) and value.strip()]
    return bool(present) and not all(NUMBER.fullmatch(value) for value in present)


def _length(values: Sequence[Any]) -> float:
    return sum(len(value) for value in values if isinstance(value, str)) / max(1, len(values))

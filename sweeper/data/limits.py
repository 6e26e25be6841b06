"""Fewer examples than there are: which ones data.limit and data.train_limit take, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.data import Answered, DataSettings, Examples, Source
from sweeper.data.splits import TITLES
from sweeper.errors import WrongInput


def limited(source: Source, splits: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's splits with at most as many examples as its settings say."""
    return {split: _first(split, rows, limit_of(source, split)) for split, rows in splits.items()}


def limit_of(source: Source, split: str) -> int | None:
    """At most so many examples of a split; None: all."""
    limits = [source.limit, source.train_limit if split == "train" else None]
    return min((limit for limit in limits if limit is not None), default=None)


def _first(split: str, rows: Examples | Answered, limit: int | None) -> Examples | Answered:
    if isinstance(rows, Answered):
        return rows.first(limit)
    return limit_examples(rows, limit, every_class=split == "train")


def limit_examples(examples: Examples, limit: int | None, *, every_class: bool = False) -> Examples:
    """Return at most `limit` examples (None: all), of each class in proportion to its size, in their order.

    `every_class`: at least one of each. The first ones of a class are taken, and a smaller limit's examples are among
    a larger one's, which Hamilton's method would not do: Webster's divides by 1, 3, 5, …
    """
    if limit is None or limit >= len(examples):
        return examples
    return examples.at(_in_proportion(examples.labels, limit, every_class=every_class))


def _in_proportion(labels: Sequence[int], limit: int, *, every_class: bool) -> list[int]:
    sizes, seen = Counter(labels), Counter[int]()
    turns: list[tuple[float, int, int]] = []
    for index, label in enumerate(labels):
        turn = 0.0 if every_class and not seen[label] else (2 * seen[label] + 1) / sizes[label]
        turns.append((turn, label, index))
        seen[label] += 1
    return sorted(index for _, _, index in sorted(turns)[:limit])


def _as_many_of_each(labels: Sequence[int], limit: int) -> list[int]:
    """Return what version 0.1.0 chose, of every split: the first of each class, then the second of each, …"""
    seen = Counter[int]()
    turns: list[tuple[int, int, int]] = []
    for index, label in enumerate(labels):
        turns.append((seen[label], label, index))
        seen[label] += 1
    return sorted(index for _, _, index in sorted(turns)[:limit])


def chosen_otherwise(source: Source) -> bool:
    """Whether version 0.1.0, which balanced classes, took other examples for data.limit."""
    if source.limit is None or source.task != "classification":
        return False
    for split, examples in source.splits().items():
        if source.limit < len(examples):
            labels = examples.labels
            now = _in_proportion(labels, source.limit, every_class=split == "train")
            if now != _as_many_of_each(labels, source.limit):
                return True
    return False


def check_limits(source: DataSettings, classes: int, name: str) -> None:
    """Raise WrongInput for limits that leave some of train's classes without an example, or contradict each other."""
    if source.train_limit is not None and source.limit is not None and source.train_limit > source.limit:
        raise WrongInput(
            f"data.train_limit={source.train_limit} has no effect: data.limit={source.limit} is for train, too\n"
            "leave out one of them"
        )
    for key, limit in (("data.limit", source.limit), ("data.train_limit", source.train_limit)):
        if limit is not None and limit < classes:
            raise WrongInput(f"{key}={limit} is less than the {classes} classes of {name}\nneeded: an example of each")


def limit_notes(source: Source, splits: Mapping[str, Any]) -> tuple[str, ...]:
    """Say of which splits there are fewer examples than the data set has."""
    found = []
    for split, rows in splits.items():
        limit = limit_of(source, split)
        if limit is not None and limit < len(rows):
            key = "limit" if limit == source.limit else "train_limit"
            found.append((f"data.{key}={limit}", f"{TITLES[split]} {limit:,} of {len(rows):,}"))
    keys = list(dict.fromkeys(key for key, _ in found))
    classes = ", classes in proportion" if source.task == "classification" and found else ""
    return tuple(f"{key}: {', '.join(said for other, said in found if other == key)} examples{classes}" for key in keys)

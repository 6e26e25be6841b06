"""Which columns are taken where nobody names them: one that can be meant, else none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sweeper.data.found_columns import found_columns

LONG = [f"a long review of book number {number}, and {'good' if number % 2 else 'bad'} it was" for number in range(40)]
SHORT = [f"title {number}" for number in range(40)]
NUMBERS = [str(number) for number in range(40)]
STARS = [str(1 + number % 5) for number in range(40)]
NAMES = ["neg" if number % 2 else "pos" for number in range(40)]
WORDS = [f"mot{'abcdefghij'[number % 10]}{'klmno'[number % 5]}{number}x" for number in range(40)]


def columns(**given: Sequence[Any]) -> tuple[list[str], list[list[Any]]]:
    return list(given), [list(row) for row in zip(*given.values(), strict=True)]


@pytest.mark.parametrize(
    ("given", "text", "label"),
    [
        ({"review": LONG, "stars": STARS}, "review", "stars"),
        ({"id": NUMBERS, "Sentence": LONG, "Category": NAMES}, "Sentence", "Category"),
        ({"": NUMBERS, "title": SHORT, "review": LONG, "sentiment": NAMES}, "review", "sentiment"),
        ({"a": LONG, "b": NAMES}, "a", "b"),
        ({"b": STARS, "a": LONG, "i": NUMBERS}, "a", "b"),
        ({"mot": WORDS, "genre": NAMES}, "mot", "genre"),
        ({"x": SHORT, "y": STARS, "z": LONG}, "z", "y"),
        ({"content": LONG, "class": [int(value) for value in STARS]}, "content", "class"),
        ({"avis": LONG, "note": [float(value) for value in STARS]}, "avis", "note"),
        ({"text": LONG, "truth": [number % 2 == 0 for number in range(40)]}, "text", "truth"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_can_be_meant(given: dict[str, Sequence[Any]], text: str, label: str) -> None:
    found = found_columns(*columns(**given))
    assert (found.texts, found.labels) == ((text,), (label,))


@pytest.mark.parametrize(
    ("given", "texts", "labels"),
    [
        ({"review": LONG, "sentiment": NAMES, "stars": STARS}, ("review",), ("sentiment", "stars")),
        ({"a": LONG, "b": NAMES, "c": STARS}, ("a",), ("b", "c")),
        ({"review": LONG, "comment": LONG, "stars": STARS}, ("review", "comment"), ("stars",)),
        ({"a": LONG, "b": LONG, "label": STARS}, ("a", "b"), ("label",)),
        ({"review": LONG, "id": NUMBERS}, ("review",), ()),
        ({"id": NUMBERS, "stars": STARS}, (), ("stars",)),
        ({"review": LONG, "score": [str(number / 7) for number in range(40)]}, ("review",), ()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_is_not_clear(given: dict[str, Sequence[Any]], texts: tuple[str, ...], labels: tuple[str, ...]) -> None:
    found = found_columns(*columns(**given))
    assert (found.texts, found.labels) == (texts, labels)


def test_what_is_named_is_not_looked_for() -> None:
    given = columns(review=LONG, sentiment=NAMES, stars=STARS)
    assert found_columns(*given, label="stars").texts == ("review",)
    assert found_columns(*given, text="review", label=None).labels == ("sentiment", "stars")
    assert found_columns(*columns(a=LONG, b=SHORT, c=STARS), text="b").labels == ("c",)

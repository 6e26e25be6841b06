"""Data of data=cls_books that cannot be read."""

from __future__ import annotations

from pathlib import Path

from tests.integration.door import Case

BOOKS = "data=cls_books data.path=books_"
CASES = [
    Case("data=cls_books", ("data.path",)),
    Case(f"{BOOKS}nowhere", ("books_nowhere",)),
    Case(f"{BOOKS}lengths", ("train.label",)),
    Case(f"{BOOKS}labels", ("valid.label", "0", "1")),
    Case(f"{BOOKS}missing", ("test.review",)),
    Case(f"{BOOKS}good", ("tokenizer",)),
    Case(f"{BOOKS}good data.pool=maybe", ("data.pool=maybe", "true or false")),
    Case(f"{BOOKS}good data.split_seed=-1", ("data.split_seed=-1", "at least 0")),
]
REVIEWS = {"train": ("bien\nmal\n", "1\n0\n"), "valid": ("bon\nnul\n", "1\n0\n"), "test": ("beau\nlaid\n", "1\n0\n")}


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with books_."""
    for name in ("lengths", "labels", "missing", "good"):
        place = directory / f"books_{name}"
        place.mkdir()
        for split, (reviews, labels) in REVIEWS.items():
            (place / f"{split}.review").write_text(reviews)
            (place / f"{split}.label").write_text(labels)
    (directory / "books_lengths" / "train.label").write_text("1\n")
    (directory / "books_labels" / "valid.label").write_text("1\n2\n")
    (directory / "books_missing" / "test.review").unlink()

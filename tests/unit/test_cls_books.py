from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.data import DataSource
from sweeper.data.cls_books import ClsBooks
from sweeper.errors import WrongInput
from sweeper.trial.trial import result_settings
from tests.refusals import refusal_of

SHARED = Path(os.environ.get("SWEEPER_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
needs_reviews = pytest.mark.skipif(
    not (SHARED / "cls_books_fr").is_dir(), reason="no cls_books_fr under SWEEPER_TEST_DATA (../shared/data)"
)
SIZES = {"train": 16, "valid": 4, "test": 6}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for split, size in SIZES.items():
        reviews = [f"critique {split} {number}" for number in range(size)]
        labels = ["0"] * (size // 2) + ["1"] * (size // 2)
        (tmp_path / f"{split}.review").write_text("\n".join(reviews) + "\n", encoding="utf-8")
        (tmp_path / f"{split}.label").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return tmp_path


def test_reads_files_in_order(directory: Path) -> None:
    source: DataSource = ClsBooks(path=str(directory))
    source.check()
    splits = source.splits()
    assert {split: len(examples) for split, examples in splits.items()} == SIZES
    assert splits["valid"].texts == tuple(f"critique valid {number}" for number in range(4))
    assert splits["valid"].labels == (0, 0, 1, 1)


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1e", "\r "])
def test_lines_end_at_line_feeds_only(directory: Path, inside: str) -> None:
    text = f"Un livre{inside}magnifique"
    (directory / "valid.review").write_bytes(f"{text}\nb\nc\nd\n".encode())
    assert ClsBooks(path=str(directory)).splits()["valid"].texts == (text, "b", "c", "d")


def test_windows_line_ends_and_missing_last_line_feed(directory: Path) -> None:
    (directory / "valid.review").write_bytes("\ufeffété\r\nb\r\nc\r\nd".encode())
    (directory / "valid.label").write_bytes(b"0\r\n1\r\n0\r\n1")
    valid = ClsBooks(path=str(directory)).splits()["valid"]
    assert (valid.texts, valid.labels) == (("été", "b", "c", "d"), (0, 1, 0, 1))


@pytest.mark.parametrize(
    ("file", "content", "culprit"),
    [
        ("test.review", None, "test.review"),
        ("train.label", b"", "train.label is empty"),
        ("valid.review", b"a\n\nc\nd\n", "valid.review, line 2 is empty"),
        ("valid.review", b"a\nb\nc\n \n", "valid.review, line 4 is empty"),
        ("valid.review", b"a\nb\n", "valid.review has 2 lines, valid.label 4"),
        ("valid.review", b"a\nb\ncaf\xe9 noir\nd\n", "valid.review, line 3 is not UTF-8"),
        ("valid.label", b"0\n1\n2\n1\n", "valid.label, line 3 is '2'"),
        ("valid.label", b"0\npositive\n1\n1\n", "valid.label, line 2 is 'positive'"),
        ("valid.label", b"0\n1\n1\n", "valid.review has 4 lines, valid.label 3"),
    ],
)
def test_wrong_files_are_named(directory: Path, file: str, content: bytes | None, culprit: str) -> None:
    if content is None:
        (directory / file).unlink()
    else:
        (directory / file).write_bytes(content)
    assert culprit in refusal_of(ClsBooks(path=str(directory)).check)


def test_wrong_settings_are_named(directory: Path) -> None:
    good = ClsBooks(path=str(directory), pool=True, validation_size=18)
    good.check()
    wrong = {
        "data.path is missing": replace(good, path=None),
        "nowhere is not a directory": replace(good, path=str(directory / "nowhere")),
        "data.validation_size=20 leaves": replace(good, validation_size=20),
        "data.validation_size=18 ": replace(good, pool=False),
        "data.split_seed=1 need": replace(good, pool=False, validation_size=None, split_seed=1),
    }
    for culprit, source in wrong.items():
        assert culprit in refusal_of(source.check)


def test_splits_that_nothing_can_be_compared_by_are_refused(directory: Path) -> None:
    reviews, labels = (directory / f"train.{kind}" for kind in ("review", "label"))
    (directory / "test.review").write_text(reviews.read_text()[: reviews.read_text().index("train 6")] + "train 6\n")
    (directory / "test.label").write_text("0\n1\n" * 3 + "0\n")
    with pytest.raises(WrongInput, match=r"data\.path=.*: every text of test is in train or valid too"):
        ClsBooks(path=str(directory)).check()
    labels.write_text("1\n" * 16)
    with pytest.raises(WrongInput, match="train has one class, 'positive'"):
        ClsBooks(path=str(directory)).check()


def test_notes_say_how_validation_was_made(directory: Path) -> None:
    source = ClsBooks(path=str(directory), pool=True, split_seed=3)
    assert replace(source, pool=False, split_seed=0).notes() == ()
    assert source.notes() == (
        "validation: as many examples as before of train and valid pooled, stratified, split_seed 3",
    )
    assert "validation: 6 examples of" in replace(source, validation_size=6).notes()[0]


def test_pooling_divides_anew_and_leaves_test_alone(directory: Path) -> None:
    plain = ClsBooks(path=str(directory)).splits()
    pooled = ClsBooks(path=str(directory), pool=True, validation_size=6).splits()
    assert pooled["test"] == plain["test"]
    assert Counter(pooled["valid"].labels) == {0: 3, 1: 3}
    together = {split: plain[split].texts for split in plain}
    assert sorted(pooled["train"].texts + pooled["valid"].texts) == sorted(together["train"] + together["valid"])
    label_of = dict(zip(together["train"], plain["train"].labels, strict=True))
    label_of |= dict(zip(together["valid"], plain["valid"].labels, strict=True))
    for split in ("train", "valid"):
        assert pooled[split].labels == tuple(label_of[text] for text in pooled[split].texts)
    assert len(ClsBooks(path=str(directory), pool=True).splits()["valid"]) == SIZES["valid"]


def test_unlabelled_holds_no_held_out_text(directory: Path) -> None:
    content = "\n".join(["critique test 3", "critique valid 0", *(f"seule {n}" for n in range(14))])
    (directory / "train.review").write_text(content, encoding="utf-8")
    assert ClsBooks(path=str(directory)).unlabelled() == [f"seule {n}" for n in range(14)]
    pooled = ClsBooks(path=str(directory), pool=True, validation_size=4)
    assert not set(pooled.unlabelled()) & {*pooled.splits()["valid"].texts, *pooled.splits()["test"].texts}


def test_digest_follows_content_not_path(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    source = ClsBooks(path=str(directory))
    before = source.digest()
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    directory.rename(copy)
    moved = ClsBooks(path=str(copy))
    assert moved.digest() == before
    assert replace(moved, limit=2).digest() == before
    # Tokenizers and weights are made of the training texts, and known by the digest.
    assert replace(moved, pool=True, split_seed=5).digest() != replace(moved, pool=True).digest()
    assert "path" not in result_settings(moved) and "split_seed" in result_settings(moved)
    (copy / "test.label").write_text("1\n0\n0\n1\n1\n1\n", encoding="utf-8")
    assert moved.digest() != before


def test_tokenizer_beside_the_reviews(directory: Path) -> None:
    source = ClsBooks(path=str(directory))
    assert source.tokenizer_path() is None
    (directory / "sentencepiece.french.model").touch()
    assert source.tokenizer_path() == directory / "sentencepiece.french.model"
    (directory / "tokenizer.json").touch()
    assert source.tokenizer_path() is None


@needs_reviews
def test_published_split_sizes() -> None:
    source = ClsBooks(path=str(SHARED / "cls_books_fr"), pool=True, validation_size=200)
    source.check()
    splits = source.splits()
    assert {split: Counter(examples.labels) for split, examples in splits.items()} == {
        "train": {0: 900, 1: 900},
        "valid": {0: 100, 1: 100},
        "test": {0: 1000, 1: 1000},
    }
    tokenizer = source.tokenizer_path()
    assert tokenizer is not None and tokenizer.name == "sentencepiece.french.model"


@needs_reviews
def test_reviews_are_the_bytes_of_the_files() -> None:
    directory = SHARED / "cls_books_fr"
    splits = ClsBooks(path=str(directory)).splits()
    for split, examples in splits.items():
        assert "".join(f"{text}\n" for text in examples.texts).encode() == (directory / f"{split}.review").read_bytes()
    expected = {split: [examples.texts, examples.labels] for split, examples in splits.items()}
    canonical = json.dumps(expected, sort_keys=True, ensure_ascii=False).encode()
    assert ClsBooks(path=str(directory)).digest() == hashlib.sha256(canonical).hexdigest()

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.data import DataSettings, Examples
from sweeper.data.cls_books import ClsBooks
from sweeper.data.demo import Demo
from sweeper.data.facts import FILE, DataFacts, SplitFacts, data_facts, save_facts
from sweeper.data.files import Files
from sweeper.records.files import read_json
from tests.labelled_files import TokenizedFacts, load_facts

SHARED = Path(os.environ.get("SWEEPER_TEST_DATA", Path(__file__).parents[2] / "../shared/data"))
needs_reviews = pytest.mark.skipif(
    not (SHARED / "cls_books_fr").is_dir(), reason="no cls_books_fr under SWEEPER_TEST_DATA (../shared/data)"
)


def write(directory: Path, split: str, *rows: tuple[str, str, str]) -> None:
    lines = [json.dumps(dict(zip(("a", "b", "label"), row, strict=True))) for row in rows]
    (directory / f"{split}.jsonl").write_text("\n".join(lines))


@pytest.fixture
def repeating(tmp_path: Path) -> Path:
    write(tmp_path, "train", ("un", "x", "pos"), ("un", "y", "neg"), ("deux", "x", "pos"), ("trois", "x", "pos"))
    write(tmp_path, "valid", ("un", "x", "pos"), ("un", "x", "neg"), ("quatre", "x", "pos"))
    write(tmp_path, "test", ("quatre", "x", "pos"), ("deux", "x", "neg"), ("deux", "z", "neg"), ("Deux", "x", "neg"))
    return tmp_path


def test_classes_and_repeated_texts_are_counted(repeating: Path) -> None:
    facts = data_facts(Files(path=str(repeating), text="a"))
    assert facts == DataFacts(
        label_names=("neg", "pos"),
        class_counts={"train": (1, 3), "valid": (1, 2), "test": (3, 1)},
        leaked={"valid": 2, "test": 3},
        notes=(),
    )
    assert facts.unbalanced


def test_a_pair_is_repeated_when_both_texts_are(repeating: Path) -> None:
    assert data_facts(Files(path=str(repeating), text=["a", "b"])).leaked == {"valid": 2, "test": 2}


def test_facts_are_those_of_the_limited_set(repeating: Path) -> None:
    facts = data_facts(Files(path=str(repeating), text="a", limit=2))
    # un pos, un neg | un pos, un neg | quatre pos, deux neg
    assert facts.class_counts == {"train": (1, 1), "valid": (1, 1), "test": (1, 1)}
    assert facts.leaked == {"valid": 2, "test": 0} and not facts.unbalanced


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    data = DataFacts(("négatif", "2"), {"train": (3, 4)}, {"valid": 1, "test": 0}, ("validation: 10 % of train",))
    facts = TokenizedFacts(data, {"train": SplitFacts(7, 1, 70, 0.25)})
    save_facts(tmp_path, data, facts.splits)
    assert load_facts(tmp_path) == facts
    assert read_json(tmp_path / FILE) == {
        "data": {
            "label_names": ["négatif", "2"],
            "class_counts": {"train": [3, 4]},
            "leaked": {"valid": 1, "test": 0},
            "notes": ["validation: 10 % of train"],
        },
        "splits": {"train": {"examples": 7, "truncated": 1, "tokens": 70, "unknown_share": 0.25}},
    }


@dataclass(frozen=True)
class ThreeClasses(DataSettings):
    sizes: tuple[int, ...] = (10, 10, 10)

    def splits(self) -> dict[str, Examples]:
        labels = tuple(label for label, size in enumerate(self.sizes) for _ in range(size))
        return {split: Examples(tuple(map(str, range(len(labels)))), labels) for split in ("train", "valid", "test")}

    def label_names(self) -> tuple[str, ...]:
        return ("a", "b", "c")

    def notes(self) -> tuple[str, ...]:
        return ("made",)


@pytest.mark.parametrize(
    ("sizes", "expected"), [((10, 10, 10), False), ((10, 15, 12), False), ((10, 16, 12), True), ((10, 10, 0), True)]
)
def test_unbalanced(sizes: tuple[int, ...], expected: bool) -> None:
    facts = data_facts(ThreeClasses(sizes=sizes))  # type: ignore[arg-type]
    assert facts.unbalanced == expected and facts.class_counts["test"] == sizes and facts.notes == ("made",)


def test_the_demo_repeats_no_text() -> None:
    facts = data_facts(Demo())
    assert facts.leaked == {"valid": 0, "test": 0} and not facts.unbalanced
    assert facts.class_counts == {"train": (100, 100), "valid": (100, 100), "test": (500, 500)}


@needs_reviews
def test_published_reviews_repeat_some_texts() -> None:
    source = ClsBooks(path=str(SHARED / "cls_books_fr"))
    source.check()
    # As `grep -Fxc -f` of the files counts them; 54 test reviews are 51 different ones.
    assert data_facts(source).leaked == {"valid": 13, "test": 54}
    pooled = data_facts(ClsBooks(path=source.path, pool=True, validation_size=200))
    assert pooled.leaked["test"] == 54
    assert pooled.notes == ("validation: 200 examples of train and valid pooled, stratified, split_seed 0",)

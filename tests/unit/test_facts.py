"""What is counted of data, and what a plan says of it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from sweeper.data import Answered, DataSettings, Examples
from sweeper.data.cls_books import ClsBooks
from sweeper.data.demo import Demo
from sweeper.data.facts import FILE, DataFacts, SplitFacts, data_facts, save_facts
from sweeper.data.files import Files
from sweeper.driver.sweep import plan
from sweeper.frameworks import inputs
from sweeper.records.files import read_json
from sweeper.records.study import Study
from sweeper.report.data_text import plan_lines
from sweeper.report.terminal import terminal
from sweeper.trial.trial import Trial
from tests.labelled_files import TokenizedFacts, load_facts
from tests.records import trial, write
from tests.unit.test_cls_books import SHARED, needs_reviews

UNBALANCED = "data=demo: 8 / 4 / 4 texts (train / validation / test); unbalanced: "


def write_rows(directory: Path, split: str, *rows: tuple[str, str, str]) -> None:
    lines = [json.dumps(dict(zip(("a", "b", "label"), row, strict=True))) for row in rows]
    (directory / f"{split}.jsonl").write_text("\n".join(lines))


@pytest.fixture
def repeating(tmp_path: Path) -> Path:
    write_rows(tmp_path, "train", ("un", "x", "pos"), ("un", "y", "neg"), ("deux", "x", "pos"), ("trois", "x", "pos"))
    write_rows(tmp_path, "valid", ("un", "x", "pos"), ("un", "x", "neg"), ("quatre", "x", "pos"))
    write_rows(
        tmp_path, "test", ("quatre", "x", "pos"), ("deux", "x", "neg"), ("deux", "z", "neg"), ("Deux", "x", "neg")
    )
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
    # un pos, un neg | un pos, un neg | deux neg, deux neg
    assert facts.class_counts == {"train": (1, 1), "valid": (1, 1), "test": (2, 0)}
    assert facts.leaked == {"valid": 2, "test": 0} and facts.unbalanced
    assert facts.notes == (
        "data.limit=2: train 2 of 4, validation 2 of 3, test 2 of 4 examples, classes in proportion",
        "after limits test has no example of 1 of 2 classes: 'pos' (1 in train)",
    )


def test_a_limit_of_train_leaves_the_others_whole(repeating: Path) -> None:
    facts = data_facts(Files(path=str(repeating), text="a", train_limit=3))
    assert facts.class_counts == {"train": (1, 2), "valid": (1, 2), "test": (3, 1)}
    assert facts.notes == ("data.train_limit=3: train 3 of 4 examples, classes in proportion",)
    both = data_facts(Files(path=str(repeating), text="a", limit=3, train_limit=2))
    assert both.class_counts == {"train": (1, 1), "valid": (1, 2), "test": (2, 1)}
    assert both.notes == (
        "data.train_limit=2: train 2 of 4 examples, classes in proportion",
        "data.limit=3: test 3 of 4 examples, classes in proportion",
    )


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


@dataclass(frozen=True)
class Reviews(DataSettings):
    """Three quarters of the training texts are good; one test text is a training text."""

    names: tuple[str, ...] = ("bad", "good")

    def label_names(self) -> tuple[str, ...]:
        return self.names

    def splits(self) -> dict[str, Examples]:
        return {
            "train": Examples(tuple("abcdefgh"), (0, 0, 1, 1, 1, 1, 1, 1)),
            "valid": Examples(tuple("ijkl"), (0, 0, 1, 1)),
            "test": Examples(tuple("amno"), (0, 0, 1, 1)),
        }

    def notes(self) -> tuple[str, ...]:
        return ("validation: the last third of train",)


def told(study: Path, *trials: Trial, console: Console | None = None) -> list[str]:
    """The lines of a plan after the first."""
    console = console or terminal(io.StringIO())
    plan(Study("study", study, None, {}), trials, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()[1:]


def of(data: DataSettings, name: str = "demo", seed: int = 1, cache: Path = Path("cache")) -> Trial:
    return replace(trial(seed=seed, data=name), data=data, cache=cache)


def test_sizes_classes_notes_and_leaks(tmp_path: Path) -> None:
    assert told(tmp_path / "study", of(Reviews(), cache=tmp_path), of(Reviews(), seed=2, cache=tmp_path)) == [
        UNBALANCED + "train bad 25 %, good 75 %; validation bad 50 %, good 50 %; test bad 50 %, good 50 %",
        "  validation: the last third of train",
        "  1 of 4 test texts also stands in train or validation",
    ]
    assert list(tmp_path.iterdir()) == []


def test_leaks_are_yellow(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, markup=False, highlight=False, color_system="standard")
    lines = told(tmp_path / "study", of(Reviews(), cache=tmp_path), console=console)
    assert [line for line in lines if "\x1b[33m" in line] == [
        "\x1b[33m  1 of 4 test texts also stands in train or validation\x1b[0m"
    ]


def test_the_facts_are_those_of_the_limited_data(tmp_path: Path) -> None:
    line = told(tmp_path / "study", of(Reviews(limit=2), cache=tmp_path))[0]
    assert line == "data=demo: 2 / 2 / 2 texts (train / validation / test); bad 50 %, good 50 %"


def test_several_data_sets_have_a_line_each(tmp_path: Path) -> None:
    trials = [of(Reviews(limit=limit), name, cache=tmp_path) for name in ("books", "films") for limit in (2, 4)]
    lines = [line for line in told(tmp_path / "study", *trials) if line.startswith("data=")]
    assert [line.partition(" texts")[0] for line in lines] == [
        "data=books: 2 / 2 / 2", "data=books: 4 / 4 / 4", "data=films: 2 / 2 / 2", "data=films: 4 / 4 / 4",
    ]  # fmt: skip


def test_a_corpus_has_no_labels_to_speak_of(tmp_path: Path) -> None:
    assert told(tmp_path / "study", of(Reviews(names=()), cache=tmp_path)) == []


@dataclass(frozen=True)
class Questions(DataSettings):
    """Of the test questions one is a training question, answered otherwise."""

    task: ClassVar[str] = "qa"

    def splits(self) -> dict[str, Answered]:
        return {
            "train": Answered(tuple("abcd"), tuple("1234")),
            "valid": Answered(tuple("ef"), tuple("56")),
            "test": Answered(tuple("ag"), tuple("78")),
        }

    def notes(self) -> tuple[str, ...]:
        return ("test: 20 % of train",)


def test_questions_are_counted(tmp_path: Path) -> None:
    assert told(tmp_path / "study", of(Questions(), "faq", cache=tmp_path)) == [
        "data=faq: 4 / 2 / 2 questions (train / validation / test)",
        "  test: 20 % of train",
        "  1 of 2 test questions also stands in train or validation",
    ]


def test_nothing_is_said_of_what_is_done(tmp_path: Path) -> None:
    done, planned = of(Reviews(), cache=tmp_path), of(Reviews(limit=2), cache=tmp_path)
    write(tmp_path / "study", done, [0.5], [0.5])
    assert told(tmp_path / "study", done) == []
    assert len([line for line in told(tmp_path / "study", done, planned) if line.startswith("data=")]) == 1


def test_what_was_tokenized_is_not_counted_again(tmp_path: Path) -> None:
    made = of(Reviews(), cache=tmp_path)
    directory = inputs.tokenized_directory(made)
    directory.mkdir(parents=True)
    counts = {"train": [5, 5], "valid": [5, 5], "test": [5, 5]}
    known = {"label_names": ["bad", "good"], "class_counts": counts, "leaked": {"valid": 0, "test": 0}, "notes": []}
    (directory / "facts.json").write_text(json.dumps({"data": known, "splits": {}}))
    assert told(tmp_path / "study", made) == [
        "data=demo: 10 / 10 / 10 texts (train / validation / test); bad 50 %, good 50 %"
    ]


@pytest.mark.parametrize(
    ("sizes", "text"),
    [((99, 1), "bad 99 %, good 1 %"), ((996, 4), "bad 100 %, good 0.4 %"), ((5, 0), "bad 100 %, good 0 %")],
)
def test_small_classes_are_not_rounded_away(sizes: tuple[int, int], text: str) -> None:
    facts = DataFacts(("bad", "good"), dict.fromkeys(("train", "valid", "test"), sizes), {}, ())
    assert plan_lines("x", facts)[0].endswith(f"; unbalanced: {text}")


def test_of_many_classes_the_smallest_and_the_largest() -> None:
    names = tuple(f"topic {number}" for number in range(20))
    even, uneven = (10,) * 20, (*(10,) * 18, 5, 15)
    for counts, text in (
        ({"train": even, "valid": even, "test": even}, "; 20 classes, 5 % each"),
        (
            {"train": uneven, "valid": even},
            "; unbalanced: 20 classes, train from 2 % (topic 18) to 8 % (topic 19); validation 5 % each",
        ),
    ):
        assert plan_lines("x", DataFacts(names, counts, {}, ()))[0].endswith(text)

"""data.cluster: which examples belong together, in every kind of table, kept with predictions, and no part of an id."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sweeper.analysis.factors import trial_settings
from sweeper.data import Answered, Examples
from sweeper.data.clusters import cluster_note
from sweeper.data.files import Files
from sweeper.data.limits import limited
from sweeper.data.missing import MARKS, Missing
from sweeper.data.questions import QuestionFiles
from sweeper.driver.clusters_text import check_one_column, print_clusters
from sweeper.errors import WrongInput
from sweeper.frameworks.clustered import add_clusters
from sweeper.frameworks.examples import KnownExamples, known_examples
from sweeper.frameworks.predictions import predictions
from sweeper.records.predictions import Predictions, read_predictions, write_predictions
from sweeper.records.record import Record
from sweeper.records.study import Study
from sweeper.trial.outcome import Best, Outcome, Status
from sweeper.trial.trial import CLUSTERS, Trial
from tests.composed import fitted_trial, trial
from tests.labelled_files import Columns, cycle, labelled, refusal, write
from tests.refusals import refusal_of

SPLITS = {"train": 8, "valid": 4, "test": 6}
AUTHORS = ["Colette", "George Sand", "10"]
TRAINED = ("tokenizer.kind=unigram", "tokenizer.vocabulary_size=60")


def by_authors(split: str, size: int, authors: Sequence[Any] = AUTHORS) -> Columns:
    return {"author": cycle(authors, size), **labelled(split, size)}


def of_authors(*authors: Any) -> Callable[[str, int], Columns]:
    return lambda split, size: by_authors(split, size, authors)


def as_array(file: Path, columns: Columns) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    file.write_text(json.dumps(rows))


def zipped(file: Path, columns: Columns) -> None:
    write(file.with_suffix(""), columns)
    file.write_bytes(gzip.compress(file.with_suffix("").read_bytes()))
    file.with_suffix("").unlink()


def semicolons(file: Path, columns: Columns) -> None:
    write(file, columns)
    file.write_text(file.read_text().replace(",", ";"))


DIALECTS: dict[str, Callable[[Path, Columns], None]] = {
    ".csv": write,
    ".tsv": write,
    ".jsonl": write,
    ".parquet": write,
    ".json": as_array,
    ".csv.gz": zipped,
    "; .csv": semicolons,
}


def in_files(directory: Path, columns: Callable[[str, int], Columns] = by_authors, dialect: str = ".jsonl") -> Path:
    directory.mkdir(exist_ok=True)
    for split, size in SPLITS.items():
        DIALECTS[dialect](directory / f"{split}{dialect.split()[-1]}", columns(split, size))
    return directory


def key(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:16], 16)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_kind_of_table_says_the_same(dialect: str, tmp_path: Path) -> None:
    place = str(in_files(tmp_path / "d", dialect=dialect))
    source, without = Files(path=place, cluster="author"), Files(path=place)
    splits = source.splits()
    assert splits["test"].clusters == tuple(AUTHORS * 2) and splits["valid"].clusters == (*AUTHORS, "Colette")
    assert splits["train"].clusters == ()
    assert source.digest() == without.digest() and without.splits()["test"].clusters == ()
    expected = Files(path=str(in_files(tmp_path / "e")), cluster="author")
    assert source.cluster_digest() == expected.cluster_digest() != without.cluster_digest() == ""
    assert source.notes() == without.notes(), "they lie with what is tokenized, which does not depend on it"


def test_numbers_are_one_name_however_they_are_written(tmp_path: Path) -> None:
    written: dict[str, list[Any]] = {
        ".csv": ["1.0", " 2", "true"],
        ".jsonl": ["1", 2.0, True],
        ".parquet": ["1", "2", "true"],
    }
    found = set()
    for dialect, authors in written.items():
        place = in_files(tmp_path / dialect, of_authors(*authors), dialect)
        found.add(Files(path=str(place), cluster="author").splits()["test"].clusters)
    assert found == {("1", "2", "true") * 2}


def test_a_column_of_classes_in_parquet_has_their_names(tmp_path: Path) -> None:
    """And those of the labels stay theirs, whichever column stands first."""
    datasets = pytest.importorskip("datasets")
    for split, size in SPLITS.items():
        columns = {**by_authors(split, size, [1, 0]), "label": cycle([0, 1], size)}
        kinds = {"author": datasets.ClassLabel(names=["Sand", "Colette"]), "text": datasets.Value("string")}
        features = datasets.Features(kinds | {"label": datasets.ClassLabel(names=["pos", "neg"])})
        datasets.Dataset.from_dict(columns, features=features).to_parquet(tmp_path / f"{split}.parquet")
    source = Files(path=str(tmp_path), cluster="author")
    assert source.label_names() == ("pos", "neg") == Files(path=str(tmp_path)).label_names()
    assert source.splits()["test"].clusters[:2] == ("Colette", "Sand")


def test_splits_that_are_made_and_limits_take_them_along(tmp_path: Path) -> None:
    columns = by_authors("all", 60)
    write(tmp_path / "all.csv", columns)
    of_text = dict(zip(columns["text"], map(str, columns["author"]), strict=True))
    source = Files(path=str(tmp_path / "all.csv"), cluster="author", limit=5)
    for split in ("valid", "test"):
        for rows in (source.splits()[split], limited(source, source.splits())[split]):
            assert isinstance(rows, Examples)
            assert rows.clusters == tuple(of_text[text] for text in rows.texts)
    assert (
        cluster_note(source)
        == "data.cluster=author: validation has 3 clusters of 5 texts, test has 3 clusters of 5 texts"
    )


def test_rows_that_are_left_out_need_none(tmp_path: Path) -> None:
    place = in_files(tmp_path / "d")
    lines = (place / "test.jsonl").read_text().splitlines()
    lines[1] = json.dumps({"text": "sans auteur", "label": None, "author": None})
    (place / "test.jsonl").write_text("\n".join(lines))
    source = Files(path=str(place), cluster="author", missing=Missing.drop)
    assert source.splits()["test"].clusters == ("Colette", "10", "Colette", "George Sand", "10")


def test_train_needs_none_where_the_others_are_there(tmp_path: Path) -> None:
    both, one = in_files(tmp_path / "both"), in_files(tmp_path / "one")
    for place in (both, one):
        write(place / "train.jsonl", labelled("train", 8))
    assert Files(path=str(both), cluster="author").splits()["test"].clusters == tuple(AUTHORS * 2)
    (one / "valid.jsonl").unlink()
    said = "data.cluster=author: train.jsonl has no such column\ncolumns there: text, label\n"
    assert refusal(Files(path=str(one), cluster="author")).startswith(said)


def test_a_test_set_without_labels_needs_none(tmp_path: Path) -> None:
    """It is made from train, and so are its clusters."""
    place = in_files(tmp_path / "d", lambda split, size: by_authors(split, size * 5))
    write(place / "test.jsonl", {"text": ["un", "deux"]})
    source = Files(path=str(place), cluster="author")
    assert {*source.splits()["test"].clusters} <= {*AUTHORS} and len(source.splits()["test"].clusters) == 8


def test_questions_have_them_too(tmp_path: Path) -> None:
    def asked(split: str, size: int) -> Columns:
        columns = by_authors(split, size)
        return {"question": columns["text"], "answer": columns["label"], "page": columns["author"]}

    source = QuestionFiles(path=str(in_files(tmp_path / "d", asked)), cluster="page", limit=5)
    rows = limited(source, source.splits())["test"]
    assert isinstance(rows, Answered) and rows.clusters == ("Colette", "George Sand", "10", "Colette", "George Sand")
    assert cluster_note(source).endswith("test has 3 clusters of 5 questions")
    assert source.digest() == replace(source, cluster=None).digest()


def with_cell(directory: Path, value: Any) -> Files:
    """Files of which two authors in test are another value."""
    place = in_files(directory / "d")
    lines = [json.loads(line) for line in (place / "test.jsonl").read_text().splitlines()]
    for number in (1, 4):
        lines[number]["author"] = value
    (place / "test.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return Files(path=str(place), cluster="author")


CELLS: list[tuple[Any, str]] = [(None, "missing"), ("", "missing"), (" ", "missing"), (float("nan"), "missing")]
CELLS += [(mark, f"{mark}, which names nothing") for mark in MARKS] + [(["a"], "['a'], which is no name")]


@pytest.mark.parametrize(("value", "said"), CELLS, ids=str)
def test_what_is_missing_is_refused_with_its_rows(value: Any, said: str, tmp_path: Path) -> None:
    for missing in Missing:
        told = refusal(replace(with_cell(tmp_path, value), missing=missing))
        assert told.startswith(f"test.jsonl, lines 2, 5: author is {said}; 2 in all\n")
        assert "needed for data.cluster=author" in told


COLUMNS = [
    ({"cluster": "text"}, "data.cluster=text is the column of data.text=text"),
    ({"cluster": "label"}, "data.cluster=label is the column of data.label=label"),
    ({"cluster": "text", "text": ["a", "text"]}, "data.cluster=text is the column of data.text=[a,text]"),
    ({"cluster": True}, "data.cluster=True is no column's name"),
    ({"cluster": ["a", "b"]}, "data.cluster=['a', 'b'] is no column's name"),
    ({"cluster": ""}, "data.cluster= is no column's name"),
]


@pytest.mark.parametrize(("given", "said"), COLUMNS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_column_that_cannot_be_one_is_refused(given: dict[str, Any], said: str) -> None:
    assert refusal_of(partial(Files, path="reviews.csv", **given)).startswith(said)


def test_a_question_s_columns_are_refused() -> None:
    for column in ("question", "answer"):
        said = refusal_of(partial(QuestionFiles, path="a.csv", cluster=column))
        assert said.startswith(f"data.cluster={column} is the column of data.{column}={column}")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_column_that_is_not_there_is_refused_with_the_nearest(dialect: str, tmp_path: Path) -> None:
    said = refusal(Files(path=str(in_files(tmp_path / "d", dialect=dialect)), cluster="authors"))
    assert said.startswith("data.cluster=authors: ") and "no such column; did you mean author?" in said
    assert "columns there: author, text, label\nset data.cluster=COLUMN" in said


def test_a_directory_for_each_class_has_none(tmp_path: Path) -> None:
    for split, size in SPLITS.items():
        for number in range(size):
            file = tmp_path / split / ("pos" if number % 2 else "neg") / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{split} {number}")
    said = refusal(Files(path=str(tmp_path), cluster="text_id"))
    assert said.startswith(
        "data.cluster=text_id: valid is a directory for each class and has no columns\nneeded: a table"
    )


# ---- trials


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return in_files(tmp_path / "reviews")


def of(place: Path, *overrides: str) -> Trial:
    given = (f"outputs={place.parent}/outputs", "model=rd", "data=files", f"data.path={place}", *TRAINED)
    return trial(*given, *overrides)


def clusters(known: KnownExamples) -> list[int]:
    assert known.cluster is not None
    return [*map(int, known.cluster)]


@pytest.mark.usefixtures("composing")
def test_no_id_depends_on_them(reviews: Path) -> None:
    plain, asked = of(reviews), of(reviews, "data.cluster=author")
    assert plain.id == asked.id and CLUSTERS in asked.digests and CLUSTERS not in plain.digests
    settings = [trial_settings(item["choices"], item["config"]) for item in (plain.description(), asked.description())]
    assert settings[0] == settings[1], "seeds with and without are one group"
    assert asked.description()["config"]["data"]["cluster"] == "author"


@pytest.mark.usefixtures("composing")
def test_columns_are_found_beside_it(reviews: Path) -> None:
    columns = {"wrote": cycle(["a", "b", "c"], 40), "review": labelled("all", 40)["text"], "opinion": cycle("xy", 40)}
    write(reviews / "all.csv", columns)
    given = ("model=rd", "data=files", f"data.path={reviews}/all.csv")
    with pytest.raises(WrongInput, match="which column holds the classes is not clear"):
        fitted_trial(*given)
    found, _ = fitted_trial(*given, "data.cluster=wrote")
    assert (found.data.text, found.data.label, found.data.cluster) == ("review", "opinion", "wrote")


@pytest.mark.usefixtures("composing")
def test_known_examples_have_the_key_of_each_cell(reviews: Path) -> None:
    asked = of(reviews, "data.cluster=author")
    known = known_examples(asked)
    assert clusters(known["test"]) == [key(name) for name in AUTHORS * 2]
    assert known["test"].cluster is not None and known["test"].cluster.dtype == np.uint64
    plain = known_examples(of(reviews))
    assert plain["test"].cluster is None
    assert (plain["test"].example == known["test"].example).all()
    kept = predictions(known, 1, 2, {split: np.zeros((len(known[split]), 2)) for split in known})
    write_predictions(reviews / "predictions.npz", kept)
    found = read_predictions(reviews / "predictions.npz").splits
    for split in known:
        assert np.array_equal(np.asarray(found[split].cluster), np.asarray(known[split].cluster))
    with np.load(reviews / "predictions.npz", allow_pickle=False) as arrays:
        assert arrays["test_cluster"].tolist() == [key(name) for name in AUTHORS * 2]
        assert arrays["test_cluster"].dtype == np.uint64


@pytest.mark.usefixtures("composing")
def test_a_column_that_is_edited_is_read_anew_and_is_the_same_trial(reviews: Path) -> None:
    before = of(reviews, "data.cluster=author")
    known_examples(before)
    other = in_files(reviews.parent / "other", of_authors("x", "y"))
    after = of(other, "data.cluster=author")
    assert after.id == before.id and after.digests[CLUSTERS] != before.digests[CLUSTERS]
    assert clusters(known_examples(after)["test"]) == [key(name) for name in ["x", "y"] * 3]
    changed = replace(before, data=after.data, cache=reviews.parent / "new")
    with pytest.raises(WrongInput, match="groups its examples otherwise"):
        known_examples(changed)


@pytest.mark.usefixtures("composing")
def test_in_another_order_each_example_belongs_to_the_same(reviews: Path) -> None:
    """Also of equal texts, which several wrote."""

    def rows(split: str, size: int) -> Columns:
        columns = by_authors(split, size)
        return {
            name: [*values, *(["a", "b", "b"] if name == "author" else [values[0]] * 3)]
            for name, values in columns.items()
        }

    def reverse(split: str, size: int) -> Columns:
        return {name: values[::-1] if split == "test" else values for name, values in rows(split, size).items()}

    found = []
    for name, columns in {"forward": rows, "backward": reverse}.items():
        known = known_examples(of(in_files(reviews.parent / name, columns), "data.cluster=author"))["test"]
        pairs = zip(known.example.tolist(), known.occurrence.tolist(), strict=True)
        found.append(dict(zip(pairs, clusters(known), strict=True)))
        assert len(found[-1]) == SPLITS["test"] + 3
    assert found[0] == found[1]


# ---- what a command says


def done(study: Study, of_study: Trial, asked: Trial | None) -> Record:
    """A done trial's record, with predictions that have the clusters of `asked`."""
    record = Record(study.directory / of_study.name)
    known = known_examples(asked or of_study)
    kept = predictions(known, 1, 1, {split: np.zeros((len(known[split]), 2)) for split in known})
    with record.writing() as writer:
        writer.describe(of_study.description(), {"time": 0.0})
        metrics = {f"{split}/accuracy": 0.5 for split in known}
        writer.finish(Outcome(Status.DONE, Best(1, 1, metrics), 1.0, 1, None, None))
    write_predictions(record.predictions, kept)
    return record


def printed(study: Study, *trials: Trial) -> list[str]:
    console = Console(file=io.StringIO(), width=400)
    print_clusters(study, trials, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.usefixtures("composing")
def test_how_many_there_are_is_said_and_which_done_trials_lack_them(reviews: Path) -> None:
    study = Study("s", reviews.parent / "outputs" / "s", None, {})
    plain, asked = of(reviews), of(reviews, "data.cluster=author")
    note = "data=files: data.cluster=author: validation has 3 clusters of 4 texts, test has 3 clusters of 6 texts"
    assert printed(study, plain) == []
    assert printed(study, asked) == [note]
    record = done(study, plain, None)
    assert printed(study, asked) == [
        note,
        "1 done trial keeps predictions without these clusters; this adds them:"
        f" python -m sweeper.predictions {study.directory} --cluster author",
    ]
    assert printed(replace(study, fresh=True), asked) == [note]
    before = read_predictions(record.predictions)
    assert add_clusters(plain, record, Best(1, 1, {}), "author") == ""
    assert printed(study, asked) == [note]
    after = read_predictions(record.predictions)
    check_only_clusters_changed(before, after)
    other = in_files(reviews.parent / "other", of_authors("x", "y"))
    assert len(printed(study, of(other, "data.cluster=author"))) == 2, "those of other authors"
    assert len(printed(replace(study, predictions=False), asked)) == 2


def check_only_clusters_changed(before: Predictions, after: Predictions) -> None:
    for split, predicted in after.splits.items():
        assert before.splits[split].cluster is None
        assert predicted.cluster is not None and predicted.cluster[:3].tolist() == [key(name) for name in AUTHORS]
        arrays, own = before.splits[split].arrays(), predicted.arrays()
        assert own.keys() - arrays.keys() == {"cluster"}
        assert all((own[name] == arrays[name]).all() for name in arrays)


@pytest.mark.usefixtures("composing")
def test_clusters_that_cannot_be_added_change_nothing(reviews: Path) -> None:
    study = Study("s", reviews.parent / "outputs" / "s", None, {})
    plain, best = of(reviews), Best(1, 1, {})
    record = done(study, plain, None)
    content = record.predictions.read_bytes()
    assert "has no such column; did you mean author?" in add_clusters(plain, record, best, "authors")
    assert add_clusters(plain, record, best, "text").startswith("data.cluster=text is the column of data.text=text")
    assert "is not what is on record" in add_clusters(plain, record, Best(2, 7, {}), "author")
    demo = trial("model=rd")
    assert add_clusters(demo, record, best, "author") == "data=demo has no columns to choose"
    for split in SPLITS:
        (reviews / f"{split}.jsonl").unlink()
    other = replace(plain, data=replace(plain.data, path=str(reviews)))
    assert "no file of training examples" in add_clusters(other, record, best, "other")
    assert record.predictions.read_bytes() == content


@pytest.mark.usefixtures("composing")
def test_one_trial_has_one_column(reviews: Path) -> None:
    plain, asked = of(reviews), of(reviews, "data.cluster=author")
    check_one_column([asked, asked, of(reviews, "seed=2")])
    assert refusal_of(check_one_column, [asked, plain]).startswith("data.cluster=author,null: it changes no training")

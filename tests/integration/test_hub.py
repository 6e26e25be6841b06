"""Data sets in the hub's layout, loaded by the library itself from directories: no network is needed."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
from pyarrow import parquet

from sweeper.data import DataSource, QuestionSource
from sweeper.data.files import Files
from sweeper.data.headers import example_in_header
from sweeper.data.heads import Head
from sweeper.data.hub import Hub
from sweeper.data.missing import Missing
from sweeper.data.questions import QuestionHub
from sweeper.errors import WrongInput

CARD = """---
configs:
- config_name: reviews
  data_files:
  - split: train
    path: train.parquet
  - split: validation
    path: dev.parquet
  - split: test
    path: test.parquet
- config_name: other
  data_files:
  - split: extra
    path: train.parquet
---
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("hub_cache"))


def write(directory: Path, name: str, labels: list[int | None], classes: list[str] | None = None) -> None:
    label = datasets.ClassLabel(names=classes) if classes else datasets.Value("int64")
    features = datasets.Features({"text": datasets.Value("string"), "other": datasets.Value("string"), "label": label})
    columns = {
        "text": [f"texte {name}\u2028{number}" for number in range(len(labels))],
        "other": ["même"] * len(labels),
        "label": labels,
    }
    datasets.Dataset.from_dict(columns, features=features).to_parquet(directory / f"{name}.parquet")


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    directory = tmp_path / "reviews"
    directory.mkdir()
    (directory / "README.md").write_text(CARD)
    classes = ["positive", "unused", "negative"]
    write(directory, "train", [0, 2, 2, 0], classes)
    write(directory, "dev", [2, 0], classes)
    write(directory, "test", [0, 0, 2], classes)
    return directory


def refusal(source: Hub) -> str:
    with pytest.raises(WrongInput) as raised:
        source.check()
    assert len(str(raised.value).splitlines()) <= 3
    return str(raised.value).replace(str(source.name), "DIR")


def test_splits_and_names_of_classes(reviews: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source: DataSource = Hub(name=str(reviews), config="reviews")
    source.check()
    assert source.label_names() == ("positive", "negative")  # in the declared order; train has no third
    splits = source.splits()
    assert splits["train"].texts[1] == "texte train\u20281" and splits["train"].labels == (0, 1, 1, 0)
    assert splits["valid"].labels == (1, 0) and splits["test"].labels == (0, 0, 1)
    assert source.notes() == ()
    assert capfd.readouterr() == ("", "")  # no progress bars
    assert datasets.are_progress_bars_disabled() is False
    pairs = Hub(name=str(reviews), config="reviews", text=["text", "other"]).splits()["test"]
    assert pairs.inputs[0] == ("texte test\u20280", "même")


def test_the_same_content_as_files_has_the_same_digest(tmp_path: Path) -> None:
    for name, labels in {"train": [10, 9, 10, 9], "validation": [9, 10], "test": [10, 9, 9]}.items():
        write(tmp_path, name, [*labels])
    source = Hub(name=str(tmp_path))
    assert source.label_names() == ("9", "10")
    assert source.digest() == Files(path=str(tmp_path)).digest()


@pytest.mark.parametrize("classes", [None, ["Sand", "Colette"]])
def test_clusters_are_those_of_files(classes: list[str] | None, tmp_path: Path) -> None:
    """Also where the library knows their names; those of the labels stay theirs."""
    author = datasets.ClassLabel(names=classes) if classes else datasets.Value("int64")
    label = datasets.ClassLabel(names=["pos", "neg"])
    features = datasets.Features({"author": author, "text": datasets.Value("string"), "label": label})
    for name, size in {"train": 8, "validation": 4, "test": 6}.items():
        numbers = [number % 2 for number in range(size)]
        columns = {"author": numbers[::-1], "text": [f"{name} {number}" for number in range(size)], "label": numbers}
        datasets.Dataset.from_dict(columns, features=features).to_parquet(tmp_path / f"{name}.parquet")
    hub, files = Hub(name=str(tmp_path), cluster="author"), Files(path=str(tmp_path), cluster="author")
    assert hub.label_names() == files.label_names() == ("pos", "neg")
    assert hub.splits() == files.splits() and hub.digest() == files.digest() == Hub(name=str(tmp_path)).digest()
    assert hub.cluster_digest() == files.cluster_digest()
    assert hub.splits()["test"].clusters == (*(classes or "01"),)[::-1] * 3
    assert "no such column; did you mean author?" in refusal(Hub(name=str(tmp_path), cluster="autor"))


@pytest.mark.parametrize("secret", [-1, None])
@pytest.mark.parametrize("classes", [["positive", "negative"], None])
def test_a_test_split_without_labels_is_replaced(secret: int | None, classes: list[str] | None, tmp_path: Path) -> None:
    write(tmp_path, "train", [0, 1] * 20, classes)
    write(tmp_path, "test", [secret] * 8, classes)
    source = Hub(name=str(tmp_path))
    splits = source.splits()
    assert {split: len(examples) for split, examples in splits.items()} == {"train": 28, "valid": 4, "test": 8}
    assert set(splits["test"].texts) < {f"texte train\u2028{number}" for number in range(40)}
    assert source.notes() == (
        "validation: 10 % of train, stratified, split_seed 0",
        "test: 20 % of train, stratified, split_seed 0; the data set's own has no labels",
    )


def test_a_class_that_is_called_minus_one(tmp_path: Path) -> None:
    write(tmp_path, "train", [1, -1] * 20)
    write(tmp_path, "test", [-1, -1])
    source = Hub(name=str(tmp_path))
    assert source.label_names() == ("-1", "1") and source.splits()["test"].labels == (0, 0)


def test_some_missing_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", [0, 1] * 20, ["positive", "negative"])
    write(tmp_path, "test", [0, -1, 1], ["positive", "negative"])
    assert refusal(Hub(name=str(tmp_path))).startswith("data.name=DIR, split test, row 2: label is missing")


def test_what_is_missing_is_the_same_in_files(tmp_path: Path) -> None:
    rows = "".join(f"texte {number},{['neg', 'pos', 'NA'][number % 3]}\n" for number in range(60))
    (tmp_path / "train.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    for source in (Hub(name=str(tmp_path)), Files(path=str(tmp_path))):
        with pytest.raises(WrongInput, match=r"(line|row)s .* and 15 more: label is .*; 20 in all\nneeded: "):
            source.check()
    dropped = Hub(name=str(tmp_path), missing=Missing.drop), Files(path=str(tmp_path), missing=Missing.drop)
    assert dropped[0].digest() == dropped[1].digest() and dropped[0].notes() == dropped[1].notes()


def test_splits_of_other_columns_are_for_files(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "texte,1\n" * 4, encoding="utf-8")
    (tmp_path / "test.csv").write_text("id,text\n1,texte\n", encoding="utf-8")
    assert refusal(Hub(name=str(tmp_path))).endswith("otherwise: data=files data.path=DIR")


def test_what_cannot_be_read_is_named(reviews: Path, tmp_path: Path) -> None:
    source = Hub(name=str(reviews), config="reviews", text="review")
    assert refusal(source).startswith(
        "data.text=review: data.name=DIR, split train has no such column\ncolumns there: text, other, label"
    )
    assert "other" in refusal(Hub(name=str(reviews), config="nothing"))
    assert refusal(Hub(name=str(reviews), config="other")).startswith(
        "data.name=DIR has no split train\nsplits there: extra"
    )
    (tmp_path / "empty").mkdir()
    assert refusal(Hub(name=str(tmp_path / "empty"))).startswith("data.name=DIR cannot be fetched: ")
    assert refusal(Hub(name=str(tmp_path / "nowhere"))).startswith("data.name=DIR is no directory")
    assert refusal(Hub()).startswith("data.name is missing")


def test_questions_with_answers(tmp_path: Path) -> None:
    def put(name: str, answers: list[str | None]) -> None:
        columns = {"question": [f"qui {name} {number} ?" for number in range(len(answers))], "answer": answers}
        datasets.Dataset.from_dict(columns).to_parquet(tmp_path / f"{name}.parquet")

    put("train", [f"moi {number}" for number in range(40)])
    put("validation", ["toi", "lui"])
    put("test", [None, None])
    source: QuestionSource = QuestionHub(name=str(tmp_path))
    source.check()
    splits = source.splits()
    assert {split: len(found) for split, found in splits.items()} == {"train": 32, "valid": 2, "test": 8}
    assert splits["valid"].answers == ("toi", "lui")
    assert source.notes() == ("test: 20 % of train, drawn at random, split_seed 0; the data set's own has no answers",)
    put("test", ["elle", ""])
    with pytest.raises(WrongInput, match="split test, row 2: answer is empty\nneeded: "):
        QuestionHub(name=str(tmp_path), revision="main").check()  # another revision is read anew
    with pytest.raises(WrongInput, match=r"is no directory\nfor files: data=qa_files data\.path=PATH"):
        QuestionHub(name=str(tmp_path / "nowhere")).check()


def test_no_network_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    said = refusal(Hub(name="nobody/nothing_at_all"))
    assert said.startswith("data.name=DIR cannot be fetched: ") and "where there is no network: data=files" in said


def test_tokenizer_in_the_directory(reviews: Path) -> None:
    source = Hub(name=str(reviews), config="reviews")
    assert source.tokenizer_path() is None
    (reviews / "tokenizer.json").touch()
    assert source.tokenizer_path() == reviews / "tokenizer.json"
    assert Hub(name="nobody/nothing_at_all").tokenizer_path() is None


def head_of(name: Path | str) -> Head:
    return Hub(name=str(name)).head()


def test_a_first_line_that_the_library_takes_for_names(tmp_path: Path) -> None:
    rows = [f"un film {number},{number % 2}" for number in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    head = head_of(tmp_path)
    assert head.without_header == f"data=files data.path={tmp_path} data.columns=[text,label]"
    assert example_in_header(head.header, head.rows) == "0"


def test_a_directory_that_is_called_by_a_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews.csv").write_text("text,label\n" + "".join(f"un film {n},{n % 2}\n" for n in range(40)))
    monkeypatch.chdir(tmp_path)
    assert head_of(".").header == ("text", "label")
    assert Hub(name=".").digest() == Files(path=".").digest()


@pytest.mark.parametrize("name", ["train.parquet", "train.json"])
def test_a_directory_that_nothing_reads_is_told_once(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text('{"a":')
    with pytest.raises(WrongInput) as refused:
        Hub(name=str(tmp_path)).check()
    said = str(refused.value).splitlines()
    assert len(said) == 3 and said[2].startswith("read as files: ") and "data=files" not in said[1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [-2, 3])
def test_a_number_without_a_class_is_refused(number: int, reviews: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.Value("int64")})
    columns = {"text": [str(n) for n in range(4)], "label": [0, 1, number, 0]}
    rows = datasets.Dataset.from_dict(columns, features=features).data.table
    kinds = {"text": {"_type": "Value", "dtype": "string"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    parquet.write_table(
        rows.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": kinds}})}),
        reviews / "train.parquet",
    )
    with pytest.raises(WrongInput):
        Hub(name=str(reviews), config="reviews").check()

"""What trials answered: the file, its keys, and what happens to files that are none."""

from __future__ import annotations

import hashlib
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeper.data.example_keys import example_key, key_text, occurrences
from sweeper.errors import WrongInput
from sweeper.records.predictions import (
    AnswerPredictions,
    ClassPredictions,
    Predicted,
    Predictions,
    SequencePredictions,
    read_predictions,
    rounded,
    write_predictions,
)

CLASSES = [1, 2, 16, 17, 150]
NAN_AT = 7


def log_softmax(scores: Any) -> Any:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def of_classes(classes: int, size: int = 300, seed: int = 0) -> ClassPredictions:
    """Predictions of examples, of which every other one has several classes that are as good as equal."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(size, classes)) * 3
    scores[::2] = 0.3 + draw.integers(0, 3, size=(size // 2, classes)) * 1e-9
    labels = draw.integers(0, classes, size)
    return ClassPredictions(*keys(size, draw), labels, log_softmax(scores))


def keys(size: int, draw: Any) -> tuple[Any, Any]:
    return draw.integers(0, 2**64 - 1, size, dtype=np.uint64), draw.integers(0, 3, size)


def of_questions(size: int = 50) -> AnswerPredictions:
    draw = np.random.default_rng(3)
    answers = ("", "un œuf\0", "日本", *("word " * draw.integers(0, 9) for _ in range(size - 3)))
    return AnswerPredictions(
        *keys(size, draw),
        loss=draw.gamma(2, 5, size),
        tokens=draw.integers(1, 9, size),
        label=draw.integers(0, 2**64 - 1, size, dtype=np.uint64),
        answer=answers,
        exact_match=draw.random(size) < 0.5,
        token_f1=draw.random(size),
    )


def of_sequences(size: int = 20) -> SequencePredictions:
    draw = np.random.default_rng(4)
    return SequencePredictions(*keys(size, draw), draw.gamma(2, 5, size), draw.integers(1, 99, size))


def in_clusters(predicted: Predicted) -> Predicted:
    keys = np.random.default_rng(5).integers(0, 2**64 - 1, 7, dtype=np.uint64)
    return replace(predicted, cluster=keys[np.arange(len(predicted)) % 7])


KINDS = {
    **{f"{classes} classes": of_classes(classes) for classes in CLASSES},
    "questions": of_questions(),
    "sequences": of_sequences(),
    "classes in clusters": in_clusters(of_classes(2)),
    "questions in clusters": in_clusters(of_questions()),
}


@pytest.fixture(params=KINDS)
def predicted(request: pytest.FixtureRequest) -> Predicted:
    return KINDS[request.param]


@pytest.fixture
def file(predicted: Predicted, tmp_path: Path) -> Path:
    path = tmp_path / "predictions.npz"
    write_predictions(path, Predictions(3, 75, {"valid": predicted, "test": predicted}))
    return path


def test_what_is_written_is_read(predicted: Predicted, file: Path) -> None:
    read = read_predictions(file)
    assert (read.epoch, read.step, list(read.splits)) == (3, 75, ["valid", "test"])
    for found in read.splits.values():
        assert type(found) is type(predicted) and len(found) == len(predicted)
        assert (found.example == predicted.example).all() and (found.occurrence == predicted.occurrence).all()
        assert (found.cluster is None) is (predicted.cluster is None)
        assert found.cluster is None or (found.cluster == predicted.cluster).all()
        assert found.scores().keys() == predicted.scores().keys()
        for name, values in predicted.scores().items():
            assert found.scores()[name] == pytest.approx(values, rel=2e-7, abs=2e-7), name
    assert list(read_predictions(file, ["test"]).splits) == ["test"]


@pytest.mark.parametrize("classes", CLASSES)
def test_rounding_changes_no_answer_and_no_loss(classes: int, tmp_path: Path) -> None:
    """Also where two classes are closer than float16 or float32 can tell."""
    made, path = of_classes(classes), tmp_path / "predictions.npz"
    write_predictions(path, Predictions(1, 1, {"test": made}))
    found = read_predictions(path).splits["test"]
    assert isinstance(found, ClassPredictions)
    assert (found.answer == made.log_probabilities.argmax(axis=1)).all()
    kept = np.load(path)["test_log_probabilities"]
    assert (kept.argmax(axis=1) == found.answer).all(), "whoever reads the file without this package sees the same"
    assert kept.dtype == (np.float32 if classes <= 16 else np.float16)
    assert found.scores()["accuracy"].mean() == np.mean(made.answer == made.label)
    row = np.arange(len(made))
    assert found.losses == pytest.approx(-made.log_probabilities[row, made.label], rel=2e-7, abs=2e-7)
    top = found.log_probabilities[row, found.answer]
    assert top == pytest.approx(made.log_probabilities.max(axis=1), rel=2e-7, abs=2e-7)
    assert found.log_probabilities == pytest.approx(made.log_probabilities, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_what_has_no_number_or_too_large_a_one_is_kept_as_near_as_can_be(kind: Any) -> None:
    rows = np.array([[np.nan, np.nan], [-1e300, 0.0], [0.0, -1e300], [-np.inf, 0.0]])
    found = rounded(rows, kind)
    assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()
    assert (found.argmax(axis=1) == rows.argmax(axis=1)).all()


def test_the_same_predictions_are_the_same_bytes(predicted: Predicted, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.npz"
    write_predictions(again, Predictions(3, 75, {"valid": predicted, "test": predicted}))
    assert again.read_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_2000_texts_of_two_classes_take_less_than_40_kb(tmp_path: Path) -> None:
    """Whatever they are: keys and scores that are drawn cannot be compressed."""
    path = tmp_path / "predictions.npz"
    write_predictions(path, Predictions(1, 1, {"test": of_classes(2, 2000)}))
    assert path.stat().st_size < 40_000


def test_a_file_that_is_cut_short_anywhere_is_refused_by_its_name(file: Path) -> None:
    content = file.read_bytes()
    for size in [0, 1, *random.Random(0).sample(range(len(content)), 40), len(content) - 1]:
        file.write_bytes(content[:size])
        with pytest.raises(WrongInput) as refusal:
            read_predictions(file)
        lines = str(refusal.value).splitlines()
        assert len(lines) <= 3 and lines[0].startswith(f"{file} is not a trial's predictions: ")


def test_a_file_with_a_wrong_byte_is_refused_or_reads_the_same(predicted: Predicted, file: Path) -> None:
    content, draw = file.read_bytes(), random.Random(1)
    expected = read_predictions(file).splits["test"].arrays()
    for place in draw.sample(range(len(content)), 60):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            found = read_predictions(file).splits
        except WrongInput:
            continue
        for name, array in found["test"].arrays().items() if "test" in found else ():
            assert np.array_equal(array, expected[name], equal_nan=array.dtype.kind == "f")


class Runs:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


def arrays_of(predicted: Predicted) -> dict[str, Any]:
    arrays = {f"test_{name}": array for name, array in predicted.arrays().items()}
    return {"about": np.array([1, 1, 1])} | arrays


WRONG = {
    "pickled": {"test_label": np.array([Runs()] * 300, dtype=object)},
    "another format": {"about": np.array([2, 1, 1])},
    "no format": {"about": None},
    "a header that is none": {"about": np.array([1, 1])},
    "by column": {"test_log_probabilities": np.asfortranarray(np.zeros((300, 2), np.float32))},
    "fields": {"test_example": np.zeros(300, [("a", "u8"), ("b", "O")])},
    "a class that there is not": {"test_label": np.full(300, 2)},
    "labels of another type": {"test_label": np.zeros(300)},
    "fewer labels": {"test_label": np.zeros(299, np.uint8)},
    "no labels": {"test_label": None},
    "flat log-probabilities": {"test_log_probabilities": np.zeros(300, np.float32)},
    "more than there is": {"test_more": np.zeros(3)},
    "something else": {"weights": np.zeros(3)},
    "too few numbers for so many classes": {"test_log_probabilities": np.zeros((300, 17), np.float32)},
    "clusters of fewer": {"test_cluster": np.zeros(299, np.uint64)},
    "clusters by name": {"test_cluster": np.array(["a"] * 300)},
    "clusters of nothing": {"valid_cluster": np.zeros(300, np.uint64)},
    "keys of another type": {"test_example": np.array(["a"] * 300)},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_foreign_file_is_refused_and_nothing_of_it_runs(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = {name: array for name, array in (arrays_of(of_classes(2)) | change).items() if array is not None}
    np.savez(tmp_path / "foreign.npz", **content)
    with pytest.raises(WrongInput, match=r"foreign\.npz"):
        read_predictions(tmp_path / "foreign.npz")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"", b"text,label\n", b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)], ids=repr
)
def test_what_is_no_npz_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "predictions.npz").write_bytes(content)
    with pytest.raises(WrongInput, match=r"predictions\.npz is not"):
        read_predictions(tmp_path / "predictions.npz")
    with pytest.raises(WrongInput, match="there is no"):
        read_predictions(tmp_path / "missing.npz")
    with pytest.raises(WrongInput, match="is not"):
        read_predictions(tmp_path)


def test_a_text_s_key_is_what_its_sha_256_begins_with() -> None:
    digest = hashlib.sha256("une œuvre".encode()).hexdigest()
    assert key_text(example_key(["une œuvre"])) == digest[:16]
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("a\0b", ""), ("b", "a")]
    assert len({example_key(pair) for pair in pairs} | {example_key(["ab"])}) == len(pairs) + 1
    assert key_text(5) == "0000000000000005"
    assert example_key(["\ud800"]) != example_key(["\ud801"]), "half a character, which data of one's own may hold"


def test_what_occurs_more_than_once_is_numbered_alike_in_every_order() -> None:
    rows = [("a", 1), ("b", 0), ("a", 0), ("a", 1), ("c", 2), ("b", 0)]
    assert occurrences([text for text, _ in rows], [label for _, label in rows]) == [1, 0, 0, 2, 0, 1]
    draw = random.Random(0)
    for _ in range(20):
        draw.shuffle(rows)
        numbers = occurrences([text for text, _ in rows], [label for _, label in rows])
        known = {(text, number): label for (text, label), number in zip(rows, numbers, strict=True)}
        assert known == {("a", 0): 0, ("a", 1): 1, ("a", 2): 1, ("b", 0): 0, ("b", 1): 0, ("c", 0): 2}

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from sweeper.frameworks.metrics import (
    ANSWERS,
    CLASSIFICATION,
    PREDICTION,
    answer_metrics,
    classification_metrics,
    exact_match,
    normalised,
    token_f1,
)
from sweeper.trial.metrics import METRICS, DeclaredMetric, is_share, metrics_of
from sweeper.trial.outcome import Metric
from tests.records import STEPS_PER_EPOCH, rendered, trial, write


@pytest.fixture
def sklearn_metrics() -> ModuleType:
    """The independent source; MLflow brings it."""
    module: ModuleType = pytest.importorskip("sklearn.metrics")
    return module


def logits_of(predictions: list[int], classes: int) -> NDArray[np.float32]:
    return np.asarray(np.eye(classes, dtype=np.float32)[predictions])


@pytest.mark.parametrize("classes", [2, 5])
def test_agrees_with_scikit_learn(classes: int, sklearn_metrics: ModuleType) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=(101, classes)).astype(np.float32)
    labels = random.integers(classes, size=101)
    found = classification_metrics(logits, labels)
    assert found["accuracy"] == sklearn_metrics.accuracy_score(labels, logits.argmax(axis=1))
    expected = sklearn_metrics.log_loss(labels, softmax(logits.astype(np.float64), axis=1), labels=range(classes))
    assert found["loss"] == pytest.approx(expected, rel=1e-12)
    macro_f1 = sklearn_metrics.f1_score(labels, logits.argmax(axis=1), average="macro")
    assert found["macro_f1"] == pytest.approx(macro_f1, rel=1e-12)


@pytest.mark.parametrize(
    ("predictions", "labels"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 1]),  # a class that is never predicted
        ([0, 3, 0, 1], [0, 0, 0, 1]),  # one that is predicted and never right, and one that does not occur
        ([1, 1, 0, 0], [0, 0, 1, 1]),  # never right
        ([2, 2, 2, 2], [2, 2, 2, 2]),  # always right, a single class
        ([3, 2, 1, 0], [1, 1, 0, 0]),  # the largest class is a wrong prediction
    ],
)
def test_macro_f1_of_classes_that_are_missing(
    predictions: list[int], labels: list[int], sklearn_metrics: ModuleType
) -> None:
    found = classification_metrics(logits_of(predictions, 5), np.array(labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes without examples, which are what is tested here
        expected = sklearn_metrics.f1_score(labels, predictions, average="macro", zero_division=0)
    assert found["macro_f1"] == pytest.approx(expected, rel=1e-12)


def test_macro_f1_of_a_majority_vote_is_low() -> None:
    found = classification_metrics(logits_of([0] * 10, 2), np.array([0] * 9 + [1]))
    assert found["accuracy"] == 0.9
    assert found["macro_f1"] == pytest.approx((2 * 9 / (10 + 9) + 0) / 2)


def test_large_logits_do_not_overflow() -> None:
    found = classification_metrics(np.array([[1e4, -1e4], [1e4, -1e4]], dtype=np.float32), np.array([0, 1]))
    assert found == {"accuracy": 0.5, "macro_f1": pytest.approx(1 / 3), "loss": 1e4}


@pytest.mark.parametrize(
    ("answer", "compared"),
    [
        ("The Norman dukes.", "norman dukes"),
        ("a\tcat  and an\nowl", "cat and owl"),
        ("anthem", "anthem"),  # no article begins it
        ("the-cat", "thecat"),  # punctuation goes before articles are looked for
        ("It's 3.5 %", "its 35"),
        ("L'Été, le chat", "lété le chat"),  # French articles are words as others
        ("« Oui »", "« oui »"),  # beyond ASCII
        ("The", ""),
    ],
)
def test_what_is_compared(answer: str, compared: str) -> None:
    assert normalised(answer) == compared


@pytest.mark.parametrize(
    ("given", "expected", "exact", "f1"),
    [
        ("Denver Broncos", "the Denver Broncos!", True, 1.0),
        ("the Broncos of Denver", "Denver Broncos", False, 4 / 5),  # 2 of 3 words, 2 of 2: order does not matter
        ("gold gold gold", "gold gem", False, 2 / 5),  # a word counts as often as both have it
        ("silver", "gold", False, 0.0),
        ("", "gold", False, 0.0),
        ("a", "the", True, 1.0),  # nothing is left of either
        ("oui", "Oui", True, 1.0),
    ],
)
def test_scores_of_one_answer(given: str, expected: str, exact: bool, f1: float) -> None:
    assert exact_match(given, expected) is exact
    assert token_f1(given, expected) == pytest.approx(f1)
    assert token_f1(expected, given) == pytest.approx(f1)


def test_scores_are_averaged_over_examples() -> None:
    found = answer_metrics(["a gem", "mess", "big gem"], ["gem", "gem", "gem"])
    assert found == pytest.approx({"exact_match": 1 / 3, "token_f1": (1 + 0 + 2 / 3) / 3})


def test_what_is_declared_is_computed_and_nothing_else() -> None:
    computed = {
        "classification": [*CLASSIFICATION],
        "language_modelling": [*PREDICTION],
        "qa": [*PREDICTION, *ANSWERS],
    }
    assert {task for metric in METRICS.values() for task in metric.tasks} == computed.keys()
    assert {task: [*metrics_of(task)] for task in computed} == computed


def test_a_declared_metric_is_a_column_of_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "kappa", DeclaredMetric(("classification",), greater_is_better=True, share=True))
    more = [Metric(split, "kappa", 0.321, 1, STEPS_PER_EPOCH) for split in ("valid", "test")]
    write(tmp_path, trial(), [0.5], [0.5], more=more)
    shown = rendered(tmp_path)
    assert "kappa" in shown and "32.1" in shown


def test_of_a_metric_that_is_not_declared_the_name_tells_whether_it_is_a_share() -> None:
    assert {name: is_share(name) for name in METRICS} == {name: metric.share for name, metric in METRICS.items()}
    assert is_share("micro_f1") and is_share("recall") and not is_share("bleu")

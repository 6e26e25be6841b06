from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from sweeper.frameworks.metrics import classification_metrics


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

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss

from sweeper.metrics import classification_metrics


@pytest.mark.parametrize("classes", [2, 5])
def test_agrees_with_scikit_learn(classes: int) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=(101, classes)).astype(np.float32)
    labels = random.integers(classes, size=101)
    found = classification_metrics(logits, labels)
    assert found["accuracy"] == accuracy_score(labels, logits.argmax(axis=1))
    expected = log_loss(labels, softmax(logits.astype(np.float64), axis=1), labels=range(classes))
    assert found["loss"] == pytest.approx(expected, rel=1e-12)


def test_large_logits_do_not_overflow() -> None:
    found = classification_metrics(np.array([[1e4, -1e4], [1e4, -1e4]], dtype=np.float32), np.array([0, 1]))
    assert found == {"accuracy": 0.5, "loss": 1e4}

"""What a classifier's outputs are worth; the same function for every framework."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax


def classification_metrics(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, float]:
    """Return accuracy and macro-averaged F1 (shares of 1) and mean cross-entropy (nats).

    Shapes: logits [examples, classes], labels [examples].
    """
    scores = log_softmax(logits.astype(np.float64), axis=-1)
    predictions = scores.argmax(axis=-1)
    return {
        "accuracy": float(np.mean(predictions == labels)),
        "macro_f1": macro_f1(predictions, labels),
        "loss": float(-np.mean(scores[np.arange(len(labels)), labels])),
    }


def macro_f1(predictions: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the unweighted mean of each class's F1, over the classes that are predicted or labelled at all.

    F1 = 2 · true positives / (predicted + labelled); one that is never right has 0. Shapes: [examples] each.
    """
    sizes = np.bincount(np.concatenate([predictions, labels]))
    hits = np.bincount(labels[predictions == labels], minlength=len(sizes))
    occurs = sizes > 0
    return float(np.mean(2 * hits[occurs] / sizes[occurs]))

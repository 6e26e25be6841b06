"""What a classifier's outputs are worth; the same function for every framework."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax


def classification_metrics(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, float]:
    """Return accuracy (a share of 1) and mean cross-entropy (nats).

    Shapes: logits [examples, classes], labels [examples].
    """
    scores = log_softmax(logits.astype(np.float64), axis=-1)
    return {
        "accuracy": float(np.mean(scores.argmax(axis=-1) == labels)),
        "loss": float(-np.mean(scores[np.arange(len(labels)), labels])),
    }

"""What a classifier's outputs are worth; the same function for every framework."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(?:a|an|the)\b")


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


def answer_metrics(given: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    """Return exact match and token F1, each averaged over the examples (shares of 1)."""
    pairs = list(zip(given, expected, strict=True))
    return {
        "exact_match": sum(exact_match(*pair) for pair in pairs) / len(pairs),
        "token_f1": sum(token_f1(*pair) for pair in pairs) / len(pairs),
    }


def exact_match(given: str, expected: str) -> bool:
    """Whether two answers are the same once normalised."""
    return normalised(given) == normalised(expected)


def token_f1(given: str, expected: str) -> float:
    """Return the harmonic mean of precision and recall over words, which count as often as they occur.

    Of answers of which nothing is left by normalising, only two such are alike (as SQuAD 2.0 has it).
    """
    words, wanted = normalised(given).split(), normalised(expected).split()
    if not words or not wanted:
        return float(words == wanted)
    shared = sum((Counter(words) & Counter(wanted)).values())
    return 2 * shared / (len(words) + len(wanted))


def normalised(answer: str) -> str:
    """Return what of an answer is compared."""
    plain = answer.lower().translate(NO_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", plain).split())

"""What outputs are worth, computed for every framework: the metrics that `sweeper.trial.metrics` declares."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(?:a|an|the)\b")
Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


def classification_metrics(logits: Floats, labels: Integers) -> dict[str, float]:
    """Return every metric of `CLASSIFICATION`. Shapes: logits [examples, classes], labels [examples]."""
    scores = log_softmax(logits.astype(np.float64), axis=-1)
    return {name: compute(scores, labels) for name, compute in CLASSIFICATION.items()}


def prediction_metrics(losses: Floats, counts: Integers) -> dict[str, float]:
    """Return every metric of `PREDICTION`: of each example the summed loss and the number of predicted ids."""
    loss = float(np.sum(losses) / max(int(np.sum(counts)), 1))
    return {name: float(compute(loss)) for name, compute in PREDICTION.items()}


def answer_metrics(given: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    """Return every metric of `ANSWERS`, averaged over the examples."""
    pairs = list(zip(given, expected, strict=True))
    return {name: sum(compute(*pair) for pair in pairs) / len(pairs) for name, compute in ANSWERS.items()}


def _cross_entropy(scores: Floats, labels: Integers) -> float:
    return float(-np.mean(scores[np.arange(len(labels)), labels]))


def accuracy(scores: Floats, labels: Integers) -> float:
    """Return the share of examples whose class has the greatest score."""
    return float(np.mean(scores.argmax(axis=-1) == labels))


def macro_f1(scores: Floats, labels: Integers) -> float:
    """Return the unweighted mean of each class's F1, over the classes that are predicted or labelled at all.

    F1 = 2 · true positives / (predicted + labelled); one that is never right has 0.
    """
    predictions = scores.argmax(axis=-1)
    sizes = np.bincount(np.concatenate([predictions, labels]))
    hits = np.bincount(labels[predictions == labels], minlength=len(sizes))
    occurs = sizes > 0
    return float(np.mean(2 * hits[occurs] / sizes[occurs]))


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
    """Return an answer without case, punctuation and articles."""
    plain = answer.lower().translate(NO_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", plain).split())


# Of log-probabilities [examples, classes] and labels [examples].
CLASSIFICATION: dict[str, Callable[[Floats, Integers], float]] = {
    "loss": _cross_entropy,  # in nats
    "accuracy": accuracy,
    "macro_f1": macro_f1,
}
# Of the mean loss in nats over all predicted ids.
PREDICTION: dict[str, Callable[[float], float]] = {"loss": float, "perplexity": np.exp}
# Of one answer: what a model gives, and what is expected.
ANSWERS: dict[str, Callable[[str, str], float]] = {"exact_match": exact_match, "token_f1": token_f1}

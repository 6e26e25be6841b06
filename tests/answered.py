"""Records of trials that kept what they answered, none of them trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sweeper.data.example_keys import occurrences
from sweeper.frameworks.predictions import recomputed
from sweeper.records.predictions import ClassPredictions, Predictions, write_predictions
from sweeper.records.record import Record
from sweeper.trial.outcome import Metric
from sweeper.trial.trial import Trial
from tests.records import STEPS_PER_EPOCH, write

SPLITS = ("valid", "test")
CLASSES = 2


def keys_of(texts: int, repeated: int = 0) -> Any:
    """Keys of so many texts, of which the last `repeated` are the first ones again."""
    keys = np.arange(1, texts + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    if repeated:
        keys[-repeated:] = keys[:repeated]
    return keys


def probit(seeds: int, texts: int, *, base: float, draw: int, items: int = 0, seed_sd: float = 0.05) -> Any:
    """Whether each of `seeds` trials has each text right [seeds, texts]; `items` draws what makes texts hard."""
    of_texts = np.random.default_rng(items).normal(base, 1.0, texts)
    random = np.random.default_rng(draw)
    return of_texts + random.normal(0, seed_sd, (seeds, 1)) + random.normal(0, 1.0, (seeds, texts)) > 0


def answers(right: Any, keys: Any, labels: Any = None) -> ClassPredictions:
    """Predictions [texts] of two classes of which those `right` answer the label."""
    labels = np.arange(len(right)) % CLASSES if labels is None else labels
    shares = np.where(right, 0.9, 0.2)
    scores = np.empty((len(right), CLASSES))
    scores[np.arange(len(right)), labels] = np.log(shares)
    scores[np.arange(len(right)), 1 - labels] = np.log(1 - shares)
    found = np.array(occurrences([int(key) for key in keys], labels.tolist()), np.uint32)
    return ClassPredictions(keys, found, labels, scores.astype(np.float32))


def write_answered(
    study: Path, described: Trial, right: Any, keys: Any = None, labels: Any = None, facts: Any = None
) -> Record:
    """Write a done trial's record and predictions, alike on both sets, so that the record has what these give."""
    keys = keys_of(len(right)) if keys is None else keys
    kept = answers(right, keys, labels)
    metrics = [
        Metric(split, name, value, 1, STEPS_PER_EPOCH) for split in SPLITS for name, value in recomputed(kept).items()
    ]
    record = write(study, described, [0.0], [0.0], more=metrics, facts=facts)
    write_predictions(record.predictions, Predictions(1, STEPS_PER_EPOCH, dict.fromkeys(SPLITS, kept)))
    return record

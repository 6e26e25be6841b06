"""What a model's outputs answer to which examples, and whether that is what is on record.

Imports numpy, and scipy: `sweeper.driver.execute` imports it in a trial's own process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from sweeper.data import EVALUATED
from sweeper.data.example_keys import occurrences
from sweeper.errors import WrongInput
from sweeper.frameworks.examples import KnownExamples
from sweeper.frameworks.metrics import ANSWERS, CLASSIFICATION
from sweeper.frameworks.reporter import Answers, SequenceLosses
from sweeper.records.predictions import (
    REMEDY,
    AnswerPredictions,
    ClassPredictions,
    Predicted,
    Predictions,
    SequencePredictions,
    read_predictions,
)
from sweeper.trial.outcome import Best

EXACT = ("accuracy", "exact_match", "macro_f1")  # of numbers of examples, which no rounding moves
ROUNDING = 1e-6  # of a loss in float32, over the loss or 1


def predictions(known: Mapping[str, KnownExamples], epoch: int, step: int, outputs: Mapping[str, Any]) -> Predictions:
    """Put a model's outputs of each split beside the examples that they are of; see `Report.predictions`.

    Raises ValueError for outputs that are not of these examples.
    """
    return Predictions(
        epoch, step, {split: _predicted(split, known.get(split), output) for split, output in outputs.items()}
    )


def _predicted(split: str, known: KnownExamples | None, output: Any) -> Predicted:
    if isinstance(output, SequenceLosses):
        example = np.asarray(output.example, np.uint64)
        occurrence = np.array(occurrences(output.example, output.example), np.uint32)
        return SequencePredictions(example, occurrence, _floats(output.losses), np.asarray(output.tokens))
    if known is None:
        raise ValueError(f"predictions of {split}: there are no such examples")
    sizes = [len(part) for part in _parts(output)]
    if any(size != len(known) for size in sizes):
        raise ValueError(f"predictions of {split} are {min(sizes)}, of {len(known)} examples")
    if isinstance(output, Answers):
        return _answered(known, output)
    scores = _floats(output)
    if scores.ndim != 2 or scores.shape[1] <= known.label.max(initial=0):
        raise ValueError(f"predictions of {split} have shape {scores.shape}\nneeded: [examples, classes]")
    with np.errstate(invalid="ignore", over="ignore"):
        found = log_softmax(scores, axis=1)
    label = known.label.astype(np.int64)
    return ClassPredictions(known.example, known.occurrence, label, found, cluster=known.cluster)


def _parts(output: Any) -> Sequence[Any]:
    return (output.given, output.losses, output.tokens) if isinstance(output, Answers) else (output,)


def _answered(known: KnownExamples, output: Answers) -> AnswerPredictions:
    pairs = list(zip(output.given, known.expected, strict=True))
    worth = {name: [compute(*pair) for pair in pairs] for name, compute in ANSWERS.items()}
    return AnswerPredictions(
        known.example,
        known.occurrence,
        loss=_floats(output.losses),
        tokens=np.asarray(output.tokens),
        label=known.label,
        answer=tuple(output.given),
        exact_match=np.array(worth["exact_match"], np.bool_),
        token_f1=np.array(worth["token_f1"], np.float64),
        cluster=known.cluster,
    )


def _floats(values: Any) -> Any:
    return np.asarray(values, dtype=np.float64)


def recomputed(predicted: Predicted) -> dict[str, float]:
    """Return the metrics of a split that follow from what was answered to its examples."""
    if isinstance(predicted, ClassPredictions):
        scores = predicted.log_probabilities.astype(np.float64)
        return {name: compute(scores, predicted.label) for name, compute in CLASSIFICATION.items()}
    found = {name: float(values.mean()) for name, values in predicted.scores().items()}
    if isinstance(predicted, SequencePredictions):  # perplexity follows from the loss
        found["loss"] = float(predicted.loss.astype(np.float64).sum() / max(int(predicted.tokens.sum()), 1))
    return found


def checked_predictions(path: Path, best: Best, splits: Sequence[str] = EVALUATED) -> Predictions:
    """Return a trial's predictions of these splits, which give what is on record of its best epoch.

    Raises WrongInput, naming the file, where they do not, and what `read_predictions` raises.
    """
    kept = read_predictions(path, splits)
    problems = differences(kept, best.metrics)
    if kept.step != best.step:
        problems = [f"they are of step {kept.step}, and step {best.step} is the best"]
    if problems:
        raise WrongInput(f"{path} is not what is on record: {'; '.join(problems)}\n{REMEDY}")
    return kept


def differences(kept: Predictions, recorded: Mapping[str, float]) -> list[str]:
    """Say of each recorded metric ("valid/loss", …) which kept predictions do not give it, and what they give."""
    return [
        f"{split}/{name} is {recorded[f'{split}/{name}']!r} on record and {value!r} by the predictions"
        for split, predicted in kept.splits.items()
        for name, value in recomputed(predicted).items()
        if f"{split}/{name}" in recorded and not _alike(name, recorded[f"{split}/{name}"], value)
    ]


def _alike(name: str, recorded: float, found: float) -> bool:
    if math.isnan(recorded) or math.isnan(found):
        return math.isnan(recorded) and math.isnan(found)  # of a training that diverged
    if name in EXACT or recorded == found:
        return recorded == found
    return abs(recorded - found) <= ROUNDING * max(1.0, abs(recorded))

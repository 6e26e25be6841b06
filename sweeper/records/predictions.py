"""What a trial answered at its best epoch: predictions.npz, by example, in the data set's order.

Of each split that was evaluated, its name before that of every array:
example, occurrence      which example it is: see `sweeper.data.example_keys`
cluster                  what it belongs to, where data.cluster says so: the key of that name
label                    number of its class; of a question the key of its answer
log_probabilities        [examples, classes] in nats; float32, of more than 16 classes float16
label_log_probability    float32, of more than 16 classes only: of its class, and of the answered one
largest_log_probability
answer_bytes, answer_offsets   of a question: what was answered, in UTF-8, from one offset to the next
exact_match, token_f1    of a question
loss, tokens             of a question or a sequence: summed over the ids that are predicted, and their number

Beside them `about`: the file's format, and epoch and step of the best epoch. Imports numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeper.errors import WrongInput
from sweeper.records.arrays import Array, Arrays, reading, write_arrays
from sweeper.records.study import EVALUATED

FORMAT = 1
MOST_IN_FULL = 16  # classes whose log-probabilities are all float32
REMEDY = "move it away: python -m sweeper.predictions STUDY --make writes it anew from the best weights"
KEYS = {"example", "occurrence"}
CLASSES = KEYS | {"label", "log_probabilities"}
SEQUENCES = KEYS | {"loss", "tokens"}
MAY_LACK = {"cluster"}
# The arrays of a split that a file holds together, without those that it may lack.
ARRAYS = (
    CLASSES,
    CLASSES | {"label_log_probability", "largest_log_probability"},
    SEQUENCES,
    SEQUENCES | {"label", "answer_bytes", "answer_offsets", "exact_match", "token_f1"},
)
Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was answered to a split's examples; `example` and `occurrence` [examples] are their keys.

    `cluster` [examples] is the key of what each belongs to; None: nothing tells.
    """

    example: Integers
    occurrence: Integers
    cluster: Integers | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.example)

    def scores(self) -> dict[str, Floats]:
        """Return each example's value, in float64, of every metric that is a mean over examples."""
        return {}

    def arrays(self) -> dict[str, Array]:
        """Return what a file holds of it, by name."""
        clusters = {} if self.cluster is None else {"cluster": self.cluster.astype(np.uint64)}
        return {"example": self.example.astype(np.uint64), "occurrence": self.occurrence.astype(np.uint32), **clusters}


@dataclass(frozen=True, eq=False)
class ClassPredictions(Predicted):
    """Of each example its class's number and log_probabilities [examples, classes], float32 in nats.

    Those of more than 16 classes are rounded to float16, but for the label's and the largest.
    """

    label: Integers
    log_probabilities: Floats

    @property
    def answer(self) -> Integers:
        """Number of each example's most probable class, the first where there are several."""
        answers: Integers = self.log_probabilities.argmax(axis=1)
        return answers

    @property
    def losses(self) -> Floats:
        """Cross-entropy of each example, in nats."""
        return -self.log_probabilities[np.arange(len(self)), self.label].astype(np.float64)

    def scores(self) -> dict[str, Floats]:
        """Return accuracy (0 or 1) and loss of each example."""
        return {"loss": self.losses, "accuracy": (self.answer == self.label).astype(np.float64)}

    def arrays(self) -> dict[str, Array]:
        """Return what a file holds of it, by name."""
        rows, classes = self.log_probabilities.shape
        kept = super().arrays() | {"label": self.label.astype(np.min_scalar_type(max(classes - 1, 0)))}
        in_full = rounded(self.log_probabilities, np.float32)
        if classes <= MOST_IN_FULL:
            return kept | {"log_probabilities": in_full}
        row = np.arange(rows)
        return kept | {
            "log_probabilities": rounded(in_full, np.float16),
            "label_log_probability": in_full[row, self.label],
            "largest_log_probability": in_full[row, in_full.argmax(axis=1)],
        }


@dataclass(frozen=True, eq=False)
class SequencePredictions(Predicted):
    """Of each example the loss in nats, summed over the ids that are predicted, and their number."""

    loss: Floats
    tokens: Integers

    def arrays(self) -> dict[str, Array]:
        """Return what a file holds of it, by name."""
        return super().arrays() | {"loss": rounded(self.loss, np.float32), "tokens": self.tokens.astype(np.uint32)}


@dataclass(frozen=True, eq=False)
class AnswerPredictions(SequencePredictions):
    """Of each question what was answered, whether that is right, and the loss on the expected answer.

    `label` is the key of the expected answer.
    """

    label: Integers
    answer: tuple[str, ...]
    exact_match: NDArray[np.bool_]
    token_f1: Floats

    def scores(self) -> dict[str, Floats]:
        """Return exact_match (0 or 1) and token_f1 of each question; the loss is a mean over ids, not over examples."""
        return {"exact_match": self.exact_match.astype(np.float64), "token_f1": self.token_f1.astype(np.float64)}

    def arrays(self) -> dict[str, Array]:
        """Return what a file holds of it, by name."""
        return super().arrays() | {
            "label": self.label.astype(np.uint64),
            **text_arrays("answer", self.answer),
            "exact_match": self.exact_match.astype(np.bool_),
            "token_f1": self.token_f1.astype(np.float32),
        }


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a trial answered at an epoch, by split."""

    epoch: int
    step: int
    splits: Mapping[str, Predicted]


def rounded(values: Floats, kind: type[np.floating[Any]]) -> Array:
    """Round to fewer digits, so that the first of a row's largest stays the first of its largest.

    What rounding makes equal to it is moved on by the least step; what is beyond a kind's range becomes its last.
    """
    limits = np.finfo(kind)
    with np.errstate(invalid="ignore"):
        found: Array = np.clip(values, float(limits.min), float(limits.max)).astype(kind)
    if found.ndim == 1:
        return found
    first = values.argmax(axis=1)
    for row in np.flatnonzero(found.argmax(axis=1) != first):
        before = found[row, : first[row]]
        before[before == found[row, first[row]]] = np.nextafter(found[row, first[row]], kind(-np.inf))
    return found


def text_arrays(name: str, texts: Sequence[str]) -> dict[str, Array]:
    """Return texts as two arrays: their UTF-8, and where each begins in it, the end included."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.uint64)
    return {f"{name}_bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}_offsets": offsets}


def texts_of(arrays: Arrays, name: str, size: int) -> tuple[str, ...]:
    """Return `size` texts that `text_arrays` made."""
    content = arrays.get(f"{name}_bytes", "u", [None]).tobytes()
    offsets = [*map(int, arrays.get(f"{name}_offsets", "u", [size + 1]))]
    if offsets[0] != 0 or offsets[-1] != len(content) or offsets != sorted(offsets):
        raise ValueError(f"{name}_offsets are no offsets into {name}_bytes")
    return tuple(content[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(offsets))


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Replace a file of predictions, at once; the same ones are the same bytes."""
    about = np.array([FORMAT, predictions.epoch, predictions.step], np.int64)
    of_splits = {
        f"{split}_{name}": array
        for split, predicted in predictions.splits.items()
        for name, array in predicted.arrays().items()
    }
    write_arrays(path, {"about": about} | of_splits)


def read_predictions(path: Path, splits: Sequence[str] = EVALUATED) -> Predictions:
    """Return what a file holds of these splits, those that it has.

    Nothing of it is run. Raises WrongInput, naming the file, where it is foreign, cut short or not there.
    """
    with reading(path, "a trial's predictions", REMEDY) as arrays:
        found, epoch, step = arrays.get("about", "i", [3]).tolist()
        if found != FORMAT:
            raise WrongInput(f"{path} has format {found}, this version reads format {FORMAT}\n{REMEDY}")
        _check_names(arrays.names)
        known = [split for split in splits if f"{split}_example" in arrays.names]
        return Predictions(epoch, step, {split: _predicted(arrays, split) for split in known})


def _check_names(names: Sequence[str]) -> None:
    """Raise ValueError for arrays that are not those of one kind of predictions: a name may have come to harm, too."""
    own = {split: {name for name in names if name.startswith(f"{split}_")} for split in EVALUATED}
    for split, found in own.items():
        if found and {name.removeprefix(f"{split}_") for name in found} - MAY_LACK not in ARRAYS:
            raise ValueError(f"it holds {', '.join(sorted(found))}")
    if other := set(names).difference({"about"}, *own.values()):
        raise ValueError(f"it holds {', '.join(sorted(other))}")


def _predicted(arrays: Arrays, split: str) -> Predicted:
    example = arrays.get(f"{split}_example", "u", [None])
    keys = (example, arrays.get(f"{split}_occurrence", "u", example.shape))
    has_clusters = f"{split}_cluster" in arrays.names
    cluster = arrays.get(f"{split}_cluster", "u", example.shape) if has_clusters else None
    if f"{split}_log_probabilities" in arrays.names:
        label = arrays.get(f"{split}_label", "u", example.shape)
        return ClassPredictions(*keys, label, _log_probabilities(arrays, split, label), cluster=cluster)
    loss = arrays.get(f"{split}_loss", "f", example.shape)
    tokens = arrays.get(f"{split}_tokens", "u", example.shape)
    if f"{split}_exact_match" not in arrays.names:
        return SequencePredictions(*keys, loss, tokens, cluster=cluster)
    return AnswerPredictions(
        *keys,
        loss,
        tokens,
        arrays.get(f"{split}_label", "u", example.shape),
        texts_of(arrays, f"{split}_answer", len(example)),
        arrays.get(f"{split}_exact_match", "b", example.shape),
        arrays.get(f"{split}_token_f1", "f", example.shape),
        cluster=cluster,
    )


def _log_probabilities(arrays: Arrays, split: str, label: Integers) -> Floats:
    """Return them in float32, the label's and the largest as exactly as they are kept."""
    kept = arrays.get(f"{split}_log_probabilities", "f", [len(label), None])
    rows, classes = np.arange(len(label)), kept.shape[1]
    if len(label) and (not classes or label.max() >= classes):
        raise ValueError(f"{split}_label names a class that it has not")
    found = kept.astype(np.float32)
    if (in_part := f"{split}_largest_log_probability" in arrays.names) != (classes > MOST_IN_FULL):
        raise ValueError(f"{split}_log_probabilities are of {classes} classes")
    if in_part:
        largest = kept.argmax(axis=1) if len(label) else label
        found[rows, largest] = arrays.get(f"{split}_largest_log_probability", "f", label.shape)
        found[rows, label] = arrays.get(f"{split}_label_log_probability", "f", label.shape)
    return found

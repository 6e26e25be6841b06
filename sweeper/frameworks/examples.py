"""Which examples a trial is evaluated on: their keys and labels, made once of the data set's texts, in the cache.

They are apart from what is tokenized, so that they are there for tokenized data of earlier versions too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.data import EVALUATED, Answered, Examples
from sweeper.data.example_keys import example_key, occurrences
from sweeper.data.limits import limited
from sweeper.errors import WrongInput
from sweeper.records.files import cached
from sweeper.records.own_code import DATA_CODE
from sweeper.trial import Trial
from sweeper.trial.trial import CLUSTERS, digest, result_settings

if TYPE_CHECKING:
    from sweeper.records.predictions import Integers

FILE = "examples.npz"
FORMAT = 1  # of what is cached


@dataclass(frozen=True, eq=False)
class KnownExamples:
    """A split's examples in the data set's order: key, occurrence and label of each; `expected` answers of questions.

    The label of a question is the key of its answer. `cluster` is the key of what each belongs to; None: nothing tells.
    """

    example: Integers
    occurrence: Integers
    label: Integers
    expected: tuple[str, ...] = ()
    cluster: Integers | None = None

    def __len__(self) -> int:
        return len(self.example)


def data_made_of(trial: Trial) -> dict[str, Any]:
    """Return what a trial's data set is known by: its settings, its content, and its code where that is a user's."""
    return {
        **({DATA_CODE: trial.digests[DATA_CODE]} if DATA_CODE in trial.digests else {}),
        "data": {"settings": result_settings(trial.data), "digest": trial.digests["data"]},
    }


def examples_directory(trial: Trial) -> Path:
    """Where the keys of the trial's examples lie."""
    clusters = {CLUSTERS: trial.digests[CLUSTERS]} if CLUSTERS in trial.digests else {}
    made_of = data_made_of(trial) | {"format": FORMAT} | clusters
    return trial.cache / "examples" / f"{trial.choices['data']}-{digest(made_of)[:16]}"


def known_examples(trial: Trial) -> dict[str, KnownExamples]:
    """Return what is known of validation and test, made where it is not in the cache yet; nothing of a corpus.

    Raises WrongInput where the data set holds other texts by now, and what reading it raises.
    """
    if trial.task.is_language_modelling:
        return {}
    from sweeper.records.arrays import reading
    from sweeper.records.predictions import texts_of

    directory = cached(examples_directory(trial), partial(_make, trial))
    remedy = "remove that directory, and run the same command again"
    with reading(directory / FILE, "a file of examples", remedy) as arrays:
        found = {}
        for split in EVALUATED:
            example = arrays.get(f"{split}_example", "u", [None])
            occurrence = arrays.get(f"{split}_occurrence", "u", example.shape)
            label = arrays.get(f"{split}_label", "u", example.shape)
            answered = f"{split}_expected_bytes" in arrays.names
            expected = texts_of(arrays, f"{split}_expected", len(example)) if answered else ()
            has_clusters = f"{split}_cluster" in arrays.names
            cluster = arrays.get(f"{split}_cluster", "u", example.shape) if has_clusters else None
            found[split] = KnownExamples(example, occurrence, label, expected, cluster)
        return found


def split_rows(trial: Trial) -> dict[str, Examples | Answered]:
    """Return the examples of validation and test as the data set gives them, after its limits.

    Raises WrongInput where it holds other ones than when the trial ran.
    """
    if trial.data.digest() != trial.digests["data"]:
        raise WrongInput(f"data={trial.choices['data']} holds other texts than the trial was made for")
    splits = limited(trial.data, trial.data.splits())
    return {split: splits[split] for split in EVALUATED}


def _make(trial: Trial, directory: Path) -> None:
    from sweeper.records.arrays import write_arrays

    arrays: dict[str, Any] = {}
    rows_of = split_rows(trial)
    if trial.data.cluster_digest() != trial.digests.get(CLUSTERS, ""):
        raise WrongInput(f"data={trial.choices['data']} groups its examples otherwise than the trial was made for")
    for split, rows in rows_of.items():
        arrays |= {f"{split}_{name}": array for name, array in _arrays(rows).items()}
    write_arrays(directory / FILE, arrays)


def _arrays(rows: Examples | Answered) -> dict[str, Any]:
    import numpy as np

    from sweeper.records.predictions import text_arrays

    keys = [example_key(texts) for texts in texts_of_rows(rows)]
    answers: Sequence[Any] = rows.answers if isinstance(rows, Answered) else rows.labels
    labels = [example_key([answer]) for answer in answers] if isinstance(rows, Answered) else answers
    clusters = rows.clusters or [""] * len(rows)
    return {
        "example": np.array(keys, np.uint64),
        # By cluster, too: so it is known in every order of the data set which of equal texts belongs to what.
        "occurrence": np.array(occurrences(keys, [*zip(answers, clusters, strict=True)]), np.uint32),
        "label": np.array(labels, np.uint64),
        **(text_arrays("expected", answers) if isinstance(rows, Answered) else {}),
        **({"cluster": np.array([example_key([name]) for name in clusters], np.uint64)} if rows.clusters else {}),
    }


def texts_of_rows(rows: Examples | Answered) -> list[tuple[str, ...]]:
    """Return what is asked of each example: its text, both texts of its pair, or its question."""
    return [(question,) for question in rows.questions] if isinstance(rows, Answered) else rows.inputs

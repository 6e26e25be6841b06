"""Scores of a group's trials on single texts, read of their predictions, and what an interval over texts needs of them.

Imports numpy where it reads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.analysis.group_summaries import are_crossed, are_independent
from sweeper.analysis.rows import RECORDED
from sweeper.analysis.text_moments import TextMoments, crossed_text_moments, text_moments
from sweeper.errors import WrongInput
from sweeper.trial.outcome import Best

if TYPE_CHECKING:
    import numpy as np

    from sweeper.records.predictions import Predictions

    Array = np.ndarray[Any, Any]

ENOUGH = 0.95  # of the texts have to be those of all trials
ROUNDING = 1e-6  # of a metric, as predictions are kept in single precision
REMEDY = "move it away, and python -m sweeper.predictions STUDY --make writes it anew"
MAKE = "python -m sweeper.predictions STUDY --make writes them of the best weights"


@dataclass(frozen=True)
class KeptAnswers:
    """Where a done trial's predictions lie, what they have to give, and its seeds."""

    path: Path
    best: Best
    seeds: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Scores:
    """What each trial's answers are worth: `values` [trials, texts].

    `keys` [texts, 2]: text and occurrence; `labels` [texts]; `clusters` [texts], None where each text is its own.
    `clustered`: they were given, and are not those of texts that occur more than once.
    """

    keys: Array
    labels: Array
    clusters: Array | None
    values: Array
    seeds: tuple[tuple[int, int], ...]
    clustered: bool = False
    most: int = 0

    def moments(self) -> TextMoments:
        """Return what an interval needs of them."""
        if not are_independent(self.seeds) and are_crossed(self.seeds):
            found = crossed_text_moments(dict(zip(self.seeds, self.values, strict=True)), self.clusters)
            if found is not None:
                return found
        return text_moments(self.values, self.clusters)

    def on(self, keys: Array) -> Scores:
        """Return those of some of the texts, in the order of their keys."""
        import numpy as np

        order = np.lexsort((self.keys[:, 1], self.keys[:, 0]))
        kept = order[np.isin(_single(self.keys)[order], keys)]
        clusters = None if self.clusters is None else self.clusters[kept]
        return replace(
            self, keys=self.keys[kept], labels=self.labels[kept], clusters=clusters, values=self.values[:, kept]
        )


@dataclass(frozen=True, eq=False)
class GroupTexts:
    """What is kept of a group's answers on a set: moments, the texts' keys and labels, and where to read them again.

    `clusters` are the texts' own, given or of texts that occur more than once; None: each is its own. `most`: as many
    texts as the trial with the most of them has; those that not all have are left out.
    """

    moments: TextMoments
    keys: Array
    labels: Array
    clusters: Array | None
    clustered: bool
    trials: tuple[KeptAnswers, ...]
    metric: str
    split: str
    most: int

    @property
    def whole(self) -> bool:
        """Whether all trials answered the same texts."""
        return len(self.keys) == self.most

    def scores(self) -> Scores:
        """Read the trials' answers again."""
        return read_scores(self.trials, self.metric, self.split)


class LacksAnswersError(Exception):
    """Why there is no interval over texts, in a sentence's second half."""


def group_texts(trials: Sequence[KeptAnswers], metric: str, split: str) -> GroupTexts:
    """Return what the trials of a group answered on "validation" or "test"; raises LacksAnswersError."""
    seeds = [own.seeds for own in trials]
    if not (are_independent(seeds) or are_crossed(seeds)):
        raise LacksAnswersError("its trials share seeds")
    found = read_scores(trials, metric, split)
    own = (found.keys, found.labels, found.clusters, found.clustered)
    return GroupTexts(found.moments(), *own, tuple(trials), metric, split, found.most)


def read_scores(trials: Sequence[KeptAnswers], metric: str, split: str) -> Scores:
    """Read the scores of trials on the texts that all of them have; raises LacksAnswersError."""
    import numpy as np

    lacking = sum(not own.path.exists() for own in trials)
    if lacking:
        raise LacksAnswersError(f"{lacking} of {len(trials)} trials have no predictions; {MAKE}")
    read = [_read(own, metric, RECORDED[split]) for own in trials]
    most = max(len(own.keys) for own in read)
    if not all(np.array_equal(own.keys, read[0].keys) for own in read):
        read = _on_common_keys(read)
    first = read[0]
    for name, values in (("labels", [own.labels for own in read]), ("clusters", [own.clusters for own in read])):
        if not all(np.array_equal(own, values[0]) for own in values):
            raise LacksAnswersError(f"{name} of the same texts differ between its trials")
    clusters = _shared(first.clusters)
    return Scores(
        keys=_shared(first.keys),
        labels=_shared(first.labels),
        clusters=clusters if _repeats(clusters.tobytes(), clusters.dtype.str) else None,
        values=np.stack([own.scores for own in read]),
        seeds=tuple(own.seeds for own in trials),
        clustered=first.clustered,
        most=most,
    )


@dataclass(frozen=True, eq=False)
class _Read:
    """One trial's answers: keys [texts, 2], and labels, clusters and scores [texts]."""

    keys: Array
    labels: Array
    clusters: Array
    scores: Array
    clustered: bool

    def taken(self, positions: Array) -> _Read:
        keys, labels, clusters, scores = (
            own[positions] for own in (self.keys, self.labels, self.clusters, self.scores)
        )
        return _Read(keys, labels, clusters, scores, self.clustered)


def _read(trial: KeptAnswers, metric: str, split: str) -> _Read:
    """Return what a trial answered, in its data set's order; raises LacksAnswersError."""
    import numpy as np

    predicted = _opened(trial, split).splits.get(split)
    if predicted is None:
        raise LacksAnswersError(f"{trial.path} has none of {split}")
    scores = predicted.scores()
    if metric not in scores:
        raise LacksAnswersError(f"{metric} is no mean over texts")
    for name, values in scores.items():
        recorded, found = trial.best.metrics.get(f"{split}/{name}"), float(values.mean()) if len(values) else math.nan
        is_recorded = recorded is not None and math.isclose(found, recorded, rel_tol=ROUNDING, abs_tol=ROUNDING)
        if not is_recorded and (recorded is not None or name == metric):
            raise LacksAnswersError(
                f"{trial.path} is not what is on record: {name} {found!r} for {recorded!r}; {REMEDY}"
            )
    keys = np.column_stack([predicted.example.astype(np.uint64), predicted.occurrence.astype(np.uint64)])
    clusters = predicted.example if predicted.cluster is None else predicted.cluster
    labels = getattr(predicted, "label", predicted.example)
    return _Read(keys, labels, clusters, scores[metric], predicted.cluster is not None)


def _opened(trial: KeptAnswers, split: str) -> Predictions:
    """Open what a trial answered at its best epoch, of which `_read` checks what it uses; raises LacksAnswersError."""
    from sweeper.records.predictions import read_predictions

    try:
        found = read_predictions(trial.path, [split])
    except WrongInput as error:
        raise LacksAnswersError(str(error).replace("\n", "; ")) from error
    if found.step != trial.best.step:
        raise LacksAnswersError(f"{trial.path} is not what is on record: of step {found.step}; {REMEDY}")
    return found


def _on_common_keys(read: Sequence[_Read]) -> list[_Read]:
    """Return what trials answered to the texts that all have, in the order of their keys; raises LacksAnswersError."""
    import numpy as np

    ordered = [own.taken(np.lexsort((own.keys[:, 1], own.keys[:, 0]))) for own in read]
    common = _common([own.keys for own in ordered], max(len(own.keys) for own in ordered))
    return [own.taken(np.isin(_single(own.keys), common)) for own in ordered]


def _common(keys: Sequence[Array], most: int) -> Array:
    """Return the keys that all have; raises LacksAnswersError where these are too few."""
    import numpy as np

    found = _single(keys[0])
    for own in keys[1:]:
        found = np.intersect1d(found, _single(own))
    if len(found) < ENOUGH * most:
        raise LacksAnswersError(f"only {len(found):,} of {most:,} texts are the same for all trials")
    return found


def _single(keys: Array) -> Array:
    """Return keys [texts, 2] as one number each, of as many bytes."""
    import numpy as np

    found: Array = np.ascontiguousarray(keys).view([("example", np.uint64), ("occurrence", np.uint64)])[:, 0]
    return found


def _shared(array: Array) -> Array:
    """Return one array for all that are equal: most trials of a study answer the same texts."""
    return _of_bytes(array.tobytes(), array.dtype.str, array.shape)


@lru_cache(maxsize=32)
def _repeats(content: bytes, kind: str) -> bool:
    """Whether a value occurs more than once."""
    import numpy as np

    values = np.frombuffer(content, kind)
    return len(np.unique(values)) < len(values)


@lru_cache(maxsize=32)
def _of_bytes(content: bytes, kind: str, shape: tuple[int, ...]) -> Array:
    import numpy as np

    return np.frombuffer(content, kind).reshape(shape)


@lru_cache(maxsize=64)
def common_moments(first: GroupTexts, second: GroupTexts) -> tuple[TextMoments, TextMoments]:
    """Return the moments of two groups on the texts that both have; raises LacksAnswersError."""
    import numpy as np

    if np.array_equal(first.keys, second.keys):
        _check_alike(first, second)
        return first.moments, second.moments
    one, other = common_scores(first, second)
    return one.moments(), other.moments()


def common_scores(first: GroupTexts, second: GroupTexts) -> tuple[Scores, Scores]:
    """Read the scores of two groups on the texts that both have, in one order; raises LacksAnswersError."""
    keys = _common([first.keys, second.keys], max(first.most, second.most))
    one, other = (own.scores().on(keys) for own in (first, second))
    _check_alike(one, other)
    return one, other


def _check_alike(first: Scores | GroupTexts, second: Scores | GroupTexts) -> None:
    """Raise LacksAnswersError where the same texts have other labels or clusters in the two."""
    import numpy as np

    if not np.array_equal(first.labels, second.labels):
        number = int((first.labels != second.labels).sum())
        raise LacksAnswersError(f"labels of {number} texts differ between the two")
    one, other = (() if own.clusters is None else own.clusters for own in (first, second))
    if not np.array_equal(one, other):
        raise LacksAnswersError("clusters of the same texts differ between the two")

"""Moments of one group over seeds and texts: all that an interval for new seeds and new texts needs of its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweeper.analysis.crossed import crossed_mean
from sweeper.analysis.estimates import Estimate, estimate
from sweeper.analysis.statistics import summarize
from sweeper.analysis.variance import complete_table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class TextMoments:
    """What is kept of a group's scores [trials, texts]: one number a cluster, and a few.

    `over_seeds`: the group's mean with its error over seeds, on these texts. `deviations` [clusters]: of each cluster
    the sum, over its texts, of the text's mean less the group's mean; without clusters each text is its own. `shared`:
    what the squared errors over seeds and over texts both hold of the trials' own deviations on single texts; None
    where one trial or one cluster does not tell.
    """

    over_seeds: Estimate
    deviations: Array
    texts: int
    shared: float | None

    @property
    def clusters(self) -> int:
        """How many clusters, or texts, are independent of each other."""
        return len(self.deviations)


def text_moments(
    scores: Array | Sequence[Sequence[float]], clusters: Array | Sequence[int] | None = None
) -> TextMoments:
    """Return the moments of scores [seeds, texts], one trial a seed; `clusters` [texts] has each text's cluster.

    `shared` is MS/(n·m) of n seeds and m texts, MS = Σ r² / ((n − 1)(m − 1)) with r the scores less the means of their
    seed and their text plus the whole mean; of C clusters C/((C − 1)·m²·n·(n − 1)) times the sum over seeds and
    clusters of their squared sums of r.
    """
    values = _table(scores)
    over_seeds = estimate(summarize(values.mean(axis=1).tolist()))
    assert over_seeds is not None
    summed, left = _deviations(values, _positions(clusters, values.shape[1]))
    n = len(left)
    squares = float((left**2).sum()) / (n * (n - 1)) if n > 1 else None
    return _moments(over_seeds, summed, values.shape[1], squares)


def crossed_text_moments(
    cells: Mapping[tuple[int, int], Array], clusters: Array | Sequence[int] | None = None
) -> TextMoments | None:
    """Return the moments of crossed seeds, scores [texts] by seed and data seed, over the largest complete table.

    `over_seeds` is `crossed_mean`'s; `shared` takes the same combination of mean squares, of the deviations on each
    text. None without two seeds and two data seeds.
    """
    keys = list(cells)
    table = complete_table({key: float(position) for position, key in enumerate(keys)})
    if table is None:
        return None
    chosen = [keys[int(position)] for row in table for position in row]
    values = _table([cells[key] for key in chosen])
    mean = crossed_mean(dict(zip(chosen, values.mean(axis=1).tolist(), strict=True)))
    assert mean is not None
    summed, left = _deviations(values, _positions(clusters, values.shape[1]))
    squares = _crossed_square(left.reshape(len(table), len(table[0]), -1))
    return _moments(mean.estimate, summed, values.shape[1], squares)


def _table(scores: Any) -> Array:
    """Scores [trials, texts], at least one of each, as float64."""
    import numpy as np

    values = np.asarray(scores, dtype=np.float64)
    assert values.ndim == 2 and values.size
    return values


def _positions(clusters: Array | Sequence[int] | None, texts: int) -> Array | None:
    """The position of each text's cluster, from 0 in the order of the clusters' names; None: its own."""
    import numpy as np

    if clusters is None:
        return None
    found: Array = np.unique(np.asarray(clusters), return_inverse=True)[1]
    assert found.shape == (texts,)
    return found


def _deviations(values: Array, positions: Array | None) -> tuple[Array, Array]:
    """Return the texts' mean deviations [clusters], and what is left of each trial [trials, clusters], both summed."""
    import numpy as np

    with np.errstate(invalid="ignore"):  # a loss may be infinite, which makes an interval of nan, that is none
        of_texts = values.mean(axis=0)
        centered = of_texts - of_texts.mean()
        left = values - values.mean(axis=1, keepdims=True) - centered
    if positions is None:
        return centered, left
    size = int(positions.max()) + 1
    summed = [np.bincount(positions, weights=row, minlength=size) for row in (centered, *left)]
    return summed[0], np.stack(summed[1:])


def _crossed_square(left: Array) -> float:
    """Squared error of the mean over seeds × data seeds, summed over the last axis; not below 0."""
    height, width = left.shape[:2]
    rows, columns = left.mean(axis=1, keepdims=True), left.mean(axis=0, keepdims=True)
    of_rows = width * float((rows**2).sum()) / (height - 1)
    of_columns = height * float((columns**2).sum()) / (width - 1)
    rest = float(((left - rows - columns) ** 2).sum()) / ((height - 1) * (width - 1))
    square: float = max(of_rows + of_columns - rest, 0.0) / (height * width)
    return square


def _moments(over_seeds: Estimate, deviations: Array, texts: int, squares: float | None) -> TextMoments:
    """Return moments whose `shared` is of this squared error of the clusters' sums, summed over them."""
    if squares is None or len(deviations) < 2:
        return TextMoments(over_seeds, deviations, texts, None)
    return TextMoments(over_seeds, deviations, texts, scale(len(deviations), texts) * squares)


def scale(clusters: int, texts: int) -> float:
    """Return C / ((C − 1)·m²): clusters' summed deviations, squared and summed, times it are the mean's squared error.

    Without clusters C = m, and it is the sample variance over m.
    """
    return clusters / ((clusters - 1) * texts**2)

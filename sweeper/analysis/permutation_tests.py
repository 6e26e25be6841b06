"""Exact tests of a few measurements: every way in which chance could have handed the labels out is counted.

A p is two-sided as `scipy.stats.permutation_test` has it: twice the smaller of the two one-sided ones, at most 1. They
count the observed labelling too, so that no p is smaller than 2 over the number of labellings (Phipson and Smyth 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


MOST_LABELLINGS = 50_000  # that are all looked at: 9 against 9 seeds, or 15 pairs
DRAWN = 9_999  # random labellings where there are more; fewer, but DRAWN_LEAST, where they make too many values
DRAWN_VALUES = 4_000_000
DRAWN_LEAST = 999
BATCH_VALUES = 1_000_000  # that are in memory at once
DRAWN_SEED = 0
ALPHA = 0.05


@dataclass(frozen=True)
class PermutationTest:
    """A two-sided p of "the labels mean nothing".

    `labellings`: how many there are; `exact`: whether all were counted, or `drawn` random ones. `smallest` is the
    smallest p that can ever come of them.
    """

    p: float
    labellings: int
    exact: bool
    smallest: float
    drawn: int = 0


def relabelling_test(first: Sequence[float], second: Sequence[float]) -> PermutationTest | None:
    """Test the difference of means over all ways to split the values into groups of these sizes (Fisher 1935, § 21).

    Assumes that the values could be exchanged if the groups were alike. None without values, or when one is not finite.
    """
    import numpy as np

    if not (first and second and all(map(math.isfinite, (*first, *second)))):
        return None
    labellings = math.comb(len(first) + len(second), len(first))
    if labellings > MOST_LABELLINGS:
        return _drawn_test((first, second), "independent", labellings)
    values = np.array([*first, *second], dtype=float)
    values -= values.mean()
    # With the total 0, the difference of means is the first group's sum times a constant.
    sums = values[_subsets(len(values), len(first))].sum(axis=1)
    return _exact_test(sums, float(values[: len(first)].sum()))


def sign_flip_test(differences: Sequence[float]) -> PermutationTest | None:
    """Test the mean of paired differences over all ways to swap the two of a pair; see `relabelling_test`."""
    import numpy as np

    if not (differences and all(map(math.isfinite, differences))):
        return None
    labellings = 2 ** len(differences)
    if labellings > MOST_LABELLINGS:
        return _drawn_test((differences,), "samples", labellings)
    sums = _signs(len(differences)) @ np.array(differences)
    return _exact_test(sums, float(sum(differences)))


def _drawn_test(groups: tuple[Sequence[float], ...], kind: str, labellings: int) -> PermutationTest:
    """Test with random labellings where there are too many to count; the observed one counts as one of them."""
    import numpy as np
    from scipy.stats import permutation_test

    def statistic(*values: Any, axis: int = -1) -> Any:
        means = [np.mean(item, axis=axis) for item in values]
        return means[0] - means[1] if len(means) == 2 else means[0]

    size = sum(map(len, groups))
    drawn = max(DRAWN_LEAST, min(DRAWN, DRAWN_VALUES // size))
    found = permutation_test(
        groups,
        statistic,
        permutation_type=kind,
        n_resamples=drawn,
        batch=max(1, BATCH_VALUES // size),
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(DRAWN_SEED),
    )
    return PermutationTest(float(found.pvalue), labellings, False, 2 / (drawn + 1), drawn)


def _exact_test(statistics: np.ndarray[Any, Any], observed: float) -> PermutationTest:
    """Count labellings whose statistic is at least, or at most, the observed one; rounding makes no difference."""
    number = len(statistics)
    tolerance = 1e-9 * float(abs(statistics).max())
    greater = int((statistics >= observed - tolerance).sum())
    less = int((statistics <= observed + tolerance).sum())
    return PermutationTest(min(1.0, 2 * min(greater, less) / number), number, True, min(1.0, 2 / number))


def seeds_for_unpaired(alpha: float) -> int:
    """Least n of two groups of n values each whose smallest two-sided p is at most alpha."""
    return next(n for n in range(1, 1000) if 2 / math.comb(2 * n, n) <= alpha)


@cache
def _subsets(size: int, chosen: int) -> np.ndarray[Any, Any]:
    """Return all subsets of range(size) with so many members, shape [subsets, chosen]."""
    import numpy as np

    return np.array(list(combinations(range(size), chosen)))


@cache
def _signs(size: int) -> np.ndarray[Any, Any]:
    """Return all ways to give so many numbers a sign, shape [2**size, size]."""
    import numpy as np

    return 1.0 - 2.0 * (np.arange(2**size)[:, None] >> np.arange(size) & 1)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number by Holm's step-down method (Holm 1979, Scand. J. Statist. 6, 65–70).

    The i-th smallest of m, from 0, counts m − i times, and never less than the one before it.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, before = [0.0] * len(values), 0.0
    for rank, position in enumerate(order):
        before = max(before, min(1.0, (len(values) - rank) * values[position]))
        corrected[position] = before
    return corrected

"""Crossed seeds: the mean of a group whose every seed was trained under every data seed, and how sure it is.

There is no exact test of such a group: its trials cannot be exchanged for each other one by one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from sweeper.analysis.estimates import Estimate
from sweeper.analysis.variance import MeanSquares, complete_table, mean_squares

Cells = Mapping[tuple[int, int], float]  # by seed and data seed


@dataclass(frozen=True)
class CrossedMean:
    """A group's mean over a complete table of seeds × data seeds; `left_out` trials have no place in it."""

    estimate: Estimate
    seeds: int
    data_seeds: int
    left_out: int


def crossed_mean(cells: Cells) -> CrossedMean | None:
    """Return the mean over the largest complete table, for new seeds and new data seeds; None without two of each.

    The squared error of the mean of I × J cells y_ij = μ + a_i + b_j + e_ij is (MS_seeds + MS_data_seeds − MS_rest) /
    (I·J), which estimates σ_a²/I + σ_b²/J + σ²/(I·J) without bias (Searle, Casella and McCulloch 1992, Variance
    Components, chapter 4); it is taken to be at least the larger of the first two mean squares over I·J, as it can
    be negative else.
    """
    table = complete_table(cells)
    if table is None:
        return None
    height, width = len(table), len(table[0])
    values = [value for row in table for value in row]
    n, left_out = min(height, width), len(cells) - height * width
    if not all(map(math.isfinite, values)):
        return CrossedMean(Estimate(math.nan, n), height, width, left_out)
    return CrossedMean(_estimate(statistics.fmean(values), n, mean_squares(table)), height, width, left_out)


def crossed_difference(first: Cells, second: Cells) -> CrossedMean | None:
    """Return the mean difference of two groups cell by cell, over the cells that both have.

    For groups that read the same examples in the same order under each data seed. Of groups that are independent of
    each other, `estimates.difference` of their means is right, and too wide where they go up and down together.
    """
    return crossed_mean({key: value - second[key] for key, value in first.items() if key in second})


def _estimate(mean: float, n: int, found: MeanSquares) -> Estimate:
    """The mean with its error: 0 where all cells are equal, not known where both kinds of seeds seem to do nothing."""
    error = math.sqrt(_squared_error(found) / (found.height * found.width))
    if error:
        return Estimate(mean, n, error, _degrees_of_freedom(found))
    return Estimate(mean, n, None if found.residual else 0.0)


def _squared_error(found: MeanSquares) -> float:
    """I·J times the squared error of the mean."""
    return max(found.rows + found.columns - found.residual, found.rows, found.columns)


def _degrees_of_freedom(found: MeanSquares) -> float:
    """Satterthwaite's, of three mean squares of which one is subtracted (Gaylor and Hopper 1969, Technometrics 11).

    Not below those of the fewer of seeds and data seeds: the subtraction makes them go down to 0, which the lower limit
    of the squared error has made up for. With two of either exactly 1: the formula's own would cover 90 % of the true
    means. `tests.benchmarks.crossed` simulates what the intervals cover.
    """
    least = min(found.height, found.width) - 1
    if least == 1:
        return 1.0
    own = [(found.rows, found.height - 1), (found.columns, found.width - 1)]
    own.append((found.residual, (found.height - 1) * (found.width - 1)))
    scale = max(square for square, _ in own)
    total = sum((square / scale) ** 2 / freedom for square, freedom in own)
    return max((_squared_error(found) / scale) ** 2 / total, float(least))

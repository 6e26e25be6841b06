"""Crossed seeds: the error of a mean over seeds × data seeds, its degrees of freedom, and what the interval covers."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.crossed import crossed_difference, crossed_mean
from sweeper.analysis.estimates import difference
from sweeper.analysis.variance import complete_table, mean_squares
from tests.benchmarks.crossed import coverage

SIZES = [(2, 2), (2, 5), (3, 3), (3, 4), (5, 2), (4, 6)]


def drawn(size: tuple[int, int], *, seed: int = 0, rest: float = 0.3) -> np.ndarray:
    generator = np.random.default_rng([*size, seed])
    rows, columns = generator.normal(0, 1, (size[0], 1)), generator.normal(0, 0.5, (1, size[1]))
    return np.asarray(80 + rows + columns + generator.normal(0, rest, size))


def by_cell(table: np.ndarray) -> dict[tuple[int, int], float]:
    return {(int(row), int(column)): float(value) for (row, column), value in np.ndenumerate(table)}


@pytest.mark.parametrize("size", SIZES)
def test_mean_squares_are_those_of_least_squares(size: tuple[int, int]) -> None:
    """Each is by how much the squared residuals of a linear model grow without its columns, by numpy's lstsq."""
    table = drawn(size)
    ones = np.ones((table.size, 1))
    rows = np.repeat(np.eye(size[0]), size[1], axis=0)
    columns = np.tile(np.eye(size[1]), (size[0], 1))

    def left(*blocks: np.ndarray) -> float:
        design = np.hstack(blocks)
        return float(((table.ravel() - design @ np.linalg.lstsq(design, table.ravel(), rcond=None)[0]) ** 2).sum())

    full = left(ones, rows, columns)
    found = mean_squares(table.tolist())
    assert found.rows == pytest.approx((left(ones, columns) - full) / (size[0] - 1))
    assert found.columns == pytest.approx((left(ones, rows) - full) / (size[1] - 1))
    assert found.residual == pytest.approx(full / ((size[0] - 1) * (size[1] - 1)))


def test_three_by_three_by_hand() -> None:
    # Rows 1 2 6, 3 6 6, 5 7 9: means 3 5 7, columns 3 5 7, grand 5.
    # MS of rows 3·(4 + 0 + 4)/2 = 12, of columns the same; residuals 0 -1 1, 0 1 -1, 0 0 0: 4/4 = 1.
    # Squared error (12 + 12 − 1)/9, degrees of freedom 23² / (144/2 + 144/2 + 1/4) = 529/144.25.
    found = crossed_mean(by_cell(np.array([[1, 2, 6], [3, 6, 6], [5, 7, 9]])))
    assert found is not None and (found.seeds, found.data_seeds, found.left_out) == (3, 3, 0)
    own = found.estimate
    assert (own.value, own.n) == (5, 3)
    assert own.error == pytest.approx(math.sqrt(23 / 9))
    assert own.degrees_of_freedom == pytest.approx(529 / 144.25)
    assert own.interval() == pytest.approx(stats.t.interval(0.95, 529 / 144.25, 5, math.sqrt(23 / 9)))


def test_the_error_is_not_below_the_larger_mean_square() -> None:
    # Rows 0 3 3, 3 0 3, 6 6 3: the mean squares of columns are below those of the rest.
    table = np.array([[0, 3, 3], [3, 0, 3], [6, 6, 3]])
    squares, found = mean_squares(table.tolist()), crossed_mean(by_cell(table))
    assert squares.columns < squares.residual < squares.rows
    assert found is not None and found.estimate.error == pytest.approx(math.sqrt(squares.rows / 9))
    assert found.estimate.degrees_of_freedom is not None and found.estimate.degrees_of_freedom >= 2


def test_where_only_seeds_matter_it_is_the_interval_over_seeds() -> None:
    table = np.repeat([[79.3], [78.5], [80.1]], 4, axis=1)
    found = crossed_mean(by_cell(table))
    expected = stats.ttest_1samp(table[:, 0], 0).confidence_interval()
    assert found is not None and found.estimate.interval() == pytest.approx((expected.low, expected.high))


def test_two_of_either_have_one_degree_of_freedom() -> None:
    found = crossed_mean(by_cell(drawn((2, 10))))
    assert found is not None and (found.estimate.n, found.estimate.degrees_of_freedom) == (2, 1)


@pytest.mark.parametrize(
    ("table", "error"),
    [([[5, 5], [5, 5]], 0.0), ([[1, 4], [4, 1]], None)],  # in the second neither seed seems to do anything
)
def test_no_interval_where_none_can_be_known(table: list[list[float]], error: float | None) -> None:
    found = crossed_mean(by_cell(np.array(table)))
    assert found is not None and found.estimate.error == error
    assert found.estimate.interval() == (None, None) and found.estimate.p is None


def test_a_value_that_is_not_finite_stays_visible() -> None:
    found = crossed_mean({**by_cell(drawn((3, 3))), (1, 1): math.nan})
    assert found is not None and math.isnan(found.estimate.value) and found.estimate.error is None


def test_missing_cells_leave_the_largest_complete_table_and_are_counted() -> None:
    cells = by_cell(drawn((3, 4)))
    del cells[0, 3], cells[2, 3]
    found = crossed_mean(cells)
    assert found is not None and (found.seeds, found.data_seeds, found.left_out) == (3, 3, 1)
    assert found.estimate.value == pytest.approx(float(drawn((3, 4))[:, :3].mean()))
    assert crossed_mean({(1, 1): 0.5, (1, 2): 0.6, (2, 3): 0.7}) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_complete_table_is_the_largest_of_all(seed: int) -> None:
    generator = np.random.default_rng(seed)
    height, width = (int(number) for number in generator.integers(2, 6, 2))
    cells = {key: value for key, value in by_cell(drawn((height, width))).items() if generator.random() < 0.75}
    sizes = [
        len(rows) * len(columns)
        for rows in subsets(height)
        for columns in subsets(width)
        if all(cell in cells for cell in product(rows, columns))
    ]
    found = complete_table(cells)
    assert (len(found) * len(found[0]) if found else 0) == max(sizes, default=0)


def subsets(size: int) -> list[tuple[int, ...]]:
    return [chosen for number in range(2, size + 1) for chosen in combinations(range(size), number)]


def test_a_table_of_many_seeds_is_found_without_looking_at_all() -> None:
    cells = by_cell(drawn((20, 20)))
    del cells[3, 7]
    found = complete_table(cells)
    assert found is not None and len(found) * len(found[0]) == 380


def test_differences_cell_by_cell_leave_out_what_both_share() -> None:
    first, second = by_cell(drawn((3, 3))), by_cell(drawn((3, 3), rest=0.0) - 2)
    apart = crossed_mean(first), crossed_mean(second)
    paired = crossed_difference(first, {**second, (9, 9): 0.0})
    assert paired is not None and apart[0] is not None and apart[1] is not None
    unpaired = difference(apart[0].estimate, apart[1].estimate)
    assert paired.estimate.value == pytest.approx(unpaired.value)
    assert paired.estimate.error is not None and unpaired.error is not None and paired.estimate.error < unpaired.error


@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)])
def test_intervals_cover_what_they_say(spreads: tuple[float, float, float]) -> None:
    assert min(coverage((3, 3), spreads, 500)) > 0.93  # of 500, 0.95 ± 0.02

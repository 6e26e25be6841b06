from __future__ import annotations

import math

import numpy as np
import pytest

from sweeper.analysis.variance import Components, complete_table, components


def test_two_by_three_by_hand() -> None:
    # Rows 1 2 6 and 3 6 6: means 3 and 5, columns 2, 4, 6, grand 4.
    # MSA = 3·(1 + 1)/1 = 6; MSB = 2·(4 + 0 + 4)/2 = 8.
    # Residuals: row 1: 0, -1, 1; row 2: 0, 1, -1; MSE = 4/2 = 2.
    # σ_a² = (6 − 2)/3, σ_b² = (8 − 2)/2, σ² = 2.
    found = components([[1, 2, 6], [3, 6, 6]])
    assert (found.rows, found.columns, found.residual) == pytest.approx((4 / 3, 3, 2))
    assert found.negative == ()
    assert found.shares() == pytest.approx((4 / 19, 9 / 19, 6 / 19))


def test_a_negative_estimate_is_shown_as_nothing_and_named() -> None:
    # Row means are alike, so MSA = 0 < MSE.
    found = components([[1, 4], [3, 2]])
    assert found.rows == 0 and "rows" in found.negative
    assert found.residual == pytest.approx(4)


def test_values_that_do_not_vary_have_no_shares() -> None:
    assert components([[1, 1], [1, 1]]) == Components(0, 0, 0, ())
    assert components([[1, 1], [1, 1]]).shares() is None


def test_large_tables_give_back_what_they_were_drawn_from() -> None:
    generator = np.random.default_rng(0)
    rows, columns = generator.normal(0, 2, (300, 1)), generator.normal(0, 1, (1, 300))
    found = components((rows + columns + generator.normal(0, 0.5, (300, 300))).tolist())
    assert math.sqrt(found.rows) == pytest.approx(2, rel=0.1)
    assert math.sqrt(found.columns) == pytest.approx(1, rel=0.1)
    assert math.sqrt(found.residual) == pytest.approx(0.5, rel=0.02)


def test_what_has_holes_is_left_out() -> None:
    cells = {(seed, order): float(10 * seed + order) for seed in (1, 2, 3) for order in (1, 2, 3)}
    assert complete_table(cells) == [[11, 12, 13], [21, 22, 23], [31, 32, 33]]
    del cells[2, 1], cells[2, 3]
    assert complete_table(cells) == [[11, 12, 13], [31, 32, 33]]
    assert complete_table({(1, 1): 0.0, (2, 2): 0.0}) is None
    assert complete_table({}) is None

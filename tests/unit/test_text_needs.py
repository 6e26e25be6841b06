"""How many seeds and texts would show a difference: from the measured spreads, by power."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweeper.analysis.effect_sizes import detectable_difference
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.text_moments import TextMoments, text_moments
from sweeper.analysis.text_needs import Needed, needed, spreads
from sweeper.analysis.texts import difference_over_texts

TEXT_SD = REST_SD = 0.3


def group(seeds: int, texts: int, number: int = 0, clusters: Any = None, seed_sd: float = 0.01) -> TextMoments:
    generator = np.random.default_rng([number, seeds, texts])
    scores = seed_sd * generator.normal(0, 1, (seeds, 1)) + TEXT_SD * generator.normal(0, 1, texts)
    return text_moments(scores + REST_SD * generator.normal(0, 1, (seeds, texts)), clusters)


def test_as_many_as_there_are_have_the_error_that_there_is() -> None:
    first, second = group(4, 500, 1, seed_sd=0.05), group(7, 500, 2, seed_sd=0.05)
    own, found = spreads(first, second), difference_over_texts(first, second).estimate
    assert own is not None and min(*own.seeds, own.text) > 0
    again = own.estimate((4, 7), 500)
    assert again.error == pytest.approx(found.error)
    assert again.degrees_of_freedom == pytest.approx(found.degrees_of_freedom)


def test_spreads_are_what_the_scores_were_drawn_with() -> None:
    own = spreads(group(200, 3000), group(200, 3000, 1))
    assert own is not None
    assert own.seeds == pytest.approx([0.01**2] * 2, rel=0.3)
    assert own.text == pytest.approx(2 * TEXT_SD**2, rel=0.05)
    assert own.rest == pytest.approx([REST_SD**2] * 2, rel=0.05)
    assert own.freedom == (1, 1)


def detectable(own: Any, seeds: tuple[int, int], texts: int) -> float:
    return detectable_difference([own.estimate(seeds, texts)], ALPHA) or 0.0


def test_they_are_the_fewest_that_suffice() -> None:
    first, second = group(5, 2000), group(5, 2000, 1)
    own, rows = spreads(first, second), needed(first, second)
    assert own is not None and rows is not None
    assert [row.difference for row in rows] == [0.01, 0.02, 0.05]
    for row in rows:
        if row.seeds is not None:
            assert detectable(own, (row.seeds, row.seeds), 2000) <= row.difference
            assert row.seeds == 3 or detectable(own, (row.seeds - 1, row.seeds - 1), 2000) > row.difference
        if row.texts is not None:
            assert detectable(own, (5, 5), row.texts) <= row.difference < detectable(own, (5, 5), row.texts - 1)
        assert row.both is not None
        n, m = row.both
        assert m == n * 400 and detectable(own, (n, n), m) <= row.difference


def test_no_number_of_seeds_alone_makes_up_for_texts_nor_of_texts_for_seeds() -> None:
    few_texts = needed(group(5, 50), group(5, 50, 1), [0.02])
    assert few_texts is not None and few_texts[0].seeds is None and few_texts[0].both is not None
    few_seeds = needed(group(3, 2000, seed_sd=0.05), group(3, 2000, 1, seed_sd=0.05), [0.01])
    assert few_seeds is not None and few_seeds[0].texts is None and few_seeds[0].both is not None


def test_a_coarse_difference_needs_the_fewest() -> None:
    rows = needed(group(5, 2000), group(5, 2000, 1), [10.0])
    assert rows == (Needed(10.0, 3, 2, (3, 1200)),)


def test_clusters_count_as_they_are() -> None:
    clusters = np.arange(2000) // 10
    rows = needed(group(5, 2000, clusters=clusters), group(5, 2000, 1, clusters=clusters), [10.0])
    assert rows is not None and rows[0].texts == 20  # two clusters


def test_one_seed_and_nothing_that_varies_tell_none() -> None:
    assert needed(group(1, 50), group(3, 50)) is None
    same = text_moments(np.ones((3, 20)))
    assert needed(same, same) is None

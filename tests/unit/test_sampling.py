from __future__ import annotations

from collections import Counter

import pytest

from sweeper.data import Examples
from sweeper.data.splits import apportion, limit_examples, stratified_parts


def sorted_by_label(*sizes: int) -> Examples:
    labels = tuple(label for label, size in enumerate(sizes) for _ in range(size))
    return Examples(tuple(f"text {index}" for index in range(len(labels))), labels)


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ((50, 50), 10, {0: 5, 1: 5}),
        ((50, 50), 11, {0: 6, 1: 5}),
        ((2, 50), 10, {0: 2, 1: 8}),  # a class that is too small leaves its places to the others
        ((50, 50, 50), 2, {0: 1, 1: 1}),
        ((3, 4), 100, {0: 3, 1: 4}),
    ],
)
def test_limit_is_drawn_evenly_from_classes(sizes: tuple[int, ...], limit: int, expected: dict[int, int]) -> None:
    assert Counter(limit_examples(sorted_by_label(*sizes), limit).labels) == expected


def test_limit_keeps_order_and_pairs() -> None:
    examples = Examples(("a", "b", "c", "d", "e"), (1, 1, 0, 1, 0))
    assert limit_examples(examples, 3) == Examples(("a", "c", "e"), (1, 0, 0))
    assert limit_examples(examples, None) is examples


def test_smaller_limit_is_part_of_larger() -> None:
    examples = sorted_by_label(7, 20)
    for limit in range(2, 27):
        smaller, larger = limit_examples(examples, limit), limit_examples(examples, limit + 1)
        assert set(smaller.texts) < set(larger.texts)


def test_apportion_is_hamiltons_method() -> None:
    # The worked example of Wikipedia's article on the largest remainder method.
    votes = {0: 47000, 1: 16000, 2: 15900, 3: 12000, 4: 6000, 5: 3100}
    assert apportion(votes, 10) == {0: 5, 1: 2, 2: 1, 3: 1, 4: 1, 5: 0}


def test_split_is_a_stratified_partition() -> None:
    labels = sorted_by_label(900, 300, 17).labels
    kept, held_out = stratified_parts(labels, [200], seed=3)
    assert sorted(kept + held_out) == list(range(len(labels)))
    assert (kept, held_out) == (sorted(kept), sorted(held_out))
    assert Counter(labels[index] for index in held_out) == {0: 148, 1: 49, 2: 3}  # 147.9, 49.3, 2.8


def test_split_follows_its_seed() -> None:
    labels = sorted_by_label(500, 500).labels
    assert stratified_parts(labels, [100], seed=1) == stratified_parts(labels, [100], seed=1)
    first, second = (set(stratified_parts(labels, [100], seed=seed)[1]) for seed in (1, 2))
    assert len(first & second) < 30  # 10 are expected of independent draws


def test_split_stays_what_it_was() -> None:
    # random.Random(0) draws .84 .76 .42 .26 .51 .40 | .78 .30 .48 .58 .91 .50: the two least of each class.
    assert stratified_parts(sorted_by_label(6, 6).labels, [4], seed=0)[1] == [3, 5, 7, 8]


def test_split_reaches_every_position() -> None:
    labels = sorted_by_label(10, 10).labels
    drawn = Counter(index for seed in range(400) for index in stratified_parts(labels, [4], seed)[1])
    assert min(drawn.values()) > 40 and max(drawn.values()) < 125  # 80 ± 8 expected


def test_parts_are_stratified_and_divide_all() -> None:
    labels = sorted_by_label(700, 200, 100).labels
    parts = stratified_parts(labels, [200, 100], seed=5)
    assert sorted(index for part in parts for index in part) == list(range(1000))
    counts = [Counter(labels[index] for index in part) for part in parts]
    assert counts == [{0: 490, 1: 140, 2: 70}, {0: 140, 1: 40, 2: 20}, {0: 70, 1: 20, 2: 10}]
    # A later part changes nothing in the first ones.
    assert stratified_parts(labels, [200], seed=5)[1] == parts[1]


def test_pairs_stay_together() -> None:
    pairs = Examples(("a", "b", "c"), (0, 1, 0), ("x", "y", "z"))
    assert pairs.at([2, 1]) == Examples(("c", "b"), (0, 1), ("z", "y"))
    assert limit_examples(pairs, 2) == Examples(("a", "b"), (0, 1), ("x", "y"))
    assert pairs.inputs == [("a", "x"), ("b", "y"), ("c", "z")]
    assert Examples(("a", "b"), (0, 1)).inputs == [("a",), ("b",)]

"""Ranking, and letters against every way to put groups together."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from sweeper.analysis.letters import Place, letters, ranking


def share(one: str, other: str) -> bool:
    return bool(set(one) & set(other))


@pytest.mark.parametrize("seed", range(60))
def test_letters_are_the_largest_sets_of_groups_that_are_not_told_apart(seed: int) -> None:
    random = Random(seed)
    size = random.randint(1, 7)
    likely = random.random()
    apart = {pair for pair in combinations(range(size), 2) if random.random() < likely}
    alike = [
        set(chosen)
        for number in range(1, size + 1)
        for chosen in combinations(range(size), number)
        if not any(pair in apart for pair in combinations(chosen, 2))
    ]
    largest = [one for one in alike if not any(one < other for other in alike)]
    order = random.sample(range(size), size)
    given = [pair if random.random() < 0.5 else pair[::-1] for pair in apart]
    found = letters(order, random.sample(given, len(given)))
    assert found is not None
    names = {letter for own in found for letter in own}
    columns = [{position for position, own in zip(order, found, strict=True) if name in own} for name in names]
    assert sorted(map(sorted, columns)) == sorted(map(sorted, largest))
    assert names == set("abcdefghijklmnopqrstuvwxyz"[: len(names)])
    for (one, first), (other, second) in combinations(zip(order, found, strict=True), 2):
        assert share(first, second) == ((min(one, other), max(one, other)) not in apart)


def test_piephos_kind_of_display() -> None:
    # 0 differs from 2 and 3, 1 from 3.
    assert letters([0, 1, 2, 3], [(0, 2), (0, 3), (1, 3)]) == ["a", "ab", "bc", "c"]
    assert letters([0, 1, 2], []) == ["a", "a", "a"]
    assert letters([], []) == []


@pytest.mark.parametrize("reach", [1, 3, 10, 40])
def test_forty_groups(reach: int) -> None:
    apart = [(one, other) for one, other in combinations(range(40), 2) if other - one >= reach]
    found = letters(list(range(40)), apart)
    assert found is not None and found[0] == "a"
    assert all(share(found[one], found[other]) == (other - one < reach) for one, other in combinations(range(40), 2))


def test_too_many_letters_are_none() -> None:
    apart = [(2 * number, 2 * number + 1) for number in range(20)]  # 2 to the 20th largest sets
    assert letters(list(range(40)), apart) is None
    assert {place.letters for place in ranking([0.0] * 40, apart, greater_is_better=True)} == {None}


def test_ranking_by_mean() -> None:
    found = ranking([0.7, None, 0.9, 0.7, float("nan")], [(0, 2), (2, 3)], greater_is_better=True)
    assert found[:3] == [Place(2, 0.9, 1, "a"), Place(0, 0.7, 2, "b"), Place(3, 0.7, 2, "b")]
    assert [(place.position, place.rank, place.letters) for place in found[3:]] == [(1, None, ""), (4, None, "")]


def test_of_perplexities_the_smallest_is_first() -> None:
    assert [place.position for place in ranking([30.0, 20.0, 25.0], [], greater_is_better=False)] == [1, 2, 0]

from __future__ import annotations

import pytest

from sweeper.frameworks.metrics import answer_metrics, exact_match, normalised, token_f1


@pytest.mark.parametrize(
    ("answer", "compared"),
    [
        ("The Norman dukes.", "norman dukes"),
        ("a\tcat  and an\nowl", "cat and owl"),
        ("anthem", "anthem"),  # no article begins it
        ("the-cat", "thecat"),  # punctuation goes before articles are looked for
        ("It's 3.5 %", "its 35"),
        ("L'Été, le chat", "lété le chat"),  # French articles are words as others
        ("« Oui »", "« oui »"),  # beyond ASCII
        ("The", ""),
    ],
)
def test_what_is_compared(answer: str, compared: str) -> None:
    assert normalised(answer) == compared


@pytest.mark.parametrize(
    ("given", "expected", "exact", "f1"),
    [
        ("Denver Broncos", "the Denver Broncos!", True, 1.0),
        ("the Broncos of Denver", "Denver Broncos", False, 4 / 5),  # 2 of 3 words, 2 of 2: order does not matter
        ("gold gold gold", "gold gem", False, 2 / 5),  # a word counts as often as both have it
        ("silver", "gold", False, 0.0),
        ("", "gold", False, 0.0),
        ("a", "the", True, 1.0),  # nothing is left of either
        ("oui", "Oui", True, 1.0),
    ],
)
def test_scores_of_one_answer(given: str, expected: str, exact: bool, f1: float) -> None:
    assert exact_match(given, expected) is exact
    assert token_f1(given, expected) == pytest.approx(f1)
    assert token_f1(expected, given) == pytest.approx(f1)


def test_scores_are_averaged_over_examples() -> None:
    found = answer_metrics(["a gem", "mess", "big gem"], ["gem", "gem", "gem"])
    assert found == pytest.approx({"exact_match": 1 / 3, "token_f1": (1 + 0 + 2 / 3) / 3})

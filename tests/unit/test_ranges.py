"""Every setting that is a number has a smallest and a largest value, and is refused beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest

from sweeper.config.schema import Config, PretrainConfig
from sweeper.data.cls_books import ClsBooks
from sweeper.data.corpus import Corpus
from sweeper.data.demo import Demo
from sweeper.data.files import Files
from sweeper.data.hub import Hub
from sweeper.data.qa_demo import QaDemo
from sweeper.data.questions import QuestionFiles, QuestionHub
from sweeper.errors import WrongInput
from sweeper.trial.settings import check_ranges

DATA = (ClsBooks, Corpus, Demo, Files, Hub, QaDemo, QuestionFiles, QuestionHub)
LOWER, UPPER = {"at_least", "above"}, {"at_most", "below"}


def numbers(kind: Any, above: str = "") -> Iterator[tuple[str, type, Any]]:
    """Yield each number among a class's settings: its name, the class that has it, and its field."""
    hints = get_type_hints(kind)
    for item in fields(kind):
        hint = hints[item.name]
        if is_dataclass(hint):
            yield from numbers(hint, f"{above}{item.name}.")
        elif {hint, *get_args(hint)} & {int, float}:
            yield f"{kind.__name__}: {above}{item.name}", kind, item


FOUND = {name: (kind, item) for whole in (Config, PretrainConfig, *DATA) for name, kind, item in numbers(whole)}


def test_there_are_numbers() -> None:
    assert len(FOUND) > 50


@pytest.mark.parametrize("name", FOUND)
def test_a_number_has_a_range(name: str) -> None:
    bounds = FOUND[name][1].metadata["bounds"]
    assert len(LOWER & bounds.keys()) == len(UPPER & bounds.keys()) == 1


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("value", [-1, 10**22, 1e300, float("inf"), float("nan")])
def test_what_no_machine_has_is_refused(name: str, value: float) -> None:
    kind, item = FOUND[name]
    given = (value, value) if isinstance(item.default, tuple) else value
    with pytest.raises(WrongInput) as refused:
        check_ranges(replace(kind(), **{item.name: given}))
    assert str(refused.value).startswith(f"{item.name}={value} is out of range\nallowed: ")

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.records.logs import BYTES_READ, last_lines, last_message

TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", "it left no message"),
        (f"{TRACEBACK}OSError: disk is full\n\n", "OSError: disk is full"),
        (f"{TRACEBACK}sweeper.errors.WrongInput: x=1 is too small\nallowed: 2\n", "x=1 is too small; allowed: 2"),
        (f"{TRACEBACK}sweeper.wrong_input.WrongInput: x=1 is too small\nallowed: 2\n", "x=1 is too small; allowed: 2"),
    ],
)
def test_the_message_that_a_log_ends_with(log: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log)
    assert last_message(tmp_path / "log") == said


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert last_message(tmp_path / "log") == "it left no message"


def test_the_last_lines_of_a_log_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("é" * BYTES_READ + "\n\none\n two \n\nthree\n")
    assert last_lines(tmp_path / "log") == ["one", " two", "three"]
    assert last_lines(tmp_path / "none") == []

"""A wrong input and what the door must say of it; test_door.py runs the cases of every door_*.py beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Arguments, and words that the message must hold: the culprit and what is allowed; `program` is the command's."""

    arguments: str
    expected: tuple[str, ...]
    program: str = "run"

    @property
    def line(self) -> str:
        """The command and its arguments."""
        return f"{self.program} {self.arguments}"

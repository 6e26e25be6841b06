"""The end of a log: its last lines, and the message that it ends with."""

from __future__ import annotations

from pathlib import Path

from sweeper.errors import WrongInput

BYTES_READ = 8192
LINES_SHOWN = 3
# How a traceback names a refusal; logs of earlier versions have the class in another module.
REFUSALS = (f"{WrongInput.__module__}.{WrongInput.__name__}: ", "sweeper.wrong_input.WrongInput: ")
NO_MESSAGE = "it left no message"


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a log that are not empty."""
    return [line.rstrip() for line in end_of(log).split("\n") if line.strip()][-LINES_SHOWN:]


def last_message(log: Path) -> str:
    """Return the last line of a log, or all of the refusal that it ends with."""
    text = end_of(log)
    start = max((text.rfind(name) + len(name) for name in REFUSALS if name in text), default=0)
    lines = [line.strip() for line in text[start:].split("\n") if line.strip()]
    if not lines:
        return NO_MESSAGE
    return "; ".join(lines) if start else lines[-1]


def end_of(log: Path) -> str:
    """Return the end of a log; empty where there is none. A log may be of any size."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - BYTES_READ))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""

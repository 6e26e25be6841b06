"""What a log says last."""

from __future__ import annotations

from pathlib import Path

from sweeper.errors import WrongInput

BYTES_READ = 8192
LINES_SHOWN = 3


def end_of(log: Path) -> str:
    """Return the end of a log; empty where there is none. A log may be of any size."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - BYTES_READ))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a log that are not empty."""
    return [line.rstrip() for line in end_of(log).split("\n") if line.strip()][-LINES_SHOWN:]


def last_message(log: Path) -> str:
    """Return the last line of a log, or all of the refusal that it ends with."""
    text = end_of(log)
    _, refused, said = text.rpartition(f"{WrongInput.__module__}.{WrongInput.__name__}: ")
    lines = [line.strip() for line in (said if refused else text).split("\n") if line.strip()]
    return ("; ".join(lines) if refused else lines[-1]) if lines else "no word of why"

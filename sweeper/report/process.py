"""The report written at a sweep's end by a process of its own: its imports and failures touch no trial."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from sweeper.report.directory import outdated
from sweeper.wrong_input import WrongInput

PATIENCE_SECONDS = 300.0


def start_writing(study: Path) -> subprocess.Popen[str] | None:
    """Start to write a study's report, unless it is written from the records as they are."""
    with contextlib.suppress(WrongInput):  # a record that cannot be read: the process will say which
        if not outdated(study):
            return None
    command = [sys.executable, "-m", "sweeper.report", str(study), "--write"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def await_writing(process: subprocess.Popen[str] | None, study: Path) -> str:
    """Wait until a report is written; returns a warning of one line, empty when all went well."""
    if process is None:
        return ""
    try:
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        problem = reason(said) if process.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"it takes more than {PATIENCE_SECONDS:.0f} s"
    finally:
        process.kill()
        process.wait()
    return problem and f"The report was not written ({problem}); later: python -m sweeper.report {study} --write"


def reason(said: str) -> str:
    """First line of a refusal, or the last one of a traceback."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return "no word of why"
    refusal = next((line for line in lines if line.startswith("sweeper: ")), lines[-1])  # warnings may stand before it
    return refusal.removeprefix("sweeper: ")

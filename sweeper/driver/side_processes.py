"""Processes beside a sweep, whose imports and failures touch no trial: they keep MLflow and the report up to date."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sweeper.errors import WrongInput
from sweeper.records.logs import NO_MESSAGE
from sweeper.records.study import Study
from sweeper.report.directory import outdated
from sweeper.tracking.state import pending, shown

PATIENCE_SECONDS = 300.0  # on a busy machine, to which they give way


@contextlib.contextmanager
def follow(study: Study, warnings: list[str], *, something_runs: bool) -> Iterator[None]:
    """Sync the study's records while the block runs and once more at its end; what fails is put into `warnings`.

    Nothing is started when nothing runs and the store knows everything already.
    """
    uri = study.tracking_uri
    if uri is None or not (something_runs or pending(study.directory, uri)):
        yield
        return
    command = f"python -m sweeper.sync {study.directory}"
    process = _start("sweeper.sync", study.directory, "--follow", stdin=subprocess.PIPE)
    try:
        yield
        _, complaint = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode != 0:
            warnings.append(complaint.strip().removeprefix("sweeper: ") or f"MLflow was not updated: {command}")
    except subprocess.TimeoutExpired:
        warnings.append(f"MLflow at {shown(uri)} takes too long; later: {command}")
    finally:
        process.kill()
        process.wait()


def start_writing(study: Path) -> subprocess.Popen[str] | None:
    """Start to write a study's report, unless it is written from the records as they are."""
    with contextlib.suppress(WrongInput):  # a record that cannot be read: the process names it
        if not outdated(study):
            return None
    return _start("sweeper.report", study, "--write", stdin=subprocess.DEVNULL)


def _start(module: str, study: Path, option: str, stdin: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, str(study), option]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def await_writing(process: subprocess.Popen[str] | None, study: Path) -> str:
    """Wait until a report is written; returns a warning of one line, empty when all went well."""
    if process is None:
        return ""
    try:
        _, complaint = process.communicate(timeout=PATIENCE_SECONDS)
        problem = reason(complaint) if process.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"it takes more than {PATIENCE_SECONDS:.0f} s"
    finally:
        process.kill()
        process.wait()
    return problem and f"The report was not written ({problem}); later: python -m sweeper.report {study} --write"


def reason(complaint: str) -> str:
    """Return the first line of a refusal, or the last one of a traceback."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    if not lines:
        return NO_MESSAGE
    refusal = next((line for line in lines if line.startswith("sweeper: ")), lines[-1])  # warnings may stand before it
    return refusal.removeprefix("sweeper: ")

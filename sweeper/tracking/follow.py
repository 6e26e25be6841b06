"""MLflow kept up to date beside a sweep, by a process of its own: its imports and failures touch no trial."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sweeper.study import Study
from sweeper.tracking.state import pending, shown

LAST_SYNC_SECONDS = 300.0  # on a busy machine, to which it gives way


@contextmanager
def follow(study: Study, warnings: list[str], *, something_runs: bool) -> Iterator[None]:
    """Sync the study's records while the block runs and once more at its end; what fails is put into `warnings`.

    Nothing is started when nothing runs and the store knows everything already.
    """
    uri = study.tracking_uri
    if uri is None or not (something_runs or pending(study.directory, uri)):
        yield
        return
    command = [sys.executable, "-m", "sweeper.sync", str(study.directory), "--follow"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield
        _, complaint = process.communicate(timeout=LAST_SYNC_SECONDS)
        if process.returncode != 0:
            warnings.append(complaint.strip() or f"MLflow was not updated: python -m sweeper.sync {study.directory}")
    except subprocess.TimeoutExpired:
        warnings.append(f"MLflow at {shown(uri)} takes too long; later: python -m sweeper.sync {study.directory}")
    finally:
        process.kill()
        process.wait()

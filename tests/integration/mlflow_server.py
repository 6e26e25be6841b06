"""A real MLflow server on this machine, started as a user starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTUP_SECONDS = 600.0
QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(directory: Path) -> Iterator[str]:
    """Run a server whose store and artefacts lie in a directory; yields its address."""
    uri = f"http://127.0.0.1:{free_port()}"
    program = str(Path(sys.executable).with_name("mlflow"))
    command = [program, "server", "--port", uri.rpartition(":")[2], "--workers", "1"]
    with (directory / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{directory}/mlflow.db"],
            cwd=directory,
            env={**os.environ, **QUIET},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        await_health(uri, process)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_health(uri: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the MLflow server did not start")

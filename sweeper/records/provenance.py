"""Where and by what a trial was run: versions, code, host, command."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "sweeper",
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "bitsandbytes",
    "tokenizers",
    "sentencepiece",
    "datasets",
    "numpy",
    "fairseq",
)
PACKAGE = Path(__file__).parent


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that determine results, as installed here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def code_state(directory: Path = PACKAGE) -> dict[str, Any]:
    """Git commit of the code that runs and the SHA-256 of what differs from it; nulls outside a repository."""
    commit = _git(directory, "rev-parse", "HEAD")
    difference = _git(directory, "diff", "HEAD") if commit else None
    return {
        "commit": commit,
        "dirty": bool(difference),
        "difference_sha256": hashlib.sha256(difference.encode()).hexdigest() if difference else None,
    }


def own_code_state() -> dict[str, Any] | None:
    """Return the same of the user's own repository, in which the command runs; None without another than Sweeper's."""
    root = _git(Path.cwd(), "rev-parse", "--show-toplevel")
    if root is None or root == _git(PACKAGE, "rev-parse", "--show-toplevel"):
        return None
    return {"repository": root, **code_state(Path(root))}


def states_of_code() -> dict[str, Any]:
    """Return what provenance has of the code: Sweeper's, and the user's own where it is in a repository."""
    own = own_code_state()
    return {"code": code_state()} | ({"own_code": own} if own else {})


def _git(directory: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(directory), *arguments]
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace", check=False)
    except FileNotFoundError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def command_line() -> str:
    """Return the command that is running, as one would type it."""
    main = sys.modules["__main__"].__spec__
    program = ["python", "-m", main.name.removesuffix(".__main__")] if main else ["python", sys.argv[0]]
    return shlex.join([*program, *sys.argv[1:]])


def differences(submitted: Mapping[str, Any]) -> list[str]:
    """Say what differs here from where a trial was submitted: versions, and the state of the code."""
    found = versions() | _commits(states_of_code())
    expected = submitted["versions"] | _commits(submitted)
    return [
        f"{name}: {found.get(name, 'none')} where it ran, {expected.get(name, 'none')} where it was submitted"
        for name in expected | found
        if found.get(name) != expected.get(name)
    ]


def _commits(states: Mapping[str, Any]) -> dict[str, str]:
    own = states.get("own_code")
    return {"commit": _shown_code(states["code"])} | ({"commit of your own code": _shown_code(own)} if own else {})


def _shown_code(state: Mapping[str, Any]) -> str:
    changes = f" with changes {state['difference_sha256'][:8]}" if state["dirty"] else ""
    return f"{state['commit'][:8]}{changes}" if state["commit"] else "none"


def here(device: str) -> dict[str, Any]:
    """What is known of the machine and its packages, the GPU where a trial uses one; called where the trial runs."""
    machine = {"host": socket.gethostname(), "platform": platform.platform(), "cpu": cpu_model()}
    return machine | ({"gpu": gpu_model()} if device == "cuda" else {}) | {"versions": versions()}


def cpu_model() -> str | None:
    """Return the processor's model, as Linux names it; None where that is not told."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, None) or platform.processor() or None


def gpu_model() -> str | None:
    """Return the model of the first GPU that this process may use; None where nvidia-smi does not tell."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0].strip()
    for only in ([["-i", chosen]] if chosen else []) + [[]]:
        command = ["nvidia-smi", *only, "--query-gpu=name", "--format=csv,noheader"]
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        if run.returncode == 0 and run.stdout.strip():
            return run.stdout.splitlines()[0].strip()
    return None

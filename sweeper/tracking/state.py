"""Stores that show a study: what each was shown already, and how to open it. Without MLflow's import, which is slow."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sweeper.errors import WrongInput
from sweeper.records.files import read_json, write_json
from sweeper.records.fingerprints import fingerprint_of_study, fingerprints

FILE = ".mlflow.json"
SQLITE = "sqlite:///"
SERVERS = ("http://", "https://")
KIND = "?workflowType=machine_learning"  # of work, in an address


class TrackingError(RuntimeError):
    """MLflow could not be written; the message is one line with the URI, the reason and the remedy."""


@dataclass(frozen=True)
class State:
    """Content of `<study>/.mlflow.json`.

    `study` marks the study's runs: a name is not enough, a server may show several studies of one name.
    `synced` holds the fingerprints of the trials as each store shows them, by URI and trial; `experiments` the id
    of the study's experiment in each store; `reports` what the report that each store holds was made from; `runs` the
    id of the study's own run in each.
    """

    study: str | None = None
    synced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    experiments: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)


def read_state(study: Path) -> State:
    """Return a study's state; an empty one before the first synchronisation."""
    return State(**(read_json(study / FILE) or {}))


def write_state(study: Path, state: State) -> None:
    """Replace a study's state."""
    write_json(study / FILE, asdict(state))


def pending(study: Path, uri: str, *, with_report: bool = True) -> bool:
    """Whether a store has yet to be shown something, as far as is known without asking it."""
    store, state = database(uri), read_state(study)
    if store is not None and not store.exists():
        return True
    if with_report and state.reports.get(shown(uri)) != fingerprint_of_study(study):
        return True
    return state.synced.get(shown(uri)) != fingerprints(study)


def check_uri(uri: str) -> None:
    """Raise WrongInput for what cannot be an MLflow store; a directory no longer can."""
    scheme, separator, rest = uri.partition("://")
    if not separator or not rest.strip("/") or scheme == "file":
        raise WrongInput(
            f"tracking.uri={uri} is no MLflow store\n"
            "allowed: sqlite:///FILE, http://HOST:PORT, https://HOST, or another database that MLflow knows\n"
            "tracking=none does without MLflow"
        )


def database(uri: str) -> Path | None:
    """File of an SQLite store; None for any other store."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]) if uri.startswith(SQLITE) else None


def absolute(uri: str) -> str:
    """Make an SQLite store's path absolute, so that it means the same in every directory."""
    return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).resolve()}" if uri.startswith(SQLITE) else uri


def shown(uri: str) -> str:
    """Return a URI as it may be shown and kept: absolute, without the name and password that it may hold."""
    return re.sub(r"//[^/@]*@", "//", absolute(uri))


def ui_command(uri: str) -> str:
    """Return what opens a store's runs in a browser: a command to paste here, or a server's address."""
    if uri.startswith(SERVERS):
        return shown(uri)
    program = Path(sys.executable).with_name("mlflow")
    if program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    return shlex.join([str(program), "ui", "--backend-store-uri", absolute(uri)])


def study_address(study: Path, uri: str) -> str | None:
    """Return where a browser finds a study's own run, with its verdict and numbers, once `ui_command` runs.

    It names the kind of work, as `runs_address` does.
    """
    state = read_state(study)
    experiment, run = state.experiments.get(shown(uri)), state.runs.get(shown(uri))
    return f"{_server(uri)}/#/experiments/{experiment}/runs/{run}{KIND}" if experiment and run else None


def runs_address(study: Path, uri: str) -> str | None:
    """Return where a browser finds a table of a study's runs once `ui_command` runs; None before they were shown there.

    It names the kind of work: MLflow's own front page leads to a view for language models, which has no runs.
    """
    experiment = read_state(study).experiments.get(shown(uri))
    return experiment and f"{_server(uri)}/#/experiments/{experiment}/runs{KIND}"


def _server(uri: str) -> str:
    return shown(uri).rstrip("/") if uri.startswith(SERVERS) else "http://127.0.0.1:5000"

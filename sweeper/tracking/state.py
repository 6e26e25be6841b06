"""The part of tracking that needs no MLflow: what runs should show, and what a store was shown already.

Light, so that whoever has nothing new to show never imports MLflow, which takes seconds.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sweeper.errors import WrongInput
from sweeper.records.files import read_json, write_json
from sweeper.records.fingerprints import fingerprint_of_study, fingerprints, planned, stat_if_there
from sweeper.records.record import Record
from sweeper.trial.outcome import Status

FILE = ".mlflow.json"
SQLITE = "sqlite:///"
# A study's status is the first of these that one of its trials has.
PRECEDENCE = (
    Status.RUNNING,
    Status.FAILED,
    Status.INTERRUPTED,
    Status.CANCELLED,
    Status.PLANNED,
    Status.DONE,
)


class TrackingError(RuntimeError):
    """MLflow could not be written; the message is one line with the URI, the reason and the remedy."""


@dataclass(frozen=True)
class State:
    """Content of `<study>/.mlflow.json`.

    `study` marks the study's runs: a name is not enough, a server may show several studies of one name.
    `synced` holds the fingerprints of the trials as each store shows them, by URI and trial; `experiments` the id
    of the study's experiment in each store; `reports` what the report that each store holds was made from.
    """

    study: str | None = None
    synced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    experiments: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Overview:
    """What a store shows of a study beyond its trials.

    `metrics` of the parent run; `groups`: each trial's, by the name of its directory; `report` writes the study's
    report and returns its directory, whose files become the parent's artefacts. None: not this time; `tags` of the
    parent run.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    report: Callable[[], Path] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Point:
    """One number of a run; `time` in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True)
class View:
    """What a run shows; times in milliseconds since 1970. `end` is None for what has not ended."""

    name: str
    status: Status
    start: int
    end: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    points: Sequence[Point] = ()


def trial_view(record: Record, description: Mapping[str, Any]) -> View:
    """Derive a trial's run from its record, whose trial.json is `description`."""
    outcome = record.outcome()
    status = outcome.status if outcome else record.status()
    ended = stat_if_there(record.path / "outcome.json") if outcome else None
    tags = {key: str(value) for key, value in description["choices"].items()}
    tags |= {"status": status.value, "sweeper.id": description["id"]}
    tags |= source(description["provenance"]["launches"][-1])
    if outcome and outcome.error:
        tags["error"] = f"{outcome.error.type}: {outcome.error.message}"
    return View(
        name=record.path.name,
        status=status,
        start=milliseconds(description["created"]),
        end=milliseconds(ended.st_mtime) if ended else None,
        tags=tags,
        params=dict(flat(description["config"])),
        points=points(record, description["created"]),
    )


def source(launch: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags under which MLflow shows the command and the code of a launch."""
    commit = launch.get("code", {}).get("commit")
    known = {"mlflow.source.name": launch.get("command"), "mlflow.source.git.commit": commit}
    return {key: value for key, value in known.items() if value}


def points(record: Record, created: float) -> list[Point]:
    """Return a trial's metrics at their steps, then its best epoch's as best/…, stamped as that epoch was.

    The latter at step 0, which MLflow draws as bars beside each other and not as curves of one point.
    """
    events, outcome = record.metrics(), record.outcome()
    found = [Point(event.key, event.value, milliseconds(event.time), event.step) for event in events]
    if outcome is None or outcome.best is None:
        return found
    best = outcome.best
    stamp = milliseconds(max((event.time for event in events if event.step == best.step), default=created))
    values = {**best.metrics, "epoch": float(best.epoch), "step": float(best.step)}
    return found + [Point(f"best/{key}", value, stamp, 0) for key, value in values.items()]


def study_view(study: Path, trials: Sequence[View]) -> View:
    """Derive the parent run from its trials' runs and the plan."""
    counts = Counter(trial.status for trial in trials)
    counts[Status.PLANNED] = len(planned(study, {trial.name: trial for trial in trials}))
    present = [status for status in PRECEDENCE if counts[status]]
    ends = [trial.end for trial in trials if trial.end is not None]
    ended = trials and len(ends) == len(trials) and not counts[Status.PLANNED]
    status = present[0] if present else Status.PLANNED
    summary = ", ".join(f"{counts[status]} {status}" for status in present)
    return View(
        name=study.resolve().name,
        status=status,
        start=min((trial.start for trial in trials), default=milliseconds(time.time())),
        end=max(ends) if ended else None,
        tags={"status": status.value, "trials": summary},
    )


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield a nested value's leaves as texts, with dotted keys."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def milliseconds(seconds: float) -> int:
    """Seconds since 1970 in MLflow's unit."""
    return round(seconds * 1000)


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
    if uri.startswith(("http://", "https://")):
        return shown(uri)
    program = Path(sys.executable).with_name("mlflow")
    if program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    return shlex.join([str(program), "ui", "--backend-store-uri", absolute(uri)])


def runs_address(study: Path, uri: str) -> str | None:
    """Return where a browser finds a study's runs once `ui_command` runs; None before they were shown there.

    It names the kind of work: MLflow's own front page leads to a view for language models, which has no runs.
    """
    experiment = read_state(study).experiments.get(shown(uri))
    server = shown(uri).rstrip("/") if uri.startswith(("http://", "https://")) else "http://127.0.0.1:5000"
    return experiment and f"{server}/#/experiments/{experiment}/runs?workflowType=machine_learning"

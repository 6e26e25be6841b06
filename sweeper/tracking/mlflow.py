"""Writes a study's runs to MLflow: a parent run for the study, a child run for every trial.

Runs are found by their tags and only what differs is written, so it may run at any time, again, and in several
processes at once.
"""
# ruff: noqa: E402  (MLflow reads its environment when it is imported)

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

# What the user has set stays. A dead server must not keep anybody waiting, and a sweep calls nobody else.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}.items():
    os.environ.setdefault(_name, _value)

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
)
from sqlalchemy.exc import SQLAlchemyError

from sweeper.records.fingerprints import fingerprint_of_study, fingerprints
from sweeper.records.record import Record
from sweeper.tracking.runs import ERROR, GROUP, Overview, RunContent, ShownData, milliseconds, study_run, trial_runs
from sweeper.tracking.state import SERVERS, State, TrackingError, absolute, database, read_state, shown, write_state
from sweeper.trial.outcome import Status

# Failures come as exceptions; what these print besides is not for the user's terminal.
for _name in ("alembic", "mlflow", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

STUDY, INSTANCE, CURRENT = "sweeper.study", "sweeper.instance", "current"
SETTINGS = "settings.json"  # of a trial's run: all of them, other frameworks' too
REPORT = "report"  # directory of the parent run's artefacts
# Without it the UI may take an experiment for one of generative AI, and hide its runs.
KIND = {"mlflow.experimentKind": "custom_model_development"}
METRICS_PER_BATCH = 800  # with parameters and tags at most 1000 in a request
MLFLOW_STATUS = {
    Status.PLANNED: "SCHEDULED",
    Status.RUNNING: "RUNNING",
    Status.INTERRUPTED: "KILLED",
    Status.DONE: "FINISHED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "KILLED",
}
Item = TypeVar("Item")


def synchronise(study: Path, uri: str, overview: Overview, *, changed_only: bool = False) -> None:
    """Make MLflow show a study's records, and its overview on the parent run.

    With `changed_only`, trials that this store shows as they are now are left alone. Raises TrackingError
    when MLflow cannot be reached or refuses, WrongInput when a record cannot be read.
    """
    uri = absolute(uri)
    store = database(uri)
    lock: AbstractContextManager[object] = nullcontext()
    try:
        if store:
            store.parent.mkdir(parents=True, exist_ok=True)
            # Two first openings of a database at once would both create its schema.
            lock = FileLock(store.with_name(f".{store.name}.lock"))
        with FileLock(study / ".mlflow.lock"), lock:
            _show(study, uri, overview, changed_only)
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise TrackingError(
            f"MLflow at {shown(uri)} cannot be written ({_origin(error)}); later: python -m sweeper.sync {study}"
        ) from error


def _origin(error: BaseException) -> str:
    """Return the first line of what an exception came from."""
    while origin := error.__cause__ or error.__context__:
        error = origin
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _show(study: Path, uri: str, overview: Overview, changed_only: bool) -> None:
    # Fingerprints first: what changes meanwhile is then seen as new the next time.
    state, now, made_from = read_state(study), fingerprints(study), fingerprint_of_study(study)
    synced = state.synced.get(shown(uri), {}) if changed_only else {}
    client = MlflowClient(tracking_uri=uri)
    experiment = _open_experiment(client, study, uri)
    runs = list(_all_runs(client, experiment))
    known = {run.data.tags[INSTANCE]: run for run in runs if INSTANCE in run.data.tags}
    current, contents = trial_runs(study, overview.groups)
    adopted = (known[name].data.tags[STUDY] for name in current if name in known)
    key = state.study or next(adopted, None) or secrets.token_hex(8)
    # Before any run bears the key: who stops here must find its runs again.
    write_state(study, replace(state, study=key))

    own = [run for run in runs if run.data.tags.get(STUDY) == key]
    parents = [run for run in own if INSTANCE not in run.data.tags]
    # MLflow forgets no number of a run: one that holds numbers of groups that are no more gives way to a new one.
    wanted = {_allowed_key(key) for key in overview.metrics}
    parent_run = next((run for run in parents if run.data.metrics.keys() <= wanted), None)
    parent = _write(
        client, experiment, parent_run, study_run(study, list(contents.values()), overview.tags), {STUDY: key}
    )
    changed = [
        name
        for name, record in current.items()
        if name not in known
        or synced.get(record.path.name) != now.get(record.path.name)
        or contents[name].tags.get(GROUP) != known[name].data.tags.get(GROUP)
    ]
    written = {}
    for name in changed:
        marks = {STUDY: key, INSTANCE: name, MLFLOW_PARENT_RUN_ID: parent}
        written[name] = _write(client, experiment, known.get(name), contents[name], marks)
    for run in own:
        if run not in parents:
            if run.data.tags.get(MLFLOW_PARENT_RUN_ID) != parent:
                client.set_tag(run.info.run_id, MLFLOW_PARENT_RUN_ID, parent)
            if run.data.tags[INSTANCE] not in current:
                _retire(client, run)
    for run in parents:
        if run.info.run_id != parent:
            client.delete_run(run.info.run_id)
    # Last: who reaches the server but not its artefacts has the numbers at least.
    for name in changed:
        _log_files(client, written[name], current[name], contents[name])
    _show_metrics(client, parent, parent_run.data.metrics if parent_run else {}, overview.metrics)
    _show_data(client, parent, parent_run, overview.data)
    synced_now, experiments = {**state.synced, shown(uri): now}, {**state.experiments, shown(uri): experiment}
    state = State(key, synced_now, experiments, state.reports, {**state.runs, shown(uri): parent})
    write_state(study, state)
    if overview.report:
        client.log_artifacts(parent, overview.report(), REPORT)
        write_state(study, replace(state, reports={**state.reports, shown(uri): made_from}))


def _show_metrics(client: MlflowClient, run_id: str, known: Mapping[str, float], metrics: Mapping[str, float]) -> None:
    """Make the parent run show a study's numbers.

    At step 0, which MLflow draws as bars. What it shows already is not written again.
    """
    wanted = {_allowed_key(key): value for key, value in metrics.items()}
    stamp = milliseconds(time.time())
    # Compared as text: nan is like nan.
    new = [Metric(key, value, stamp, 0) for key, value in wanted.items() if repr(known.get(key)) != repr(value)]
    for some in _chunks(new, METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=some)


def _show_data(client: MlflowClient, run_id: str, run: Run | None, data: Sequence[ShownData]) -> None:
    """Make the parent run show the data sets that its trials read."""
    inputs = run.inputs.dataset_inputs if run and run.inputs else []
    known = {(item.dataset.name, item.dataset.digest) for item in inputs}
    if new := [item for item in data if (item.name, item.digest) not in known]:
        client.log_inputs(run_id, [DatasetInput(_dataset(item), []) for item in new])


def _dataset(data: ShownData) -> Dataset:
    """Return a data set as MLflow keeps it: name, digest and where it is from."""
    remote = data.source.startswith(SERVERS)
    source = HTTPDatasetSource(data.source) if remote else CodeDatasetSource({"source": data.source})
    return MetaDataset(source, name=data.name, digest=data.digest or None)._to_mlflow_entity()


def _open_experiment(client: MlflowClient, study: Path, uri: str) -> str:
    """Return the id of the study's experiment, made or brought back where needed.

    Without a server the artefacts lie beside the database: MLflow's default is the current directory.
    """
    name = study.resolve().name
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        served = uri.startswith(SERVERS)
        root = (database(uri) or study.resolve()).parent / "mlartifacts"
        try:
            return str(client.create_experiment(name, None if served else (root / name).as_uri(), KIND))
        except MlflowException:
            # Another machine's process may have been faster.
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _all_runs(client: MlflowClient, experiment: str) -> Iterator[Run]:
    page = client.search_runs([experiment], max_results=1000)
    yield from page
    while page.token:
        page = client.search_runs([experiment], max_results=1000, page_token=page.token)
        yield from page


def _write(client: MlflowClient, experiment: str, run: Run | None, new: RunContent, marks: Mapping[str, str]) -> str:
    """Make a run show its content, creating it where there is none, and return its id; `marks` tell whose it is.

    MLflow keeps a parameter's first value, also when a setting that changes no result (a path) differs now.
    """
    tags = {key: value[:MAX_TAG_VAL_LENGTH] for key, value in new.tags.items()}
    tags |= {CURRENT: "true", **marks}
    if run is None:
        run = client.create_run(experiment, new.start, tags, new.name)
    run_id = str(run.info.run_id)
    params = {_allowed_key(key): value[:MAX_PARAM_VAL_LENGTH] for key, value in new.params.items()}
    batches = zip_longest(
        _chunks([Metric(*point) for point in new.points], METRICS_PER_BATCH),
        _chunks([Param(*item) for item in params.items() if item[0] not in run.data.params]),
        _chunks([RunTag(*item) for item in tags.items() if item not in run.data.tags.items()]),
        fillvalue=(),
    )
    for metrics, some_params, some_tags in batches:
        client.log_batch(run_id, metrics=metrics, params=some_params, tags=some_tags)
    if ERROR in run.data.tags and ERROR not in tags:
        client.delete_tag(run_id, ERROR)
    status = MLFLOW_STATUS[new.status]
    if (run.info.status, run.info.run_name) != (status, new.name):
        client.update_run(run_id, status, new.name)
    if new.end not in (None, run.info.end_time):
        client.set_terminated(run_id, status, new.end)
    return run_id


def _allowed_key(key: str) -> str:
    """Return a key with what MLflow does not allow in names replaced."""
    return re.sub(r"[^\w.\-: /]", "_", key)[:MAX_ENTITY_KEY_LENGTH]


def _chunks(items: Sequence[Item], size: int = MAX_PARAMS_TAGS_PER_BATCH) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _log_files(client: MlflowClient, run_id: str, record: Record, content: RunContent) -> None:
    client.log_artifact(run_id, record.path / "trial.json")
    client.log_text(run_id, json.dumps(content.settings, indent=2, ensure_ascii=False) + "\n", SETTINGS)
    for file in (record.log, record.answers):
        if content.status is not Status.RUNNING and file.exists():  # a log that still grows can wait
            client.log_artifact(run_id, file)


def _retire(client: MlflowClient, run: Run) -> None:
    """Mark a run whose record is gone or superseded: it counts no longer."""
    if run.data.tags.get(CURRENT) == "false":
        return
    client.set_tag(run.info.run_id, CURRENT, "false")
    unfinished = run.info.status in (MLFLOW_STATUS[Status.PLANNED], MLFLOW_STATUS[Status.RUNNING])
    client.update_run(run.info.run_id, "KILLED" if unfinished else None, f"old: {run.info.run_name}")

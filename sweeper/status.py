"""The command that says what has become of a study's trials: python -m sweeper.status STUDY."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.factors import Value, factor_values, trial_settings
from sweeper.analysis.majority import trial_collapse
from sweeper.backends import JobState, Phase
from sweeper.backends.of_study import job_states
from sweeper.data import EVALUATED
from sweeper.driver.live import TrialState, counted
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.records.files import encode_number
from sweeper.records.record import Record
from sweeper.records.study import StudyRecords, known_ends, open_study, study_at
from sweeper.report.text import (
    COLLAPSE,
    UNKNOWN,
    TextTable,
    duration,
    heading,
    metric_name,
    metric_text,
    printable,
    value_text,
)
from sweeper.trial.outcome import Failure, Status

SCHEMA = 1
VALIDATION, TEST = EVALUATED  # as records call them


@dataclass(frozen=True)
class TrialStatus(TrialState):
    """A trial with its values of what varies over the study (none while planned), its result, its error and its log."""

    factors: Mapping[str, Value] = field(default_factory=dict)
    metric: str = ""  # of a done trial, as "test/accuracy", and its value at the best epoch
    value: float | None = None
    collapse: Collapse | None = None  # by what validation shows that it learned nothing
    error: Failure | None = None
    log: str | None = None


def with_job(trial: TrialStatus, job: JobState | None) -> TrialStatus:
    """Add what a scheduler says of a trial's job; a lock that another node holds may not be seen from this one."""
    if job is None or trial.status.ended:
        return trial
    runs = job.phase is Phase.RUNNING and trial.status is Status.INTERRUPTED
    return replace(trial, status=Status.RUNNING if runs else trial.status, job=job)


def statuses(study: StudyRecords) -> list[TrialStatus]:
    """Return where every trial of a study stands: those with a record by name, then the planned ones."""
    described = [(record, record.description()) for record in study.records]
    present = [(record, description) for record, description in described if description is not None]
    factors, values = factor_values([trial_settings(item["choices"], item["config"]) for _, item in present])
    started = [
        replace(
            _status(record, description),
            factors=dict(zip(factors, own, strict=True)),
        )
        for (record, description), own in zip(present, values, strict=True)
    ]
    found = [*started, *(TrialStatus(name, Status.PLANNED) for name in study.planned)]
    ends = known_ends(study.path)
    given_up = (Status.INTERRUPTED, Status.PLANNED)
    return [replace(trial, reason=ends.get(trial.name, "")) if trial.status in given_up else trial for trial in found]


def _status(record: Record, description: Mapping[str, Any]) -> TrialStatus:
    metric = description["config"]["task"]["selection_metric"]
    status, outcome = record.status_and_outcome()
    log = str(record.log) if record.log.exists() else None
    found = TrialStatus(record.path.name, status, error=outcome.error if outcome else None, log=log)
    if outcome is None:
        return found.at(record.progress())
    if status is not Status.DONE or outcome.best is None:
        return found
    own = (description.get("facts"), outcome.best.metrics, record.metrics(), record.predictions)
    found = replace(found, collapse=trial_collapse(*own))
    known = [key for split in (TEST, VALIDATION) if (key := f"{split}/{metric}") in outcome.best.metrics]
    return replace(found, metric=known[0], value=outcome.best.metrics[known[0]]) if known else found


def _counts(trials: Sequence[TrialStatus]) -> dict[str, int]:
    return {status.value: sum(trial.status is status for trial in trials) for status in Status}


def _as_json(trial: TrialStatus) -> dict[str, object]:
    """What is not known is null: the update of a trial that has ended, a job where no scheduler has one."""
    job = trial.job
    return {
        "name": trial.name,
        "status": trial.status,
        "factors": dict(trial.factors),
        "metric": trial.metric or None,
        "value": None if trial.value is None else encode_number(trial.value),
        "collapse": trial.collapse,
        **{key: getattr(trial, key) or None for key in ("epoch", "step", "steps")},
        "seconds_left": trial.seconds_left if math.isfinite(trial.seconds_left) else None,
        "error": trial.error and asdict(trial.error),
        "log": trial.log,
        "reason": trial.reason or None,
        "job": job and job.id,
        "node": (job and job.node) or None,
        "job_state": job and job.phase,
        "job_reason": (job and job.reason) or None,
    }


def _json_text(study: StudyRecords, trials: Sequence[TrialStatus]) -> str:
    content = {"schema": SCHEMA, "study": study.name, "counts": _counts(trials), "trials": [*map(_as_json, trials)]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _print_status(study: StudyRecords, trials: Sequence[TrialStatus]) -> None:
    from sweeper.report.terminal import print_table, terminal

    console = terminal()
    if trials:
        print_table(_table(trials), console)
    for trial in trials:
        if trial.error:
            cancelled = trial.status is Status.CANCELLED
            problem = f"cancelled: {trial.error.message}" if cancelled else f"failed: {trial.error.summary}"
            console.print(f"{printable(trial.name)} {printable(problem)}", soft_wrap=True)
            console.print(f"  log: {printable(trial.log or trial.error.log)}", soft_wrap=True)
        elif trial.reason and not _job_id(trial):
            console.print(f"{printable(trial.name)} {trial.status.value}: {printable(trial.reason)}", soft_wrap=True)
            if trial.log:
                console.print(f"  log: {printable(trial.log)}", soft_wrap=True)
    counts = " · ".join(counted(trial.status for trial in trials))
    console.print(f"{printable(study.name)}: {counts or 'no trials yet'}", soft_wrap=True)


def _table(trials: Sequence[TrialStatus]) -> TextTable:
    factors = tuple(trials[0].factors)
    others = factors[2:]  # those that are not in a trial's name
    jobs = any(map(_job_id, trials))
    measured = list(dict.fromkeys(trial.metric for trial in trials if trial.metric))

    def cells(trial: TrialStatus) -> tuple[str, ...]:
        return (
            printable(trial.name),
            *(value_text(trial.factors.get(factor)) for factor in others),
            trial.status.value + (f", {COLLAPSE[trial.collapse]}" if trial.collapse else ""),
            *((_value_text(trial, len(measured) == 1),) if measured else ()),
            *(_job_cells(trial.job) if jobs else ()),
            str(trial.epoch or UNKNOWN),
            f"{trial.step}/{trial.steps}" if trial.steps else str(trial.step or UNKNOWN),
            duration(trial.seconds_left),
        )

    heads = ("trial", *(heading(factor, factors) for factor in others), "status")
    heads += (_metric_title(measured[0]) if len(measured) == 1 else "value",) if measured else ()
    heads += ("job", "state", "node") if jobs else ()
    return TextTable("Trials", (*heads, "epoch", "step", "time left"), len(heads), (tuple(map(cells, trials)),))


def _metric_title(key: str) -> str:
    """Name a metric as tables do: "test accuracy (%)"."""
    split, _, name = key.partition("/")
    return f"{'test' if split == TEST else 'validation'} {metric_name(name)}"


def _value_text(trial: TrialStatus, titled: bool) -> str:
    if not trial.metric:
        return UNKNOWN
    text = metric_text(trial.metric.partition("/")[2], trial.value, trial.value)
    return text if titled else f"{text} {_metric_title(trial.metric)}"


def _job_id(trial: TrialStatus) -> str:
    return trial.job.id if trial.job else ""


def _job_cells(job: JobState | None) -> tuple[str, str, str]:
    if job is None:
        return "", "", ""
    reason = f" ({job.reason})" if job.reason else ""
    return job.id, printable(f"{job.phase}{reason}"), printable(job.node)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print where a study stands; raises WrongInput when there is no such study."""
    parser = argparse.ArgumentParser(prog="python -m sweeper.status", description=__doc__)
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    options = parser.parse_args(arguments)
    study = open_study(options.study)
    trials, trouble = statuses(study), ""
    try:
        jobs = job_states(study_at(options.study))
        trials = [with_job(trial, jobs.get(trial.name)) for trial in trials]
    except WrongInput as error:
        trouble = str(error).splitlines()[0]  # the records can be told all the same
    if options.json:
        sys.stdout.write(_json_text(study, trials))
    else:
        _print_status(study, trials)
    if trouble:
        print(trouble, file=sys.stderr)
    return DONE


if __name__ == "__main__":
    run_and_exit(main)

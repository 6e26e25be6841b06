"""The command that says what has become of a study's trials: python -m sweeper.status STUDY."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sweeper.analysis.factors import Value, factor_values, trial_settings
from sweeper.backends import JobState, Phase
from sweeper.backends.of_study import job_states
from sweeper.driver.live import STATES
from sweeper.driver.sweep_trial import ENDED
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.records.progress import Progress
from sweeper.records.record import Record
from sweeper.records.study import StudyRecords, known_ends, open_study, study_at
from sweeper.report.text import TextTable, duration, heading, number_text, printable, value_text
from sweeper.trial.outcome import Failure, Status

SCHEMA = 1


@dataclass(frozen=True)
class TrialStatus:
    """Where a trial stands: epoch and update while it has not ended, `seconds_left` while it runs.

    `factors` are its values of what varies over the study; empty for a planned trial. `reason`: why it was given up,
    where its record cannot tell. `job`, `node`, `job_state` and
    `job_reason` are those of its job with a scheduler, while that waits or runs.
    """

    name: str
    status: Status
    factors: Mapping[str, Value] = field(default_factory=dict)
    epoch: int | None = None
    step: int | None = None
    steps: int | None = None
    seconds_left: float | None = None
    error: Failure | None = None
    log: str | None = None
    reason: str | None = None
    job: str | None = None
    node: str | None = None
    job_state: str | None = None
    job_reason: str | None = None


def with_job(trial: TrialStatus, job: JobState | None) -> TrialStatus:
    """Add what a scheduler says of a trial's job; a lock that another node holds may not be seen from this one."""
    if job is None or trial.status in ENDED:
        return trial
    runs = job.phase is Phase.RUNNING and trial.status is Status.INTERRUPTED
    return replace(
        trial,
        status=Status.RUNNING if runs else trial.status,
        job=job.id,
        node=job.node or None,
        job_state=job.phase.value,
        job_reason=job.reason or None,
    )


def statuses(study: StudyRecords) -> list[TrialStatus]:
    """Return where every trial of a study stands: those with a record by name, then the planned ones."""
    described = [(record, record.description()) for record in study.records]
    present = [(record, description) for record, description in described if description is not None]
    factors, values = factor_values([trial_settings(item["choices"], item["config"]) for _, item in present])
    started = [
        replace(trial_status(record), factors=dict(zip(factors, own, strict=True)))
        for (record, _), own in zip(present, values, strict=True)
    ]
    found = [*started, *(TrialStatus(name, Status.PLANNED) for name in study.planned)]
    ends = known_ends(study.path)
    given_up = (Status.INTERRUPTED, Status.PLANNED)
    return [replace(trial, reason=ends.get(trial.name)) if trial.status in given_up else trial for trial in found]


def trial_status(record: Record) -> TrialStatus:
    """Return where one trial stands."""
    status = record.status()
    log = str(record.log) if record.log.exists() else None
    if status in (Status.RUNNING, Status.INTERRUPTED):
        return with_progress(TrialStatus(record.path.name, status, log=log), record.progress())
    outcome = record.outcome()
    return TrialStatus(record.path.name, status, error=outcome.error if outcome else None, log=log)


def with_progress(trial: TrialStatus, progress: Progress | None) -> TrialStatus:
    """Add what a trial that has not ended said last."""
    if progress is None:
        return trial
    left = progress.seconds_left if trial.status == Status.RUNNING else math.nan
    return replace(
        trial,
        epoch=progress.epoch,
        step=progress.step,
        steps=progress.steps,
        seconds_left=left if math.isfinite(left) else None,
    )


def counts(trials: Sequence[TrialStatus]) -> dict[str, int]:
    """How many trials there are of each status."""
    found = Counter(trial.status for trial in trials)
    return {status.value: found[status] for status in Status}


def json_text(study: StudyRecords, trials: Sequence[TrialStatus]) -> str:
    """Return everything as JSON."""
    content = {
        "schema": SCHEMA,
        "study": study.name,
        "counts": counts(trials),
        "trials": [*map(asdict, trials)],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def print_status(study: StudyRecords, trials: Sequence[TrialStatus]) -> None:
    """Print a row a trial, the errors of failed ones, and the counts."""
    from sweeper.report.terminal import rich_table, terminal

    console = terminal()
    if trials:
        console.print(rich_table(status_table(trials)))
    for trial in trials:
        if trial.error:
            cancelled = trial.status is Status.CANCELLED
            said = f"cancelled: {trial.error.message}" if cancelled else f"failed: {summary(trial.error)}"
            console.print(f"{printable(trial.name)} {printable(said)}", soft_wrap=True)
            console.print(f"  log: {printable(trial.log or trial.error.log)}", soft_wrap=True)
        elif trial.reason and not trial.job:
            console.print(f"{printable(trial.name)} {trial.status.value}: {printable(trial.reason)}", soft_wrap=True)
            if trial.log:
                console.print(f"  log: {printable(trial.log)}", soft_wrap=True)
    found = counts(trials)
    known = [f"{found[state]} {state}" for state in STATES if found.get(state)]
    console.print(f"{printable(study.name)}: {' · '.join(known) or 'no trials yet'}", soft_wrap=True)


def status_table(trials: Sequence[TrialStatus]) -> TextTable:
    """Return a row a trial; what varies and is not in a trial's name has columns of its own."""
    factors = tuple(trials[0].factors)
    others = factors[2:]
    jobs = any(trial.job for trial in trials)

    def cells(trial: TrialStatus) -> tuple[str, ...]:
        step = f"{trial.step}/{trial.steps}" if trial.steps else number_text(trial.step)
        return (
            printable(trial.name),
            *(value_text(trial.factors.get(factor)) for factor in others),
            trial.status.value,
            *(job_cells(trial) if jobs else ()),
            number_text(trial.epoch),
            step,
            duration(trial.seconds_left),
        )

    heads = ("trial", *(heading(factor, factors) for factor in others), "status")
    heads += ("job", "state", "node") if jobs else ()
    return TextTable("Trials", (*heads, "epoch", "step", "time left"), len(heads), (tuple(map(cells, trials)),))


def job_cells(trial: TrialStatus) -> tuple[str, str, str]:
    """Return the id of a trial's job, its state with SLURM's word for why it waits, and its node."""
    reason = f" ({trial.job_reason})" if trial.job_reason else ""
    return trial.job or "", printable(f"{trial.job_state or ''}{reason}"), printable(trial.node or "")


def summary(error: Failure) -> str:
    """An error in one line; all of it is in the log."""
    line = next(iter(error.message.strip().splitlines()), "")
    return printable(f"{error.type}: {line}" if line else error.type)


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
        sys.stdout.write(json_text(study, trials))
    else:
        print_status(study, trials)
    if trouble:
        print(trouble, file=sys.stderr)
    return DONE


if __name__ == "__main__":
    run_and_exit(main)

"""What a sweep prints at its end: the tables, what is not done and why, and where everything lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from shlex import quote

from rich.console import Console

from sweeper.analysis.grouping import compare
from sweeper.analysis.results import Result
from sweeper.backends import Backend
from sweeper.driver.sweep_trial import SweepTrial
from sweeper.records.logs import last_lines
from sweeper.records.study import Study, question_of
from sweeper.report.directory import DIRECTORY, PAGE
from sweeper.report.terminal import print_tables
from sweeper.report.text import printable
from sweeper.tracking.state import shown, study_address, ui_command
from sweeper.trial.outcome import Status


def counts_text(trials: Sequence[SweepTrial]) -> str:
    """Return how many trials there are of each status."""
    counts = Counter(item.record.status() for item in trials)
    return ", ".join(f"{number} {status}" for status, number in counts.items())


def print_closing(study: Study, trials: Sequence[SweepTrial], console: Console) -> None:
    """Print the tables of this command's trials, then why some are not done."""
    results = {item.trial.name: Result.read(item.record) for item in trials}
    planned = [name for name, result in results.items() if result is None]
    if len(planned) < len(results):
        found = [result for result in results.values() if result]
        print_tables(compare(found, planned, question_of(study.directory)), console)
    for item in trials:
        if item.status is not Status.DONE:
            console.print(f"{item.trial.name} {item.status.value}: {item.why()}", style="red", soft_wrap=True)
            console.print(f"  log: {item.log}", soft_wrap=True)
            if item.reason:  # the record does not have it
                for line in last_lines(item.log):
                    console.print(f"    {printable(line)}", style="dim", markup=False, soft_wrap=True)
    for item in trials:
        if item.record.refused_predictions.exists() and not item.record.predictions.exists():
            line = f"{item.trial.name}: its predictions are not what is on record, and were put aside: see {item.log}"
            console.print(line, style="yellow", soft_wrap=True)
    for difference in dict.fromkeys(line for item in trials for line in _differences(item)):
        console.print(difference, style="yellow", markup=False, soft_wrap=True)


def _differences(item: SweepTrial) -> list[str]:
    """Return what differed between where a trial was submitted and where it ran last."""
    description = item.record.description()
    launches = description["provenance"]["launches"] if description else []
    found: list[str] = launches[-1].get("differences", []) if launches else []
    return found


def print_interrupted(study: Study, trials: Sequence[SweepTrial], backend: Backend, console: Console) -> None:
    """Print where trials stand when the command was interrupted, and how to continue."""
    again = "The same command again continues where each trial stopped."
    goes_on = f"Jobs go on.\n{_commands(study)}" if backend.traits.outlives else again
    console.print(f"Interrupted: {counts_text(trials)}. {goes_on}", soft_wrap=True)


def print_detached(study: Study, trials: Sequence[SweepTrial], console: Console) -> None:
    """Print which jobs were handed over, and the commands that follow them."""
    ids = [item.job.id for item in trials if item.job and item.job.id]
    arrays = ", ".join(dict.fromkeys(number.partition("_")[0] for number in ids))
    console.print(f"{study.name}: {len(ids)} trials are handed over, in jobs {arrays or 'of none'}.", soft_wrap=True)
    if waiting := [item.job for item in trials if item.job and not item.job.id]:
        console.print(
            f"{len(waiting)} trials are not submitted yet ({waiting[0].reason or 'the queue has no room'}): "
            f"python -m sweeper.watch {quote(str(study.directory))} submits them.",
            style="yellow",
            soft_wrap=True,
        )
    console.print(_commands(study), soft_wrap=True)


def _commands(study: Study) -> str:
    directory = quote(str(study.directory))
    return (
        f"  where they stand: python -m sweeper.status {directory}\n"
        f"  follow them:      python -m sweeper.watch {directory}\n"
        f"  end them:         python -m sweeper.cancel {directory}"
    )


def print_locations(study: Study, console: Console) -> None:
    """Print where records, report and MLflow runs are, and how to open them."""
    again = f"python -m sweeper.report {quote(str(study.directory))}"
    lines = [f"Records: {study.directory}", f"  these tables again: {again}"]
    page = study.directory / DIRECTORY / PAGE
    if page.exists():
        lines.append(f"Report: {page}")
    if (uri := study.tracking_uri) is not None:
        lines += [f"MLflow: {shown(uri)}", f"  {ui_command(uri)}"]
        if address := study_address(study.directory, uri):
            lines.append(f"  then this study is at {address}")
    console.print("\n".join(lines), soft_wrap=True)

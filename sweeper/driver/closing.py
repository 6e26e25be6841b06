"""What a sweep says at its end: the tables, what is not done and why, and where everything lies."""

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
from sweeper.records.study import Study
from sweeper.report.directory import DIRECTORY, PAGE
from sweeper.report.terminal import print_tables
from sweeper.report.text import printable
from sweeper.tracking.state import runs_address, shown, ui_command
from sweeper.trial.outcome import Status


def census(watched: Sequence[SweepTrial]) -> Counter[Status]:
    """Count trials by status."""
    return Counter(item.record.status() for item in watched)


def census_text(watched: Sequence[SweepTrial]) -> str:
    """Return how many trials there are of each status."""
    return ", ".join(f"{number} {status}" for status, number in census(watched).items())


def print_closing(watched: Sequence[SweepTrial], console: Console) -> None:
    """Print the tables of this command's trials, then why some are not done."""
    results = {item.trial.name: Result.read(item.record) for item in watched}
    planned = [name for name, result in results.items() if result is None]
    if len(planned) < len(results):
        print_tables(compare([result for result in results.values() if result], planned), console)
    for item in watched:
        if item.status is not Status.DONE:
            console.print(f"{item.trial.name} {item.status.value}: {item.why()}", style="red", soft_wrap=True)
            console.print(f"  log: {item.log}", soft_wrap=True)
            if item.reason:  # the record has no word of it
                for line in last_lines(item.log):
                    console.print(f"    {printable(line)}", style="dim", markup=False, soft_wrap=True)
    for difference in dict.fromkeys(line for item in watched for line in differences(item)):
        console.print(difference, style="yellow", markup=False, soft_wrap=True)


def differences(item: SweepTrial) -> list[str]:
    """Return what differed between where a trial was submitted and where it ran last."""
    description = item.record.description()
    launches = description["provenance"]["launches"] if description else []
    found: list[str] = launches[-1].get("differences", []) if launches else []
    return found


def print_interrupted(study: Study, watched: Sequence[SweepTrial], backend: Backend, console: Console) -> None:
    """Say where trials stand when the command was interrupted, and how it goes on."""
    if backend.traits.outlives:
        goes_on = f"Jobs go on.\n{commands(study)}"
    else:
        goes_on = "The same command again continues where each trial stopped."
    console.print(f"Interrupted: {census_text(watched)}. {goes_on}", soft_wrap=True)


def print_detached(study: Study, watched: Sequence[SweepTrial], console: Console) -> None:
    """Say which jobs were handed over, and how to hear of them again."""
    ids = [item.job.id for item in watched if item.job and item.job.id]
    arrays = ", ".join(dict.fromkeys(number.partition("_")[0] for number in ids))
    console.print(f"{study.name}: {len(ids)} trials are handed over, in jobs {arrays or 'of none'}.", soft_wrap=True)
    if waiting := [item.job for item in watched if item.job and not item.job.id]:
        console.print(
            f"{len(waiting)} trials are not submitted yet ({waiting[0].reason or 'the queue has no room'}): "
            f"python -m sweeper.watch {quote(str(study.directory))} submits them.",
            style="yellow",
            soft_wrap=True,
        )
    console.print(commands(study), soft_wrap=True)


def commands(study: Study) -> str:
    """Return the commands that tell of a study's jobs and end them."""
    place = quote(str(study.directory))
    return (
        f"  where they stand: python -m sweeper.status {place}\n"
        f"  follow them:      python -m sweeper.watch {place}\n"
        f"  end them:         python -m sweeper.cancel {place}"
    )


def print_places(study: Study, console: Console) -> None:
    """Say where records, report and MLflow runs are, and how to look at them."""
    again = f"python -m sweeper.report {quote(str(study.directory))}"
    lines = [f"Records: {study.directory}", f"  these tables again: {again}"]
    page = study.directory / DIRECTORY / PAGE
    if page.exists():
        lines.append(f"Report: {page}")
    if (uri := study.tracking_uri) is not None:
        lines += [f"MLflow: {shown(uri)}", f"  {ui_command(uri)}"]
        if address := runs_address(study.directory, uri):
            lines.append(f"  then this study's runs are at {address}")
    console.print("\n".join(lines), soft_wrap=True)

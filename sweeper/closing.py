"""What a sweep says at its end: the tables, what is not done and why, and where everything lies."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from sweeper.compare import compare
from sweeper.report.directory import DIRECTORY, PAGE
from sweeper.report.terminal import print_tables
from sweeper.result import Result
from sweeper.study import Study
from sweeper.tracking.state import runs_address, shown, ui_command
from sweeper.trial import Status
from sweeper.watched import Watched


def print_closing(watched: Sequence[Watched], console: Console) -> None:
    """Print the tables of this command's trials, then why some are not done."""
    results = {item.trial.name: Result.read(item.record) for item in watched}
    planned = [name for name, result in results.items() if result is None]
    if len(planned) < len(results):
        print_tables(compare([result for result in results.values() if result], planned), console)
    for item in watched:
        if item.status is not Status.DONE:
            console.print(f"{item.trial.name} {item.status.value}: {item.why()}", style="red", soft_wrap=True)
            console.print(f"  log: {item.log}", soft_wrap=True)


def print_places(study: Study, console: Console) -> None:
    """Say where records, report and MLflow runs are, and how to look at them."""
    lines = [f"Records: {study.directory}", f"  these tables again: python -m sweeper.report {study.directory}"]
    page = study.directory / DIRECTORY / PAGE
    if page.exists():
        lines.append(f"Report: {page}")
    if (uri := study.tracking_uri) is not None:
        lines += [f"MLflow: {shown(uri)}", f"  {ui_command(uri)}"]
        if address := runs_address(study.directory, uri):
            lines.append(f"  then this study's runs are at {address}")
    console.print("\n".join(lines), soft_wrap=True)

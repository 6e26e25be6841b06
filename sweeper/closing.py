"""What a sweep says at its end: the tables, what is not done and why, and where everything lies."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from sweeper.compare import compare
from sweeper.report.terminal import print_tables
from sweeper.result import Result
from sweeper.study import Study
from sweeper.tracking.state import runs_address, shown, ui_command
from sweeper.trial import Status
from sweeper.watched import Watched


def print_closing(study: Study, watched: Sequence[Watched], console: Console) -> None:
    """Print the tables of this command's trials, then what is to be said about them."""
    results = {item.trial.name: Result.read(item.record) for item in watched}
    planned = [name for name, result in results.items() if result is None]
    if len(planned) < len(results):
        print_tables(compare([result for result in results.values() if result], planned), console)
    for item in watched:
        if item.status is not Status.DONE:
            console.print(f"{item.trial.name} {item.status.value}: {item.why()}", style="red", soft_wrap=True)
            console.print(f"  log: {item.log}", soft_wrap=True)
    print_places(study, console)


def print_places(study: Study, console: Console) -> None:
    """Say where records and MLflow runs are, and how to look at both."""
    lines = [f"Records: {study.directory}", f"  these tables again: python -m sweeper.report {study.directory}"]
    if (uri := study.tracking_uri) is not None:
        lines += [f"MLflow: {shown(uri)}", f"  {ui_command(uri)}"]
        if address := runs_address(study.directory, uri):
            lines.append(f"  then this study's runs are at {address}")
    console.print("\n".join(lines), soft_wrap=True)

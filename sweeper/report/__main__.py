"""The command that prints a study's tables from its records, at any time: python -m sweeper.report STUDY."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sweeper.door import DONE, leave
from sweeper.report.directory import PAGE, write_report
from sweeper.report.files import csv_text, json_text, markdown
from sweeper.report.study import open_study
from sweeper.trial import WrongInput

FORMATS = ("terminal", "html", "json", "csv", "markdown")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a study's tables; raises WrongInput when there is no such study."""
    parser = argparse.ArgumentParser(prog="python -m sweeper.report", description="Print the tables of a study.")
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--format", choices=FORMATS, default="terminal", help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help="print nothing, write STUDY/report as a sweep's end does")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.study)
    else:
        print_study(options.study, options.format)
    return DONE


def print_study(path: Path, format_name: str) -> None:
    """Print a study's tables in one of the formats."""
    study = open_study(path)
    comparison = study.comparison()
    if format_name == "terminal":
        from sweeper.report.terminal import print_tables, terminal

        print_tables(comparison, terminal())
    elif format_name == "html":
        from sweeper.report.page import draw_figures, page

        sys.stdout.write(page(comparison, study.name, draw_figures(comparison)))
    elif format_name == "csv":
        sys.stdout.write(csv_text(comparison))
    else:
        render = json_text if format_name == "json" else markdown
        sys.stdout.write(render(comparison, study.name))


def write(path: Path) -> None:
    """Write a study's report beside its records and say where; raises WrongInput where that cannot be written."""
    try:
        print(write_report(path) / PAGE)
    except OSError as error:
        raise WrongInput(f"{error.filename or path} cannot be written: {error.strerror}") from error


if __name__ == "__main__":
    leave(main)

"""The command that reports studies from their records, at any time: python -m sweeper.report STUDY [STUDY …]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.reference_rows import with_reference
from sweeper.analysis.results import Studies, open_studies
from sweeper.analysis.rows import Comparison
from sweeper.errors import DONE, Parser, WrongInput, run_and_exit
from sweeper.records.files import expanded
from sweeper.records.question import ASKED, EXAMPLES, Question, question
from sweeper.records.study import StudyRecords
from sweeper.report.csv_file import TRIAL_COLUMNS, csv_text
from sweeper.report.directory import PAGE, write_report
from sweeper.report.json_file import CONVENTIONS, KEYS, json_text
from sweeper.report.markup import latex, markdown

WIDTH = 119  # of the help's lines on columns
FORMATS = ("terminal", "html", "markdown", "latex", "csv", "json")
SETTINGS = {
    "by": "by=FACTOR,…: make groups of these settings, as model,train.learning_rate; default: all that vary",
    "select": f"{EXAMPLES['select']}: compare each group at its best value on validation",
    "roles": f"{EXAMPLES['roles']}: what is done with settings, where not what their kind says",
    "primary": f"{EXAMPLES['primary']}: the one comparison that the study was made for",
    "reference": "reference=FILE: set published numbers beside, as conf/reference/pt_vs_rd_cls_books.yaml does",
}
ALLOWED = "by=FACTOR,… select=FACTOR,… 'roles={ROLE:[FACTOR]}' 'primary={FACTOR:[VALUE,VALUE]}' reference=FILE"


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    studies: tuple[Path, ...]
    question: Question
    reference: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a report; raises WrongInput for what is no study, factor or reference."""
    parser = Parser(
        prog="python -m sweeper.report",
        description="Report one study, or several that are compared with each other.",
        epilog="\n".join([*SETTINGS.values(), *_columns_help()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="+", metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--format", choices=FORMATS, default="terminal", help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help="print nothing, write STUDY/report as a sweep's end does")
    options = parser.parse_intermixed_args(arguments)
    wanted = _asked(options.arguments)
    if options.write:
        _write(wanted)
    else:
        _report(wanted, options.format)
    return DONE


def _columns_help() -> Iterator[str]:
    """Yield the columns of CSV and the keys of JSON with their meanings, from what writes them."""
    columns = ", ".join(f"{name} ({meaning})" if meaning else name for name, meaning in TRIAL_COLUMNS.items())
    more = "then validation_NAME and test_NAME of every other metric, then each other factor. Empty: not known."
    yield fill(f"csv, a line a trial: {columns}; {more}", WIDTH, subsequent_indent="  ")
    yield "json: schema, study, and"
    for key, (meaning, _) in KEYS.items():
        yield fill(f"{key}: {meaning}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield CONVENTIONS


def _asked(arguments: Sequence[str]) -> Asked:
    """Tell studies from settings; raises WrongInput for other settings and for no study."""
    settings: dict[str, str] = {}
    studies = []
    for argument in arguments:
        name, given, value = argument.partition("=")
        if not given or Path(argument).is_dir():
            studies.append(Path(argument))
        elif name in SETTINGS and value:
            settings[name] = value
        else:
            problem = "is empty" if name in SETTINGS else "is no setting of a report"
            raise WrongInput(f"{argument} {problem}\nallowed: {ALLOWED}")
    if not studies:
        raise WrongInput("no study is named\ngive its directory: python -m sweeper.report outputs/demo")
    asked = question({name: _plain(name, settings[name]) for name in ASKED if name in settings})
    reference = settings.get("reference")
    return Asked(tuple(studies), asked, None if reference is None else expanded("reference", reference))


def _plain(name: str, text: str) -> object:
    """Return what is typed as plain values: names between commas, or lists and mappings as Hydra has them."""
    if text[0] not in "[{":
        return [part for part in text.split(",") if part] if name in ("by", "select") else text
    import yaml  # PyYAML

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WrongInput(f"{name}={text} cannot be read\nwrite it as in: {EXAMPLES[name]}") from error


def _read(wanted: Asked) -> tuple[StudyRecords | Studies, Comparison]:
    reference = None
    if wanted.reference:
        from sweeper.analysis.reference import read_reference  # msgspec, which other reports need not load

        reference = read_reference(wanted.reference)
    opened = open_studies(wanted.studies)
    comparison = compare_study(opened, asked=wanted.question)
    return opened, with_reference(comparison, reference) if reference else comparison


def _report(wanted: Asked, format_name: str) -> None:
    opened, comparison = _read(wanted)
    if format_name == "terminal":
        from sweeper.report.terminal import print_report, terminal

        print_report(comparison, terminal())
    elif format_name == "html":
        from sweeper.report.page import draw_figures, page  # takes most of a second

        sys.stdout.write(page(comparison, opened.name, draw_figures(comparison)))
    elif format_name == "csv":
        sys.stdout.write(csv_text(comparison))
    else:
        render = {"json": json_text, "markdown": markdown, "latex": latex}[format_name]
        sys.stdout.write(render(comparison, opened.name))


def _write(wanted: Asked) -> None:
    if len(wanted.studies) > 1:
        raise WrongInput("--write writes the report of one study into its directory\nof several: --format html > FILE")
    try:
        print(write_report(wanted.studies[0], lambda: _read(wanted)[1]) / PAGE)
    except OSError as error:
        raise WrongInput(f"{error.filename or wanted.studies[0]} cannot be written: {error.strerror}") from error


if __name__ == "__main__":
    run_and_exit(main)

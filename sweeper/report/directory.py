"""A study's report as files under STUDY/report, each replaced at once: nobody ever reads half of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.rows import Comparison
from sweeper.records.files import read_json, write_file, write_json
from sweeper.records.fingerprints import fingerprint_of_study
from sweeper.records.study import open_study
from sweeper.report.csv_file import csv_text
from sweeper.report.json_file import json_text
from sweeper.report.markup import latex, markdown

DIRECTORY, FIGURES, PAGE = "report", "figures", "report.html"
STATE = ".report.json"  # next to the directory: what it was made from, and which files are its own
LOCK = ".report.lock"
FORMAT = 2  # a report in an older format is written again


def outdated(study: Path) -> bool:
    """Whether records have changed since the report was written, or there is none; reads no record."""
    return _written_from(study) != _state_of(study)


def _state_of(study: Path) -> str:
    return f"{FORMAT} {fingerprint_of_study(study)}"


def _written_from(study: Path) -> str | None:
    state = read_json(study / STATE)
    return state["made_from"] if state and (study / DIRECTORY / PAGE).exists() else None


def write_report(
    study: Path, comparison: Callable[[], Comparison] | None = None, *, only_if_outdated: bool = False
) -> Path:
    """Write a study's report, or that of another `comparison`, and return its directory; imports Matplotlib.

    Raises WrongInput when there is no such study or a record cannot be read, OSError when a file cannot be written.
    """
    opened = open_study(study)
    with FileLock(study / LOCK):
        if only_if_outdated and not outdated(study):
            return study / DIRECTORY
        made_from = _state_of(study)  # first: what changes meanwhile is seen as new the next time
        files = _report_files(comparison() if comparison else compare_study(opened), opened.name)
        before = read_json(study / STATE) or {"files": []}
        _write_files(study / DIRECTORY, files)
        for path in set(before["files"]) - set(files):  # what an earlier report had and this one has not
            (study / DIRECTORY / path).unlink(missing_ok=True)
        write_json(study / STATE, {"made_from": made_from, "files": sorted(files)})
    return study / DIRECTORY


def _report_files(comparison: Comparison, name: str) -> dict[str, bytes]:
    """Return all files of a report by their path in its directory, the page last."""
    from sweeper.report.page import draw_figures, page  # takes most of a second

    drawn = draw_figures(comparison)
    texts = {
        "report.md": markdown(comparison, name),
        "tables.tex": latex(comparison, name),
        "trials.csv": csv_text(comparison),
        "report.json": json_text(comparison, name),
        PAGE: page(comparison, name, drawn),
    }
    figures = {f"{FIGURES}/{item.file}.{ending}": content for item in drawn for ending, content in item.files.items()}
    return figures | {path: text.encode() for path, text in texts.items()}


def _write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, content, alone=True)

"""The command that shows a study's records in MLflow: python -m sweeper.sync STUDY."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sweeper.analysis.grouping import compare_study
from sweeper.errors import DONE, NOT_ALL_DONE, WrongInput, run_and_exit
from sweeper.records.files import read_versioned
from sweeper.records.study import open_study
from sweeper.report.directory import write_report
from sweeper.tracking.runs import Overview
from sweeper.tracking.state import TrackingError, absolute, check_uri, pending, study_address, ui_command

SHORTEST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 2.0, 30.0
# At most this share of the time goes into synchronising, as far as the longest interval allows.
LARGEST_SHARE = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 where MLflow cannot be written. Raises WrongInput without a study or a store."""
    parser = argparse.ArgumentParser(prog="python -m sweeper.sync", description=__doc__)
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--uri", help="sqlite:///FILE or http://HOST:PORT; default: the study's own")
    parser.add_argument("--follow", action="store_true", help="go on until standard input is closed")
    options = parser.parse_args(arguments)
    uri = _tracking_uri(options.study, options.uri)
    try:
        if options.follow:
            _follow(options.study, uri)
        else:
            synchronise(options.study, uri)
            print(f"{options.study} is in MLflow: {ui_command(uri)}")
            print(f"then open {study_address(options.study, uri)}")
    except TrackingError as error:
        print(error, file=sys.stderr)
        return NOT_ALL_DONE
    return DONE


def _tracking_uri(study: Path, given: str | None) -> str:
    open_study(study)
    description = read_versioned(study / "study.json") or {}
    uri = given or description.get("tracking", {}).get("uri")
    if uri is None:
        raise WrongInput(f"{study} has no tracking.uri\nname one: python -m sweeper.sync {study} --uri URI")
    check_uri(uri)
    return absolute(uri)


def synchronise(study: Path, uri: str, *, changed_only: bool = False, with_report: bool = True) -> None:
    """Show a study's records and its up-to-date report in MLflow. Raises TrackingError; imports MLflow."""
    from sweeper.tracking import mlflow

    overview = Overview.of(compare_study(open_study(study)), partial(_written_report, study) if with_report else None)
    mlflow.synchronise(study, uri, overview, changed_only=changed_only)


def _written_report(study: Path) -> Path:
    """Return the directory of a study's report, written now unless it is up to date or another process writes it."""
    try:
        return write_report(study, only_if_outdated=True)
    except Exception as error:  # drawing may fail in any way; the runs are shown by now
        raise TrackingError(
            f"MLflow has no report of {study} ({error or type(error).__name__}); later: python -m sweeper.sync {study}"
        ) from error


def _follow(study: Path, uri: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, whose child this is
    os.nice(5)  # trials go first
    interval = 0.0
    while not _input_closes_within(interval):
        began = time.monotonic()
        # The next try may succeed, and the last one reports.
        with contextlib.suppress(TrackingError):
            _synchronise_new(study, uri, with_report=False)
        interval = max(SHORTEST_INTERVAL_SECONDS, (time.monotonic() - began) / LARGEST_SHARE)
        interval = min(interval, LONGEST_INTERVAL_SECONDS)
    _synchronise_new(study, uri, with_report=True)


def _synchronise_new(study: Path, uri: str, *, with_report: bool) -> None:
    if pending(study, uri, with_report=with_report):
        synchronise(study, uri, changed_only=True, with_report=with_report)


def _input_closes_within(timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while select.select([sys.stdin], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not os.read(sys.stdin.fileno(), 4096):
            return True
    return False


if __name__ == "__main__":
    run_and_exit(main)

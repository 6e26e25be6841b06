"""`python -m sweeper.sync STUDY`: shows a study's records in MLflow."""

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
from sweeper.errors import WrongInput
from sweeper.records.files import read_versioned
from sweeper.records.study import open_study
from sweeper.report.directory import write_report
from sweeper.tracking.overview import study_metrics, study_tags, trial_groups
from sweeper.tracking.state import Overview, TrackingError, absolute, check_uri, pending, runs_address, ui_command

SHORTEST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 2.0, 30.0
# At most this share of the time goes into synchronising, as far as the longest interval allows.
LARGEST_SHARE = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 done, 1 MLflow cannot be written, 2 wrong input."""
    options = parser().parse_args(arguments)
    try:
        uri = tracking_uri(options.study, options.uri)
        if options.follow:
            follow(options.study, uri)
        else:
            synchronise(options.study, uri)
            print(f"{options.study} is in MLflow: {ui_command(uri)}")
            print(f"then open {runs_address(options.study, uri)}")
    except WrongInput as error:
        print(error, file=sys.stderr)
        return 2
    except TrackingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m sweeper.sync", description=__doc__)
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--uri", help="sqlite:///FILE or http://HOST:PORT; default: the study's own")
    parser.add_argument("--follow", action="store_true", help="go on until standard input is closed")
    return parser


def tracking_uri(study: Path, given: str | None) -> str:
    """Return the store to show a study in; raises WrongInput where there is no study or no store."""
    open_study(study)
    description = read_versioned(study / "study.json") or {}
    uri = given or description.get("tracking", {}).get("uri")
    if uri is None:
        raise WrongInput(f"{study} has no tracking.uri\nname one: python -m sweeper.sync {study} --uri URI")
    check_uri(uri)
    return absolute(uri)


def synchronise(study: Path, uri: str, *, changed_only: bool = False, with_report: bool = True) -> None:
    """Show a study's records in MLflow, and its report, which is written before where need be; imports what is heavy.

    Raises TrackingError when one of both cannot be done.
    """
    from sweeper.tracking import mlflow

    comparison = compare_study(open_study(study))
    report = partial(written_report, study) if with_report else None
    overview = Overview(study_metrics(comparison), trial_groups(comparison), report, study_tags(comparison))
    mlflow.synchronise(study, uri, overview, changed_only=changed_only)


def written_report(study: Path) -> Path:
    """Return the directory of a study's report, written now unless it is up to date or another process is at it."""
    try:
        return write_report(study, only_if_outdated=True)
    except Exception as error:  # drawing may fail in any way; the runs are shown by now
        raise TrackingError(
            f"MLflow has no report of {study} ({error or type(error).__name__}); later: python -m sweeper.sync {study}"
        ) from error


def follow(study: Path, uri: str) -> None:
    """Show what is new every few seconds until standard input is closed, then once more.

    The driver's child: it makes way for the trials, leaves Ctrl-C to the driver, and raises TrackingError for
    its last try only.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    interval = 0.0
    while not closed(interval):
        began = time.monotonic()
        # The next try may succeed, and the last one reports.
        with contextlib.suppress(TrackingError):
            synchronise_new(study, uri, with_report=False)
        interval = max(SHORTEST_INTERVAL_SECONDS, (time.monotonic() - began) / LARGEST_SHARE)
        interval = min(interval, LONGEST_INTERVAL_SECONDS)
    synchronise_new(study, uri, with_report=True)


def synchronise_new(study: Path, uri: str, *, with_report: bool) -> None:
    """Show what MLflow has not been shown yet, if there is anything."""
    if pending(study, uri, with_report=with_report):
        synchronise(study, uri, changed_only=True, with_report=with_report)


def closed(timeout_seconds: float) -> bool:
    """Wait for the end of standard input; returns whether it has come."""
    deadline = time.monotonic() + timeout_seconds
    while select.select([sys.stdin], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not os.read(sys.stdin.fileno(), 4096):
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())

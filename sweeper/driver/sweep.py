"""A sweep from its plan to its closing tables and its exit code; imports nothing heavy."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from sweeper.backends import Backend
from sweeper.driver.closing import counts_text, print_closing, print_detached, print_interrupted, print_locations
from sweeper.driver.driver import Driver
from sweeper.driver.live import SweepView
from sweeper.driver.live_lines import PlainView
from sweeper.driver.plan import distinct, print_before, print_plan
from sweeper.driver.side_processes import await_writing, follow, start_writing
from sweeper.driver.sweep_trial import SweepTrial, with_records
from sweeper.errors import DONE, INTERRUPTED, NOT_ALL_DONE, WrongInput
from sweeper.records import provenance
from sweeper.records.record import supersede
from sweeper.records.study import Study
from sweeper.report.terminal import terminal
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial


def run_sweep(study: Study, trials: Sequence[Trial], backend: Backend, *, remember: bool = True) -> int:
    """Run what is not done yet of a command's trials, show the tables, and return the exit code.

    `remember`: whether the command line is one that makes these trials, for the study to keep.
    """
    console = terminal()
    trials = distinct(trials, console)
    if study.plan:
        print_plan(study, trials, backend, console)
        return DONE
    known = plan(study, trials, console)
    to_run = [item for item in known if item.status is not Status.DONE]
    warnings: list[str] = []
    if not to_run:
        study.ask()
    try:
        if to_run:
            study.describe([item.trial for item in known], provenance.command_line() if remember else None)
        if to_run and backend.traits.detached:
            with _releasing(backend), choose_view(console) as view:
                Driver(study, backend, view).hand_over(known)
            print_detached(study, known, console)
            return DONE
        tracking = follow(study, warnings, something_runs=bool(to_run))
        with _releasing(backend), tracking, choose_view(console) as view:
            if to_run:
                Driver(study, backend, view).run(known)
            report = start_writing(study.directory)  # MLflow shows it too, and waits for it
    except KeyboardInterrupt:
        print_interrupted(study, known, backend, console)
        return INTERRUPTED
    if reasons := {item.trial.name: item.reason for item in known if item.reason}:
        study.remember_ends(reasons)
    print_closing(study, known, console)
    warnings.append(await_writing(report, study.directory))
    print_locations(study, console)
    for warning in filter(None, warnings):
        console.print(warning, style="yellow", soft_wrap=True)
    return DONE if all(item.status is Status.DONE for item in known) else NOT_ALL_DONE


def plan(study: Study, trials: Sequence[Trial], console: Console) -> list[SweepTrial]:
    """Find out what is done already, put older results aside if wanted, and print both, and what is trained on."""
    known = with_records(study.directory, trials)
    if study.fresh:
        _put_aside(known)
    done = sum(item.status is Status.DONE for item in known)
    console.print(f"{study.name}: {done} of {len(known)} trials are done ({counts_text(known)}).")
    to_run = [item.trial for item in known if item.status is not Status.DONE]
    print_before(study, trials, to_run, console)
    return known


def _put_aside(trials: Sequence[SweepTrial]) -> None:
    """Supersede what these trials have on record; nothing is moved when one of them is running."""
    busy = [item.record.path for item in trials if item.status is Status.RUNNING]
    if busy:
        raise WrongInput(f"fresh=true: {busy[0]} is running\nwait for its sweep to end, or stop it")
    for item in trials:
        if item.record.path.exists():
            supersede(item.record)
            item.refresh()


@contextmanager
def _releasing(backend: Backend) -> Iterator[None]:
    """Close a backend when this command ends, be it by Ctrl-C, a closed terminal or a scheduler's SIGTERM."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        backend.close()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def choose_view(console: Console) -> Iterator[SweepView]:
    """Yield the live table for a terminal that can be redrawn, else plain lines."""
    if console.is_terminal and not console.is_dumb_terminal:
        from sweeper.driver.live_table import LiveView

        table = LiveView(console)
        with table.live:  # which leaves the terminal as it was, with what was shown last
            yield table
    else:
        yield PlainView(console)

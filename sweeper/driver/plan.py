"""What a command is about to do, on what data, and about what it would cost. Starts and makes nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from sweeper.analysis.factors import trial_settings
from sweeper.backends import Backend, Outline
from sweeper.data.facts import DataFacts, data_facts, question_facts, read_facts
from sweeper.driver.sweep_trial import SweepTrial, watch
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.inputs import preparations
from sweeper.records.record import Record, records
from sweeper.records.study import Study
from sweeper.report.cells import TextTable as TextTable
from sweeper.report.data_text import leaks, plan_lines
from sweeper.report.terminal import rich_table
from sweeper.report.text import duration, printable
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial, digest, result_settings


def print_plan(study: Study, trials: Sequence[Trial], backend: Backend, console: Console) -> None:
    """Print each trial with what it would come to, what is started for it, the cost, and a scheduler's script."""
    watched = watch(study.directory, trials)
    followed = queued(backend) | {item.trial.name for item in watched if item.status is Status.RUNNING}
    open_trials = [item for item in watched if study.fresh or item.status is not Status.DONE]
    to_run = [item for item in open_trials if item.trial.name not in followed]
    known = durations(study.directory.parent) if to_run else {}
    expected = {item.trial.name: known.get(likeness(item.trial.description()), math.nan) for item in to_run}
    console.print(rich_table(plan_table(watched, expected, followed)))
    print_data([item.trial for item in to_run], console)
    made = dict.fromkeys(step.title for item in to_run for step in preparations(item.trial))
    for title in made:
        console.print(f"First: {printable(title)}", soft_wrap=True)
    outline = backend.outline(len(to_run))
    for line in cost_lines(len(watched), [*expected.values()], outline):
        console.print(line, soft_wrap=True)
    if outline.script and to_run:
        console.print("\nThe script that sbatch would get:\n", soft_wrap=True)
        console.print(outline.script, markup=False, highlight=False, soft_wrap=True)
    console.print("Nothing was started or written. Without plan=true the same command runs it.", soft_wrap=True)


def queued(backend: Backend) -> set[str]:
    """Return the names of trials whose jobs wait or run, as far as a scheduler says so."""
    try:
        return set(backend.attach()) if backend.outlives else set()
    except WrongInput:  # it is silent, or there is none on this machine
        return set()


def distinct(trials: Sequence[Trial], console: Console) -> list[Trial]:
    """Return each trial once, and say so where some are alike."""
    found = {trial.id: trial for trial in trials}
    if repeated := len(trials) - len(found):
        console.print(f"{repeated} of {len(trials)} combinations are the same trial as another; each is trained once.")
    return list(found.values())


def print_data(trials: Sequence[Trial], console: Console) -> None:
    """Say what should be known of each data set before trials are trained on it; a corpus has no such line."""
    distinct = {digest([result_settings(trial.data), trial.digests["data"]]): trial for trial in trials}
    for trial in distinct.values():
        facts = facts_of_data(trial)
        if facts is None:
            continue
        for line in plan_lines(str(trial.choices["data"]), facts):
            console.print(line, soft_wrap=True)
        for line in leaks(facts):
            console.print(f"  {line}", style="yellow", soft_wrap=True)


def facts_of_data(trial: Trial) -> DataFacts | None:
    """Return what is known of a trial's labelled or answered data, from the cache when it was tokenized before."""
    answered = trial.data.task == "qa"
    if not answered and not trial.data.label_names():
        return None
    known = inputs.facts(trial)
    if known:
        return read_facts(known)
    return question_facts(trial.data) if answered else data_facts(trial.data)


def plan_table(watched: Sequence[SweepTrial], expected: Mapping[str, float], followed: Collection[str]) -> TextTable:
    """Return a row a trial: its status, what would be done, and how long that is expected to take."""

    def cells(item: SweepTrial) -> tuple[str, ...]:
        name = item.trial.name
        seconds = expected.get(name, math.nan)
        shown = "" if name not in expected else "unknown" if math.isnan(seconds) else duration(seconds)
        what = "to run" if name in expected else "its job is followed" if name in followed else "done"
        return printable(name), item.status.value, what, shown

    return TextTable("Plan", ("trial", "status", "plan", "expected"), 3, (tuple(map(cells, watched)),))


def cost_lines(trials: int, seconds: Sequence[float], outline: Outline) -> list[str]:
    """Return what the trials to run need, and what is expected of time: each one's seconds, nan where unknown."""
    has = f"{counted(outline.cores, 'core')}, {counted(outline.gpus, 'GPU')}"
    lines = [f"To run: {len(seconds)} of {trials} trials; a job has {has}"]
    if outline.at_a_time:
        lines[0] += f"; {min(outline.at_a_time, len(seconds))} trials at a time"
    if not seconds:
        return lines
    known = [value for value in seconds if math.isfinite(value)]
    if not known:
        return [*lines, "Cost: unknown, since no finished trial under the same outputs= is alike but for its seeds"]
    missing = len(seconds) - len(known)
    more = f", and {missing} trials of unknown length" if missing else ""
    at_a_time = min(outline.at_a_time or len(seconds), len(seconds))
    end = max(sum(known) / at_a_time, max(known))
    waits = "" if outline.at_a_time else " once all have a place, the queue's waiting time not counted"
    total = f"Cost: {sum(known) / 3600:.2f} trial-hours{more}, from finished trials that are alike but for their seeds"
    return [*lines, total, f"Done about {duration(end)} after the start{waits}"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def durations(outputs: Path) -> dict[str, float]:
    """Return the mean seconds of the finished trials of all studies, by `likeness`."""
    found: dict[str, list[float]] = {}
    for file in outputs.glob("*/study.json"):
        for record in records(file.parent):
            if (seconds := finished_seconds(record)) is not None and (description := record.description()):
                found.setdefault(likeness(description), []).append(seconds)
    return {key: sum(values) / len(values) for key, values in found.items()}


def finished_seconds(record: Record) -> float | None:
    """Return how long a done trial took; None for any other."""
    outcome = record.outcome()
    return outcome.seconds if outcome and outcome.status is Status.DONE else None


def likeness(description: Mapping[str, Any]) -> str:
    """Return what trials share that differ in nothing but their seeds."""
    return digest(trial_settings(description["choices"], description["config"]))

"""What a command is about to do, on what data, and about what it would cost; starts and makes nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from sweeper.analysis.factors import trial_settings
from sweeper.backends import Backend, Outline
from sweeper.data.facts import DataFacts, data_facts, question_facts, read_facts
from sweeper.driver.clusters_text import check_one_column, print_clusters
from sweeper.driver.models_text import model_lines
from sweeper.driver.other_code import print_other_code
from sweeper.driver.superseded import print_reasons
from sweeper.driver.sweep_trial import SweepTrial, with_records
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.records.record import records
from sweeper.records.study import Study
from sweeper.report.data_text import leaks, plan_lines
from sweeper.report.terminal import rich_table
from sweeper.report.text import TextTable, duration, printable
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial, digest, result_settings


def print_plan(study: Study, trials: Sequence[Trial], backend: Backend, console: Console) -> None:
    """Print each trial with what it would come to, what is started for it, the cost, and a scheduler's script."""
    known = with_records(study.directory, trials)
    followed = _queued(backend) | {item.trial.name for item in known if item.status is Status.RUNNING}
    unfinished = [item for item in known if study.fresh or item.status is not Status.DONE]
    to_run = [item for item in unfinished if item.trial.name not in followed]
    seconds = _durations(study.directory.parent) if to_run else {}
    expected = {item.trial.name: seconds.get(_likeness(item.trial.description()), math.nan) for item in to_run}
    console.print(rich_table(_table(known, expected, followed)))
    print_before(study, trials, [item.trial for item in to_run], console)
    for title in dict.fromkeys(step.title for item in to_run for step in inputs.preparations(item.trial)):
        console.print(f"First: {printable(title)}", soft_wrap=True)
    outline = backend.outline(len(to_run))
    for line in _cost_lines(len(known), [*expected.values()], outline):
        console.print(line, soft_wrap=True)
    if backend.trouble:
        console.print(f"{backend.trouble}; its limits are unknown", style="yellow", markup=False, soft_wrap=True)
    if outline.script and to_run:
        console.print("\nThe script that sbatch would get:\n", soft_wrap=True)
        console.print(outline.script, markup=False, highlight=False, soft_wrap=True)
    console.print("Nothing was started or written. Without plan=true the same command runs it.", soft_wrap=True)


def _queued(backend: Backend) -> set[str]:
    """Return the names of trials whose jobs wait or run, as far as a scheduler says so."""
    try:
        return set(backend.attach()) if backend.traits.outlives else set()
    except WrongInput:  # it does not answer, or there is none on this machine
        return set()


def distinct(trials: Sequence[Trial], console: Console) -> list[Trial]:
    """Return each trial once, and print how many were named again; raises WrongInput as `check_one_column` does."""
    check_one_column(trials)
    found = {trial.id: trial for trial in trials}
    if repeated := len(trials) - len(found):
        console.print(f"{repeated} of {len(trials)} combinations are the same trial as another; each is trained once.")
    return list(found.values())


def print_before(study: Study, trials: Sequence[Trial], to_run: Sequence[Trial], console: Console) -> None:
    """Print what should be known before trials are run: models, older results, data, and settings that nobody set."""
    _print_models(to_run, console)
    print_other_code(study, trials, console)
    if not study.fresh:
        print_reasons(study.directory, trials, to_run, console)
    _print_data(to_run, console)
    print_clusters(study, trials, console)
    if to_run:
        _print_settings(study, console)


def _print_models(trials: Sequence[Trial], console: Console) -> None:
    """Print what is taken of each model that was pretrained elsewhere."""
    for line in model_lines(trials):
        console.print(printable(line), soft_wrap=True, markup=False, highlight=False)


def _print_data(trials: Sequence[Trial], console: Console) -> None:
    """Print what should be known of each data set before trials are trained on it; a corpus has no such line."""
    by_data = {digest([result_settings(trial.data), trial.digests["data"]]): trial for trial in trials}
    for trial in by_data.values():
        facts = _facts_of_data(trial)
        if facts is None:
            continue
        for line in plan_lines(str(trial.choices["data"]), facts):
            console.print(line, soft_wrap=True)
        for line in leaks(facts):
            console.print(f"  {line}", style="yellow", soft_wrap=True)


def _print_settings(study: Study, console: Console) -> None:
    """Print the settings that nobody set and that the data decided, and those that were typed for nothing."""
    if study.taken:
        console.print("Set by nobody, and taken as if typed:", soft_wrap=True)
    for sentence in study.taken:
        console.print(f"  {printable(sentence)}", markup=False, highlight=False, soft_wrap=True)
    if primary := study.question.primary:
        both = " against ".join(map(str, primary.values))
        when = "results are there already: it is corrected with the others" if study.has_results() else "planned"
        console.print(
            f"Primary comparison: {printable(f'{primary.factor} {both}')}, {when}", markup=False, soft_wrap=True
        )
    for sentence in study.unused:
        console.print(printable(sentence), style="yellow", markup=False, highlight=False, soft_wrap=True)


def _facts_of_data(trial: Trial) -> DataFacts | None:
    """Return what is known of labelled or answered data, from the cache when it was tokenized before."""
    answered = trial.data.task == "qa"
    if not answered and not trial.data.label_names():
        return None
    if known := inputs.tokenized_facts(trial):
        return read_facts(known)
    return question_facts(trial.data) if answered else data_facts(trial.data)


def _table(trials: Sequence[SweepTrial], expected: Mapping[str, float], followed: Collection[str]) -> TextTable:
    def cells(item: SweepTrial) -> tuple[str, ...]:
        name = item.trial.name
        seconds = expected.get(name, math.nan)
        shown = "" if name not in expected else "unknown" if math.isnan(seconds) else duration(seconds)
        what = "to run" if name in expected else "its job is followed" if name in followed else "done"
        return printable(name), item.status.value, what, shown

    return TextTable("Plan", ("trial", "status", "plan", "expected"), 3, (tuple(map(cells, trials)),))


def _cost_lines(trials: int, seconds: Sequence[float], outline: Outline) -> list[str]:
    """Return what the trials to run need, and what is expected of time: each one's seconds, nan where unknown."""
    has = f"{_counted(outline.cores, 'core')}, {_counted(outline.gpus, 'GPU')}"
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


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _durations(outputs: Path) -> dict[str, float]:
    """Return the mean seconds of the done trials of all studies, by `_likeness`."""
    found: dict[str, list[float]] = {}
    for file in outputs.glob("*/study.json"):
        for record in records(file.parent):
            outcome, description = record.outcome(), record.description()
            if outcome and outcome.status is Status.DONE and description:
                found.setdefault(_likeness(description), []).append(outcome.seconds)
    return {key: sum(values) / len(values) for key, values in found.items()}


def _likeness(description: Mapping[str, Any]) -> str:
    """Return what trials share that differ in nothing but their seeds."""
    return digest(trial_settings(description["choices"], description["config"]))

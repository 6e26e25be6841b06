"""From a study's results to the rows of a comparison, as pure functions.

Trials that differ in nothing but their seeds form a group, or those alike in the factors that are asked for. Only done
trials count; what is not done is named.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweeper.analysis.factors import SEEDS, Value, factor_values, rank, same_paths, trial_settings, varied
from sweeper.analysis.results import Launch, Result
from sweeper.analysis.rows import Comparison, Curve, DataSet, Differing, EpochRow, GroupRow, Summaries, TrialRow, Values
from sweeper.analysis.statistics import summarize
from sweeper.data import EVALUATED
from sweeper.trial.outcome import Status

# Settings that change what a trial reads; the other factors don't, but frameworks do where there are several.
OF_DATA = ("data.", "digests.data", "tokenizer.", "digests.tokenizer", "train.max_length")
COMMIT_SHOWN = 10  # hexadecimal digits
# Trials alike in these and in both seeds read the same examples in the same order, in the same batches.
OF_ORDER = (
    "framework",
    "framework.name",
    "task.name",
    "data",
    "digests.data",
    "digests.tokenizer",
    "train.batch_size",
    "train.epochs",
    "train.max_steps",
    "train.max_length",
)


def compare(results: Iterable[Result], planned: Sequence[str] = (), by: Sequence[str] = ()) -> Comparison:
    """Return the rows of the tables, ordered by factors and seeds; groups are made by what varies, or by `by`.

    Raises WrongInput when `by` names what is no setting.
    """
    results = list(results)
    kinds, places = kinds_of_trials(results)
    distinct = same_paths(kinds)
    factors, of_kinds = factor_values(distinct, by if results else ())
    settings, values = [distinct[place] for place in places], [of_kinds[place] for place in places]
    keyed = list(zip(values, results, settings, strict=True))
    keyed.sort(key=lambda item: (*map(rank, factors, item[0]), item[1].seed, item[1].data_seed, item[1].name))
    groups: dict[tuple[Value, ...], list[Member]] = defaultdict(list)
    for key, result, own in keyed:
        groups[key].append(Member(result, trial_row(key, result, own), own))
    measured = [key for result in results for key in result.at_best]
    tested = not measured or any(key.startswith("test/") for key in measured)
    return Comparison(
        factors=factors,
        trials=tuple(member.row for members in groups.values() for member in members),
        epochs=tuple(row for key, members in groups.items() for row in epoch_rows(key, results_of(members))),
        groups=tuple(group_row(key, members, tested) for key, members in groups.items()),
        planned=tuple(planned),
        data=tuple(data_sets(factors, [(key, result) for key, result, _ in keyed])),
        tested=tested,
        launches=tuple(Counter(launch for result in results for launch in result.launches).items()),
        curves={result.name: epoch_values(result) for result in results if result.metrics},
    )


def kinds_of_trials(results: Sequence[Result]) -> tuple[list[dict[str, Value]], list[int]]:
    """Return the settings that occur, each once, and each result's place in them: most trials differ in seeds only."""
    known: dict[str, int] = {}
    kinds: list[dict[str, Value]] = []
    places = []
    for result in results:
        own = {name: value for name, value in result.config.items() if name not in SEEDS}
        chosen = {name: value for name, value in result.choices.items() if name not in SEEDS}
        place = known.setdefault(json.dumps([chosen, own, result.study]), len(kinds))
        if place == len(kinds):
            kinds.append(trial_settings(result.choices, result.config, result.study))
        places.append(place)
    return kinds, places


@dataclass(frozen=True)
class Member:
    """A trial of a group: its result, its row, and its settings."""

    result: Result
    row: TrialRow
    settings: Mapping[str, Value]


def results_of(members: Sequence[Member]) -> list[Result]:
    """The members' results."""
    return [member.result for member in members]


def trial_row(factors: tuple[Value, ...], result: Result, settings: Mapping[str, Value]) -> TrialRow:
    """Return a trial's row; only a done trial has values."""
    outcome = result.outcome
    best = outcome.best if outcome and result.status == Status.DONE else None
    return TrialRow(
        name=result.name,
        status=result.status,
        factors=factors,
        seed=result.seed,
        data_seed=result.data_seed,
        metric=result.metric,
        validation=result.best("valid"),
        test=result.best("test"),
        others={name: Values(result.best("valid", name), result.best("test", name)) for name in result.others},
        epoch=best.epoch if best else None,
        step=best.step if best else None,
        seconds=outcome.seconds if outcome else None,
        divergence=result.divergence,
        error=outcome.error.type if outcome and outcome.error else None,
        id=result.id,
        study=result.study,
        model=str(result.choices["model"]),
        framework=str(result.choices["framework"]),
        device=str(result.config["device"]),
        peak_memory_bytes=outcome.peak_memory_bytes if outcome else None,
        parameters=outcome.parameters if outcome else None,
        order=tuple(value for name, value in settings.items() if name in OF_ORDER or name.startswith("data.")),
    )


def epoch_rows(factors: tuple[Value, ...], results: Sequence[Result]) -> Iterator[EpochRow]:
    """Yield a group's epochs. n is smaller where a trial has no value for an epoch."""
    metric = results[0].metric
    values: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    for result in results:
        for (split, name), curve in epoch_values(result).items():
            for epoch, value in curve.items():
                values[epoch, name, split].append(value)

    def both(epoch: int, name: str) -> Summaries:
        return Summaries(*(summarize(values.get((epoch, name, split), [])) for split in EVALUATED))

    evaluated = {(epoch, name) for epoch, name, split in values if split in EVALUATED}
    for epoch in sorted({epoch for epoch, name in evaluated if name == metric}):
        own = both(epoch, metric)
        names = sorted({name for at, name in evaluated if at == epoch} - {metric})
        others = {name: both(epoch, name) for name in names}
        yield EpochRow(factors, metric, epoch, own.validation, own.test, others)


def epoch_values(result: Result) -> Curve:
    """Return a trial's evaluations: split and metric -> epoch -> the epoch's last value."""
    curves: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for item in result.metrics:
        if item.split in EVALUATED:
            curves[item.split, item.name][item.epoch] = item.value
    return dict(curves)


def group_row(factors: tuple[Value, ...], members: Sequence[Member], tested: bool) -> GroupRow:
    """Return a group's row at each trial's best epoch."""
    reasons = [(member, absence(member.result, tested)) for member in members]
    counted = [member for member, why in reasons if not why]
    first = members[0]
    independent = not share_seeds(results_of(counted))

    def both(name: str) -> Summaries:
        values = ([member.result.best(split, name) for member in counted] for split in EVALUATED)
        known = [[value for value in column if value is not None] for column in values]
        return Summaries(*(summarize(column, independent=independent) for column in known))

    own = both(first.result.metric)
    names = Counter(member.result.id for member in counted if member.result.id)
    return GroupRow(
        factors=factors,
        metric=first.result.metric,
        trials=len(members),
        validation=own.validation,
        test=own.test,
        others={name: both(name) for name in sorted({name for member in counted for name in member.result.others})},
        missing=tuple((member.result.name, why) for member, why in reasons if why),
        counted=tuple(member.row for member in counted),
        members=tuple(member.row for member in members),
        differing=(*differing_settings(members), *differing_code(results_of(counted))),
        repeated=tuple(member.result.name for member in counted if names[member.result.id] > 1),
        independent=independent,
        settings=first.settings,
        configs=tuple({id(member.settings): member.result.config for member in members}.values()),
    )


def share_seeds(results: Sequence[Result]) -> bool:
    """Whether some results, but not all, have a seed or a data seed in common: they are not independent."""
    kinds = (Counter(result.seed for result in results), Counter(result.data_seed for result in results))
    return any(1 < len(found) < len(results) for found in kinds)


def differing_settings(members: Sequence[Member]) -> Iterator[Differing]:
    """Yield the settings that trials of one group differ in; not those that only follow others."""
    kinds = {id(member.settings): member.settings for member in members}
    if len(kinds) == 1:
        return
    for name in varied(list(kinds.values())):
        counts = Counter(json.dumps(member.settings.get(name)).strip('"') for member in members)
        if len(counts) > 1:
            yield Differing(name, tuple(counts.items()))


def differing_code(results: Sequence[Result]) -> Iterator[Differing]:
    """Yield what the code that results come from differs in: its commit and changes, and versions of packages."""
    launches = [launch for result in results for launch in dict.fromkeys(result.launches)]
    if len(set(launches)) < 2:
        return
    commits = Counter(map(commit_text, launches))
    if len(commits) > 1:
        yield Differing("commit", tuple(commits.items()))
    versions = [dict(launch.versions) for launch in launches]
    for package in dict.fromkeys(package for own in versions for package in own):
        counts = Counter(own.get(package, "none") for own in versions)
        if len(counts) > 1:
            yield Differing(package, tuple(counts.items()))


def commit_text(launch: Launch) -> str:
    """A launch's commit, and the digest of what the code differed from it by."""
    if launch.commit is None:
        return "not recorded"
    return launch.commit[:COMMIT_SHOWN] + (
        f" + changes {launch.difference[:COMMIT_SHOWN]}" if launch.difference else ""
    )


def absence(result: Result, tested: bool) -> str:
    """Why a trial has no part in its group's row; empty when it has."""
    if result.status != Status.DONE:
        error = result.outcome.error if result.outcome else None
        return f"{result.status}: {error.type}" if error else result.status.value
    if result.best("valid") is None:
        return f"no finite validation {result.metric}"
    return f"no test {result.metric}" if tested and result.best("test") is None else ""


def data_sets(factors: Sequence[str], keyed: Sequence[tuple[tuple[Value, ...], Result]]) -> Iterator[DataSet]:
    """Yield each data set that records have facts of once, in the order of their trials."""
    seen = set()
    different = {name: len({values[place] for values, _ in keyed}) > 1 for place, name in enumerate(factors)}
    telling = [name for name in factors if name.startswith((*OF_DATA, "framework")) and different[name]]
    for values, result in keyed:
        named = dict(zip(factors, values, strict=True))
        settings = {name: named[name] for name in telling}
        key = json.dumps([result.choices["data"], settings, result.facts], sort_keys=True)
        if result.facts and key not in seen:
            seen.add(key)
            yield DataSet(str(result.choices["data"]), settings, result.config["train"]["max_length"], result.facts)

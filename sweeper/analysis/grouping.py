"""Groups: from results to the rows of a comparison.

Trials that differ in nothing but their seeds form a group, or those alike in the factors that are asked for. Only done
trials count; what is not done is named.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweeper.analysis.contents import MODEL, Value, same_paths, twin_paths
from sweeper.analysis.differing import differing_code, differing_settings
from sweeper.analysis.factors import SEEDS, rank, trial_settings
from sweeper.analysis.group_summaries import are_independent, group_summary
from sweeper.analysis.majority import common, shares, trial_collapse
from sweeper.analysis.over_texts import texts_of_group, with_texts
from sweeper.analysis.results import Result, Studies, results_of
from sweeper.analysis.roles import Roles, assign, primary_of
from sweeper.analysis.rows import (
    Comparison,
    Curve,
    DataSet,
    EpochRow,
    GroupRow,
    Summaries,
    TrialRow,
    Values,
)
from sweeper.analysis.selection import selected
from sweeper.analysis.statistics import Summary, summarize
from sweeper.analysis.superseded import with_superseded
from sweeper.analysis.text_scores import KeptAnswers
from sweeper.data import EVALUATED
from sweeper.records.question import NOTHING, Question, question
from sweeper.records.study import StudyRecords
from sweeper.trial.metrics import is_share
from sweeper.trial.outcome import Status

# Settings that change what a trial reads; the other factors don't, but frameworks do where there are several.
OF_DATA = ("data.", "digests.data", "tokenizer.", "digests.tokenizer", "train.max_length")
# Trials alike in these and in both seeds read the same examples in the same order, in the same batches.
OF_ORDER = (
    "framework",
    "framework.name",
    "task.name",
    "data",
    "digests.data",
    "digests.data_code",
    "digests.tokenizer",
    "train.batch_size",
    "train.gradient_accumulation",
    "train.epochs",
    "train.max_steps",
    "train.max_length",
)


def compare(results: Iterable[Result], planned: Sequence[str] = (), asked: Question = NOTHING) -> Comparison:
    """Return the tables' rows, by factors and seeds; raises WrongInput where what is asked names no setting."""
    results = with_superseded(list(results))
    kinds, positions = _kinds_of_trials(results)
    distinct = same_paths(kinds)
    factors, roles = assign(distinct, asked if results else NOTHING)
    twins = twin_paths(distinct) if MODEL in factors else [()] * len(distinct)
    of_kinds = [tuple(values.get(factor) for factor in factors) for values in distinct]
    members = [
        Member(result, _trial_row(of_kinds[kind], result, distinct[kind]), distinct[kind], twins[kind])
        for kind, result in zip(positions, results, strict=True)
    ]
    members.sort(key=lambda own: (*map(rank, factors, own.row.factors), own.row.seed, own.row.data_seed, own.row.name))
    groups: dict[tuple[Value, ...], list[Member]] = defaultdict(list)
    for member in members:
        groups[member.row.factors].append(member)
    measured = [key for result in results for key in result.at_best]
    tested = not measured or any(key.startswith("test/") for key in measured)
    whole = Comparison(
        factors=factors,
        trials=tuple(member.row for own in groups.values() for member in own),
        epochs=tuple(row for own in groups.values() for row in _epoch_rows(own)),
        groups=tuple(_group_row(own, tested, roles) for own in groups.values()),
        planned=tuple(planned),
        data=tuple(_data_sets(factors, members)),
        tested=tested,
        launches=tuple(Counter(launch for result in results for launch in result.launches).items()),
        curves={result.name: _epoch_values(result) for result in results if result.metrics and not result.superseded},
        roles=roles,
        primary=primary_of(asked, distinct, roles) if results else None,
    )
    return selected(whole) if roles.tuned else whole


def compare_study(opened: StudyRecords | Studies, by: Sequence[str] = (), asked: Question | None = None) -> Comparison:
    """Compare all records in groups of what varies (of several studies they too), or as `asked`; `by` is short for it.

    What a study was asked by its sweeps counts where `asked` does not say otherwise.
    """
    asked = asked or (question({"by": list(by)}) if by else NOTHING)
    if isinstance(opened, StudyRecords):
        return compare(results_of(opened), opened.planned, asked.over(opened.question))
    named = list(zip(opened.names(), opened.members, strict=True))
    results = (result.of_study(name) for name, study in named for result in results_of(study))
    planned = [f"{name}/{trial}" for name, study in named for trial in study.planned]
    return compare(results, planned, asked)


def _kinds_of_trials(results: Sequence[Result]) -> tuple[list[dict[str, Value]], list[int]]:
    """Return the settings that occur, each once, and each result's position in them: trials differ mostly in seeds."""
    known: dict[str, int] = {}
    kinds: list[dict[str, Value]] = []
    positions = []
    for result in results:
        own = {name: value for name, value in result.config.items() if name not in SEEDS}
        chosen = {name: value for name, value in result.choices.items() if name not in SEEDS}
        position = known.setdefault(json.dumps([chosen, own, result.study]), len(kinds))
        if position == len(kinds):
            kinds.append(trial_settings(result.choices, result.config, result.study))
        positions.append(position)
    return kinds, positions


@dataclass(frozen=True)
class Member:
    """A trial of a group: its result, its row, its settings, and the paths of models that it stands for as well."""

    result: Result
    row: TrialRow
    settings: Mapping[str, Value]
    twins: tuple[Value, ...]


def _trial_row(factors: tuple[Value, ...], result: Result, settings: Mapping[str, Value]) -> TrialRow:
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
        superseded=bool(result.superseded),
        order=tuple(value for name, value in settings.items() if name in OF_ORDER or name.startswith("data.")),
        started=result.started,
        ended=result.ended,
        collapse=trial_collapse(result.facts, result.at_best, result.metrics, result.predictions),
    )


def _epoch_rows(members: Sequence[Member]) -> Iterator[EpochRow]:
    """Yield a group's epochs. n is smaller where a trial has no value for an epoch."""
    metric = members[0].row.metric
    values: dict[tuple[int, str, str], list[tuple[tuple[int, int], float]]] = defaultdict(list)
    for member in members:
        if member.result.superseded:
            continue
        for (split, name), curve in _epoch_values(member.result).items():
            for epoch, value in curve.items():
                values[epoch, name, split].append((_seeds(member.result), value))

    independent = are_independent([_seeds(member.result) for member in members if not member.result.superseded])

    def summary(known: Sequence[tuple[tuple[int, int], float]], name: str) -> Summary:
        # Tables of epochs have no intervals: only crossed seeds make another mean.
        return summarize([value for _, value in known]) if independent else _summarized(known, name)

    def both(epoch: int, name: str) -> Summaries:
        return Summaries(*(summary(values.get((epoch, name, split), []), name) for split in EVALUATED))

    evaluated = {(epoch, name) for epoch, name, split in values if split in EVALUATED}
    for epoch in sorted({epoch for epoch, name in evaluated if name == metric}):
        own = both(epoch, metric)
        names = sorted({name for at, name in evaluated if at == epoch} - {metric})
        others = {name: both(epoch, name) for name in names}
        yield EpochRow(members[0].row.factors, metric, epoch, own.validation, own.test, others)


def _epoch_values(result: Result) -> Curve:
    """Return a trial's evaluations: split and metric -> epoch -> the epoch's last value."""
    curves: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for item in result.metrics:
        if item.split in EVALUATED:
            curves[item.split, item.name][item.epoch] = item.value
    return dict(curves)


def _group_row(members: Sequence[Member], tested: bool, roles: Roles) -> GroupRow:
    reasons = [(member, _absence(member.result, tested)) for member in members]
    counted = [member for member, why in reasons if not why]
    first = members[0]
    code = differing_code([member.result for member in counted])

    def both(name: str) -> Summaries:
        return Summaries(*(_summary([member.result for member in counted], split, name) for split in EVALUATED))

    split = "test" if tested else "validation"
    texts, lacks = texts_of_group(_kept_answers(counted), first.row.metric, split)
    if len({member.result.config["digests"].get("data") for member in counted}) > 1:
        texts, lacks = {}, {split: "its trials read different data or splits"}
    own = with_texts(both(first.row.metric), texts, share=is_share(first.row.metric))
    names = Counter(member.result.id for member in counted if member.result.id)
    return GroupRow(
        factors=first.row.factors,
        metric=first.row.metric,
        trials=len(members),
        validation=own.validation,
        test=own.test,
        others={name: both(name) for name in sorted({name for member in counted for name in member.result.others})},
        missing=tuple((member.result.name, why) for member, why in reasons if why),
        counted=tuple(member.row for member in counted),
        members=tuple(member.row for member in members),
        differing=(*differing_settings([member.settings for member in members], roles.nuisance), *code),
        repeated=tuple(member.result.name for member in counted if names[member.result.id] > 1),
        independent=are_independent([_seeds(member.result) for member in counted]),
        settings=first.settings,
        configs=tuple({id(member.settings): member.result.config for member in members}.values()),
        twins=first.twins,
        majority=common([shares(member.result.facts) for member in counted]),
        texts=texts,
        lacks=lacks,
    )


def _kept_answers(members: Sequence[Member]) -> list[KeptAnswers]:
    """Return where the predictions of trials that count lie."""
    return [
        KeptAnswers(own.result.predictions, own.result.outcome.best, _seeds(own.result))
        for own in members
        if own.result.predictions and own.result.outcome and own.result.outcome.best
    ]


def _summary(results: Sequence[Result], split: str, name: str) -> Summary:
    """Summarize a metric of the trials in which it was measured."""
    known = [(_seeds(result), value) for result in results if (value := result.best(split, name)) is not None]
    return _summarized(known, name)


def _summarized(known: Sequence[tuple[tuple[int, int], float]], name: str) -> Summary:
    return group_summary([seeds for seeds, _ in known], [value for _, value in known], is_share=is_share(name))


def _seeds(result: Result) -> tuple[int, int]:
    return result.seed, result.data_seed


def _absence(result: Result, tested: bool) -> str:
    """Why a trial has no part in its group's row; empty when it has."""
    if result.superseded:
        return result.superseded
    if result.status != Status.DONE:
        error = result.outcome.error if result.outcome else None
        return f"{result.status}: {error.type}" if error else result.status.value
    if result.best("valid") is None:
        return f"no finite validation {result.metric}"
    return f"no test {result.metric}" if tested and result.best("test") is None else ""


def _data_sets(factors: Sequence[str], members: Sequence[Member]) -> Iterator[DataSet]:
    """Yield each data set that records have facts of once, in the order of their trials."""
    seen = set()
    different = {name: len({own.row.factors[position] for own in members}) > 1 for position, name in enumerate(factors)}
    telling = [name for name in factors if name.startswith((*OF_DATA, "framework")) and different[name]]
    for own in members:
        result, named = own.result, dict(zip(factors, own.row.factors, strict=True))
        settings = {name: named[name] for name in telling}
        key = json.dumps([result.choices["data"], settings, result.facts], sort_keys=True)
        if result.facts and not result.superseded and key not in seen:
            seen.add(key)
            yield DataSet(str(result.choices["data"]), settings, result.config["train"]["max_length"], result.facts)

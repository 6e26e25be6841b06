"""From a study's results to the rows of a comparison, as pure functions.

Trials that differ in nothing but their seeds form a group. Only done trials count; what is not done is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.factors import Value, factor_values, rank, trial_settings
from sweeper.record import Record
from sweeper.statistics import Summary, summarize
from sweeper.trial import Metric, Outcome, Status


@dataclass(frozen=True)
class Result:
    """What a record says of its trial. `metrics` is empty unless the trial is done."""

    name: str
    status: Status
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    outcome: Outcome | None
    metrics: tuple[Metric, ...]

    @classmethod
    def read(cls, record: Record) -> Result | None:
        """Return a record's result; None when the record was put aside in the meantime."""
        status = record.status()
        description = record.description()
        if description is None:
            return None
        done = status == Status.DONE
        ended = status in (Status.DONE, Status.FAILED, Status.CANCELLED)
        return cls(
            name=record.path.name,
            status=status,
            choices=description["choices"],
            config=description["config"],
            outcome=record.outcome() if ended else None,
            metrics=tuple(record.metrics()) if done else (),
        )

    @property
    def seed(self) -> int:
        """Seed of weights, head and dropout."""
        return int(self.config["seed"])

    @property
    def data_seed(self) -> int:
        """Seed of the order of the examples."""
        return int(self.config["data_seed"])

    @property
    def metric(self) -> str:
        """The metric that selected the epoch."""
        return str(self.config["task"]["selection_metric"])

    def best(self, split: str) -> float | None:
        """Value of the selection metric at the selected step; None unless the trial is done."""
        if self.status != Status.DONE or self.outcome is None or self.outcome.best is None:
            return None
        return self.outcome.best.metrics.get(f"{split}/{self.metric}")


@dataclass(frozen=True)
class TrialRow:
    """One trial at its best epoch; `factors` are values of the comparison's factors. None: not known."""

    name: str
    status: Status
    factors: tuple[Value, ...]
    seed: int
    data_seed: int
    metric: str
    validation: float | None
    test: float | None
    epoch: int | None
    step: int | None
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one group, over the group's done trials."""

    factors: tuple[Value, ...]
    metric: str
    epoch: int
    validation: Summary
    test: Summary


@dataclass(frozen=True)
class GroupRow:
    """One group at each trial's best epoch; `missing` names the trials that do not count, and why."""

    factors: tuple[Value, ...]
    metric: str
    trials: int
    validation: Summary
    test: Summary
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Comparison:
    """The rows of a study's tables. `planned` names trials that have no record yet."""

    factors: tuple[str, ...]
    trials: tuple[TrialRow, ...]
    epochs: tuple[EpochRow, ...]
    groups: tuple[GroupRow, ...]
    planned: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The selection metrics that occur; almost always one."""
        return tuple(dict.fromkeys(row.metric for row in self.trials))


def compare(results: Iterable[Result], planned: Sequence[str] = ()) -> Comparison:
    """Return the rows of the three tables, ordered by factors and seeds."""
    results = list(results)
    factors, values = factor_values([trial_settings(result.choices, result.config) for result in results])
    keyed = list(zip(values, results, strict=True))
    keyed.sort(key=lambda item: (*map(rank, item[0]), item[1].seed, item[1].data_seed, item[1].name))
    groups: dict[tuple[Value, ...], list[Result]] = defaultdict(list)
    for key, result in keyed:
        groups[key].append(result)
    return Comparison(
        factors=factors,
        trials=tuple(trial_row(key, result) for key, result in keyed),
        epochs=tuple(row for key, members in groups.items() for row in epoch_rows(key, members)),
        groups=tuple(group_row(key, members) for key, members in groups.items()),
        planned=tuple(planned),
    )


def trial_row(factors: tuple[Value, ...], result: Result) -> TrialRow:
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
        epoch=best.epoch if best else None,
        step=best.step if best else None,
        seconds=outcome.seconds if outcome else None,
        error=outcome.error.type if outcome and outcome.error else None,
    )


def epoch_rows(factors: tuple[Value, ...], results: Sequence[Result]) -> Iterator[EpochRow]:
    """Yield a group's epochs. n is smaller where a trial has no value for an epoch."""
    metric = results[0].metric
    values: dict[tuple[int, str], list[float]] = defaultdict(list)
    for result in results:
        at_epoch = {(item.epoch, item.split): item.value for item in result.metrics if item.name == metric}
        for key, value in at_epoch.items():
            values[key].append(value)
    for epoch in sorted({epoch for epoch, split in values if split in ("valid", "test")}):
        validation, test = (summarize(values.get((epoch, split), [])) for split in ("valid", "test"))
        yield EpochRow(factors, metric, epoch, validation, test)


def group_row(factors: tuple[Value, ...], results: Sequence[Result]) -> GroupRow:
    """Return a group's row at each trial's best epoch."""
    whole = [(result.best("valid"), result.best("test")) for result in results]
    counted = [(validation, test) for validation, test in whole if validation is not None and test is not None]
    return GroupRow(
        factors=factors,
        metric=results[0].metric,
        trials=len(results),
        validation=summarize([valid for valid, _ in counted]),
        test=summarize([test for _, test in counted]),
        missing=tuple((item.name, why) for item in results if (why := absence(item))),
    )


def absence(result: Result) -> str:
    """Why a trial has no part in its group's row; empty when it has."""
    if result.status != Status.DONE:
        error = result.outcome.error if result.outcome else None
        return f"{result.status}: {error.type}" if error else result.status.value
    if result.best("valid") is None:
        return f"no finite validation {result.metric}"
    return "" if result.best("test") is not None else f"no test {result.metric}"

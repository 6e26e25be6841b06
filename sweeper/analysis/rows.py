"""The rows of a comparison: trials, epochs, groups, data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sweeper.analysis.factors import Value
from sweeper.analysis.reference import Reference
from sweeper.analysis.results import Divergence, Launch
from sweeper.analysis.statistics import Summary
from sweeper.trial.outcome import ParameterCounts, Status

Curve = Mapping[tuple[str, str], Mapping[int, float]]


@dataclass(frozen=True)
class Values:
    """A metric of one trial on both sets. None: not known."""

    validation: float | None
    test: float | None


@dataclass(frozen=True)
class Summaries:
    """A metric of several trials on both sets."""

    validation: Summary
    test: Summary


@dataclass(frozen=True)
class TrialRow:
    """One trial at its best epoch; `factors` are values of the comparison's factors. None: not known.

    `others` are the metrics that did not select the epoch, by name; so in the other rows.
    """

    name: str
    status: Status
    factors: tuple[Value, ...]
    seed: int
    data_seed: int
    metric: str
    validation: float | None
    test: float | None
    others: Mapping[str, Values]
    epoch: int | None
    step: int | None
    seconds: float | None
    divergence: Divergence | None
    error: str | None
    id: str
    study: str
    model: str
    framework: str
    device: str
    peak_memory_bytes: int | None  # of the GPU where there is one, else of the process
    parameters: ParameterCounts | None
    order: tuple[Value, ...]  # what fixes the order of its examples, with both seeds

    def value(self, split: str, metric: str) -> float | None:
        """A metric on "validation" or "test"; None where it is not known."""
        values: TrialRow | Values | None = self if metric == self.metric else self.others.get(metric)
        found: float | None = getattr(values, split, None)
        return found


@dataclass(frozen=True)
class Differing:
    """What trials of one group differ in: a setting, "commit" or a package, each value with its number of trials."""

    name: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one group, over the group's done trials."""

    factors: tuple[Value, ...]
    metric: str
    epoch: int
    validation: Summary
    test: Summary
    others: Mapping[str, Summaries]


@dataclass(frozen=True)
class GroupRow:
    """One group at each trial's best epoch.

    `missing` names the trials that do not count, and why; `counted` are those that do. `differing` is what they differ
    in besides their seeds, which it should not; `repeated` names trials that another one of the group is the same as.
    `independent`: no two of those that count share a seed or a data seed, unless all do. `settings` are those of its
    first trial, `configs` those that occur.
    """

    factors: tuple[Value, ...]
    metric: str
    trials: int
    validation: Summary
    test: Summary
    others: Mapping[str, Summaries]
    missing: tuple[tuple[str, str], ...]
    counted: tuple[TrialRow, ...]
    members: tuple[TrialRow, ...]
    differing: tuple[Differing, ...]
    repeated: tuple[str, ...]
    independent: bool
    settings: Mapping[str, Value]
    configs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class DataSet:
    """What the records say of the data that some trials read.

    `settings` are the values of those factors that tell it from other data of the same name; at most `max_length`
    ids of a text were read.
    """

    name: str
    settings: Mapping[str, Value]
    max_length: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)  # by identity, so that what is costly to derive can be kept for it
class Comparison:
    """The rows of a study's tables. `planned` names trials that have no record yet.

    `tested`: whether test sets are part of the study; when no done trial has a test metric they are not. `launches` are
    all starts of trials that are alike, with their number; `reference` is what is published of such groups; `curves`
    holds what `epoch_values` says of each done trial, by name.
    """

    factors: tuple[str, ...]
    trials: tuple[TrialRow, ...]
    epochs: tuple[EpochRow, ...]
    groups: tuple[GroupRow, ...]
    planned: tuple[str, ...]
    data: tuple[DataSet, ...] = ()
    tested: bool = True
    launches: tuple[tuple[Launch, int], ...] = ()
    reference: Reference | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)

    @property
    def split(self) -> str:
        """The set that groups are compared on: "test" where there is one."""
        return "test" if self.tested else "validation"

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The selection metrics that occur; almost always one."""
        return tuple(dict.fromkeys(row.metric for row in self.trials))

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The other metrics that were measured, by name."""
        return tuple(sorted({name for row in self.trials for name in row.others}))

"""Rows: the plain values of a comparison, trials, epochs, groups and their cost, data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.contents import Value
from sweeper.analysis.names import Names
from sweeper.analysis.results import Divergence, Launch
from sweeper.analysis.roles import Roles
from sweeper.analysis.statistics import Summary
from sweeper.data import EVALUATED
from sweeper.records.question import Primary
from sweeper.trial.outcome import ParameterCounts, Status

if TYPE_CHECKING:
    from sweeper.analysis.reference import Reference
    from sweeper.analysis.text_scores import GroupTexts

SETS = ("validation", "test")  # as tables call them
RECORDED = dict(zip(SETS, EVALUATED, strict=True))  # as records do
Curve = Mapping[tuple[str, str], Mapping[int, float]]


class MeasuredRow:
    """A row of values, summaries or differences: of the metric that selected the epoch, and of the others by name."""

    metric: str
    others: Mapping[str, Any]

    def on(self, split: str, metric: str | None = None) -> Any:
        """A metric, by default the one that selected, on "validation" or "test"; None: not measured."""
        return getattr(self.others.get(metric) if metric and metric != self.metric else self, split, None)


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
class TrialRow(MeasuredRow):
    """One trial at its best epoch; `factors` are its values of the comparison's. None: not known.

    `superseded`: it is measured otherwise since, and the study has that trial, too. `collapse`: by what validation
    shows that it learned nothing.
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
    superseded: bool
    order: tuple[Value, ...]  # what fixes the order of its examples, with both seeds
    started: float | None = None  # its first launch and its last metric, in seconds since 1970
    ended: float | None = None
    collapse: Collapse | None = None

    @property
    def state(self) -> str:
        """How tables call what has become of it."""
        return "superseded" if self.superseded else self.status.value


@dataclass(frozen=True)
class Differing:
    """What trials of one group differ in: a setting, "commit" or a package, each value with its number of trials."""

    name: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EpochRow(MeasuredRow):
    """One epoch of one group, over the group's done trials."""

    factors: tuple[Value, ...]
    metric: str
    epoch: int
    validation: Summary
    test: Summary
    others: Mapping[str, Summaries]


@dataclass(frozen=True)
class GroupRow(MeasuredRow):
    """One group at each trial's best epoch.

    `missing` names the trials that do not count, and why; `counted` are those that do. `differing` is what they differ
    in besides their seeds, which it should not; `repeated` names trials that another one of the group is the same as.
    `independent`: no two of those that count share a seed or a data seed, unless all do. `settings` are those of its
    first trial, `configs` those that occur. `twins`: the paths of other models whose random model this is as well.
    `majority`: the most frequent class's share of each set, where all that count have it alike.
    `texts` holds, by set, what its trials answered in the selection metric; `lacks`, by set, why it is not there.
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
    twins: tuple[Value, ...] = ()
    majority: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, GroupTexts] = field(default_factory=dict, repr=False)
    lacks: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def collapsed(self) -> tuple[TrialRow, ...]:
        """Those that count and have collapsed."""
        return tuple(row for row in self.counted if row.collapse)

    @property
    def collapses(self) -> tuple[Collapse, ...]:
        """By what each of these has."""
        return tuple(row.collapse for row in self.counted if row.collapse)

    @property
    def greater_is_better(self) -> bool:
        """Which way the selection metric is better."""
        return bool(self.configs[0]["task"]["greater_is_better"])


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


@dataclass(frozen=True)
class GridRow:
    """A value of the tuned settings that one group was trained with; `factors` are those of the comparison.

    `validation` is of the selection metric, over the trials that count, by what some of which may have collapsed;
    `chosen`: it is what the group is compared by.
    """

    factors: tuple[Value, ...]
    values: tuple[Value, ...]
    metric: str
    validation: Summary
    chosen: bool
    collapses: tuple[Collapse, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The values that validation chose for one group, of how many; which of them lie at an end of what was tried.

    `unequal`: other groups were trained with other values.
    """

    factors: tuple[Value, ...]
    values: tuple[Value, ...]
    tried: int
    at_edge: tuple[str, ...]
    unequal: bool


@dataclass(frozen=True)
class Grid:
    """All values of the `tuned` settings, and the choice among them a group; `whole` is the comparison of them all."""

    tuned: tuple[str, ...]
    rows: tuple[GridRow, ...]
    choices: tuple[Choice, ...]
    whole: Comparison


@dataclass(frozen=True, eq=False)  # by identity, so that what is costly to derive can be kept for it
class Comparison:
    """The rows of a study's tables. `planned` names trials that have no record yet.

    `tested`: whether test sets are part of the study; when no done trial has a test metric they are not. `launches` are
    all starts of trials that are alike, with their number; `reference` is what is published of such groups; `curves`
    holds the evaluations of each done trial, by name. `roles` are the factors', `primary` the comparison that the study
    was made for. Where settings are tuned, groups and trials are those of the chosen values, and `grid` has them all.
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
    roles: Roles = Roles()
    primary: Primary | None = None
    grid: Grid | None = None

    @property
    def whole(self) -> Comparison:
        """The comparison of all trials, those of values that were not chosen too."""
        return self.grid.whole if self.grid else self

    @cached_property
    def names(self) -> Names:
        """How its groups and their factors' values are called."""
        groups = [row.factors for row in self.groups] + [row.factors for row in self.trials]
        return Names.of(self.factors, groups)

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets that trials are measured on."""
        return SETS if self.tested else SETS[:1]

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

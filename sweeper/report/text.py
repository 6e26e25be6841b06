"""Numbers, durations, names and tables as text for people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.contents import Value
from sweeper.analysis.estimates import MeanDifference
from sweeper.analysis.factors import factor_values, trial_settings
from sweeper.analysis.names import UNKNOWN as UNKNOWN
from sweeper.analysis.names import Names, group_name
from sweeper.analysis.names import heading as heading
from sweeper.analysis.names import printable as printable
from sweeper.analysis.names import value_text as value_text
from sweeper.analysis.permutation_tests import PermutationTest
from sweeper.analysis.rows import Comparison, GridRow, GroupRow, TrialRow
from sweeper.analysis.statistics import CONFIDENCE, Summary
from sweeper.trial.metrics import is_share

MAJORITY = "majority class"
COLLAPSE = {Collapse.LOSS: "loss not finite", Collapse.ONE_CLASS: "one class", Collapse.CHANCE: "at chance"}
Cells = tuple[str, ...]
Group = tuple[Value, ...]


@dataclass(frozen=True)
class TextTable:
    """A table of text, a block the rows of a group; heads may have lines; columns from `numeric` on hold numbers."""

    title: str
    heads: Cells
    numeric: int
    blocks: tuple[tuple[Cells, ...], ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(map(len, self.blocks))

    def beginning(self, most: int) -> tuple[tuple[Cells, ...], ...]:
        """Return the blocks of the first rows."""
        blocks, room = [], most
        for block in self.blocks:
            if room > 0:
                blocks.append(block[:room])
            room -= len(block)
        return tuple(blocks)


def metric_name(metric: str, unit: str = "%") -> str:
    """Name of a metric with its unit, which for shares is `unit`."""
    return f"{printable(metric)} ({unit})" if is_share(metric) else printable(metric)


def metric_text(metric: str, value: float | None, other: float | None = None) -> str:
    """A metric's value: per cent with one decimal for a share, else four significant digits.

    One that stands beside an `other`, as a standard deviation does, has as many decimals as that.
    """
    if value is None:
        return UNKNOWN
    if is_share(metric):
        return f"{100 * value:z.1f}"  # z: never -0.0
    if other and math.isfinite(other) and 1e-4 <= abs(other) < 1e4:  # four digits outside that have an exponent
        return f"{value:z.{3 - math.floor(math.log10(abs(other)))}f}"
    return f"{value:z.4g}"


def spread_text(metric: str, summary: Summary | None) -> str:
    """Mean ± sample standard deviation; of a single value that alone."""
    if summary is None or summary.mean is None:
        return UNKNOWN
    mean = summary.mean
    if summary.n == 1:
        return metric_text(metric, mean, mean)
    return f"{metric_text(metric, mean, mean)} ± {metric_text(metric, summary.sd, mean)}"


def difference_text(metric: str, found: MeanDifference | None) -> str:
    """Difference of means [interval], of shares in percentage points."""
    if found is None:
        return UNKNOWN
    bounds = bounds_text(metric, found.low, found.high, found.difference)
    return f"{metric_text(metric, found.difference, found.difference)} {bounds or f'[{UNKNOWN}]'}"


def bounds_text(metric: str, low: float | None, high: float | None, beside: float) -> str:
    """An interval, empty where there is none; a bound of exactly 0, where correction ends it, is outside: [-8, 0)."""
    if low is None or high is None:
        return ""
    first, last = (_bound_text(metric, bound, beside) for bound in (low, high))
    return f"{'(' if low == 0 else '['}{first}, {last}{')' if high == 0 else ']'}"


def _bound_text(metric: str, bound: float, beside: float) -> str:
    """A bound with so many digits that it is seen on which side of 0 it lies."""
    text = metric_text(metric, bound, beside)
    if bound and text == metric_text(metric, 0.0, beside):
        return f"{100 * bound if is_share(metric) else bound:.1g}"
    return text


def sizes_text(found: MeanDifference | None) -> str:
    """How many values each of two groups has."""
    return UNKNOWN if found is None else f"{found.n_first}, {found.n_second}"


def sizes_of(groups: Iterable[GroupRow], split: str) -> str:
    """How many seeds groups have on a set, each number once: "3", "3 and 5", "3 × 3 seeds", "18 trials"."""
    found = []
    for row in groups:
        own: Summary = row.on(split)
        if own.crossed:
            found.append(f"{own.crossed.seeds} × {own.crossed.data_seeds} seeds")
        else:
            found.append(str(own.n) if row.independent else f"{own.n} trials")
    return and_text(list(dict.fromkeys(found)))


def and_text(texts: Sequence[str]) -> str:
    """Texts as a list in a sentence: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def interval_name() -> str:
    """What intervals are called: 95 % interval."""
    return f"{CONFIDENCE:.0%} interval".replace("%", " %")


def interval_text(metric: str, summary: Summary | None) -> str:
    """The interval of a mean."""
    if summary is None or summary.low is None:
        return UNKNOWN
    low, high = (metric_text(metric, bound, summary.mean) for bound in (summary.low, summary.high))
    return f"[{low}, {high}]"


def seeds_interval_text(metric: str, summary: Summary | None) -> str:
    """The interval of a mean for new seeds on the same texts."""
    if summary is None or summary.over_seeds is None:
        return interval_text(metric, summary)
    low, high = summary.over_seeds
    return interval_text(metric, replace(summary, low=low, high=high))


def p_text(found: PermutationTest | float | None) -> str:
    """A p with two significant digits, three where it is small; ≈ before one that random labellings estimate."""
    if found is None:
        return UNKNOWN
    if isinstance(found, PermutationTest):
        return p_text(found.p) if found.exact else f"≈ {p_text(found.p)}"
    return f"{found:.2f}" if found >= 0.0995 else f"{found:.3f}" if found >= 0.00095 else f"{found:.1g}"


def ratio_text(value: float | None) -> str:
    """A pure number with two decimals."""
    return UNKNOWN if value is None else f"{value:z.2f}"


def share_text(share: float | None) -> str:
    """A share of 1 in whole per cent."""
    return UNKNOWN if share is None else f"{100 * share:.0f} %"


def hours_text(hours: float) -> str:
    """Hours with three significant digits."""
    return f"{hours:,.0f}" if hours >= 1000 else f"{hours:.3g}"


def bytes_text(number: int | None) -> str:
    """An amount of memory, in binary units."""
    if number is None:
        return UNKNOWN
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def counted_text(row: GroupRow) -> str:
    """How many of a group's trials count, and of these how many have collapsed: "3 (2 at chance)", "6 of 8 (3 × 2)"."""
    counted = row.trials - len(row.missing)
    table = ""
    if crossed := row.test.crossed or row.validation.crossed:
        counted, table = crossed.seeds * crossed.data_seeds, f" ({crossed.seeds} × {crossed.data_seeds})"
    of = "" if counted == row.trials else f" of {row.trials}"
    return f"{counted}{of}{table}{collapsed_text(row)}"


def collapsed_text(row: GroupRow | GridRow, before: str = " (", after: str = ")") -> str:
    """How many trials that count have collapsed by what, to stand behind their number; empty where none has."""
    counts = Counter(row.collapses)
    said = [f"{counts[by]} {text}" for by, text in COLLAPSE.items() if counts[by]]
    return f"{before}{', '.join(said)}{after}" if said else ""


def state_text(row: TrialRow) -> str:
    """What has become of a trial, and by what it has collapsed: "done, at chance"."""
    return f"{row.state}, {COLLAPSE[row.collapse]}" if row.collapse else row.state


def number_text(number: int | None) -> str:
    """A number such as an epoch's, or a dash where it is not known."""
    return UNKNOWN if number is None else str(number)


def count_text(number: int | None) -> str:
    """A count, its thousands apart, or a dash where it is not known."""
    return UNKNOWN if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """A time span in the two largest units that matter."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def group_label(comparison: Comparison, values: Sequence[Value]) -> str:
    """A group's short name: "pt", "pt learning_rate 0.001"."""
    return group_name(values, comparison)


def telling_labels(names: Names, groups: Sequence[Group], leave_out: Collection[str] = ()) -> dict[Group, str]:
    """Name groups by the factors in which they differ; by model and framework where they differ in none."""
    own = replace(names, telling=frozenset(varying(names.factors, groups)))
    return {group: own.group(group, leave_out) for group in groups}


def varying(factors: Sequence[str], groups: Sequence[Group]) -> set[str]:
    """Return the factors in which groups differ."""
    return {factor for position, factor in enumerate(factors) if len({group[position] for group in groups}) > 1}


def labels(comparison: Comparison) -> dict[str, tuple[str, ...]]:
    """Return short labels of each trial, by its name: ("pt", "hf", "learning_rate 0.001", "seed 1")."""
    names = comparison.names
    return {row.name: trial_label(names, row.factors, row.seed, row.data_seed) for row in comparison.trials}


def trial_labels(descriptions: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return short labels of trials from what their `description()` or trial.json says."""
    settings = [trial_settings(item["choices"], item["config"]) for item in descriptions]
    factors, values = factor_values(settings)
    names = Names.of(factors, values)
    return [
        trial_label(names, own, item["config"]["seed"], item["config"]["data_seed"])
        for item, own in zip(descriptions, values, strict=True)
    ]


def trial_label(names: Names, values: Sequence[Value], seed: int, data_seed: int) -> tuple[str, ...]:
    """Short labels of a trial: model, framework, what else varies, seeds."""
    seeds = [f"seed {seed}"] if data_seed == seed else [f"seed {seed}", f"data seed {data_seed}"]
    return (*filter(None, names.labels(values)), *seeds)

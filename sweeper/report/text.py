"""Numbers, durations and names as text for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sweeper.compare import Comparison
from sweeper.differences import MeanDifference
from sweeper.factors import Value, factor_values, trial_settings
from sweeper.statistics import Summary

UNKNOWN = "–"
SHARES = ("accuracy", "f1", "exact_match", "precision", "recall")


def is_share(metric: str) -> bool:
    """Whether a metric is a share of 1, which people read as per cent."""
    return metric.endswith(SHARES)


def metric_name(metric: str, unit: str = "%") -> str:
    """Name of a metric with its unit, which for shares is `unit`."""
    return f"{printable(metric)} ({unit})" if is_share(metric) else printable(metric)


def metric_text(metric: str, value: float | None, beside: float | None = None) -> str:
    """A metric's value: per cent with one decimal for a share, else four significant digits.

    What stands `beside` another value, as a standard deviation does, has as many decimals as that.
    """
    if value is None:
        return UNKNOWN
    if is_share(metric):
        return f"{100 * value:z.1f}"  # z: never -0.0
    if beside and math.isfinite(beside) and 1e-4 <= abs(beside) < 1e4:  # four digits outside that have an exponent
        return f"{value:z.{3 - math.floor(math.log10(abs(beside)))}f}"
    return f"{value:z.4g}"


def spread_text(metric: str, summary: Summary | None) -> str:
    """Mean ± sample standard deviation."""
    if summary is None or summary.mean is None:
        return UNKNOWN
    mean = summary.mean
    return f"{metric_text(metric, mean, mean)} ± {metric_text(metric, summary.sd, mean)}"


def difference_text(metric: str, found: MeanDifference | None) -> str:
    """Difference of means [interval], of shares in percentage points."""
    if found is None:
        return UNKNOWN
    difference, low, high = (
        metric_text(metric, value, found.difference) for value in (found.difference, found.low, found.high)
    )
    return f"{difference} [{UNKNOWN if found.low is None else f'{low}, {high}'}]"


def number_text(number: int | None) -> str:
    """A count, or a dash where it is not known."""
    return UNKNOWN if number is None else str(number)


def value_text(value: Value) -> str:
    """A setting's value as it is typed on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return UNKNOWN if value is None else printable(str(value))


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


def printable(text: str) -> str:
    """Text without control characters, which could move the cursor or colour a terminal; one line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def heading(factor: str, factors: Sequence[str]) -> str:
    """Short name of a factor: its last part, or all of it where that part alone is ambiguous."""
    last = factor.rpartition(".")[2]
    alike = [other for other in factors if other.rpartition(".")[2] == last]
    return printable(factor if last == "name" or len(alike) > 1 else last)


def labels(comparison: Comparison) -> dict[str, tuple[str, ...]]:
    """Return short labels of each trial, by its name: ("pt", "hf", "learning_rate 0.001", "seed 1")."""
    return {
        row.name: trial_label(comparison.factors, row.factors, row.seed, row.data_seed) for row in comparison.trials
    }


def trial_labels(descriptions: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return short labels of trials from what their `description()` or trial.json says."""
    settings = [trial_settings(item["choices"], item["config"]) for item in descriptions]
    factors, values = factor_values(settings)
    return [
        trial_label(factors, own, item["config"]["seed"], item["config"]["data_seed"])
        for item, own in zip(descriptions, values, strict=True)
    ]


def trial_label(factors: Sequence[str], values: Sequence[Value], seed: int, data_seed: int) -> tuple[str, ...]:
    """Short labels of a trial: model, framework, what else varies, seeds."""
    others = zip(factors[2:], values[2:], strict=True)
    seeds = [f"seed {seed}"] if data_seed == seed else [f"seed {seed}", f"data seed {data_seed}"]
    named = [f"{heading(factor, factors)} {value_text(value)}" for factor, value in others]
    return (*map(value_text, values[:2]), *named, *seeds)

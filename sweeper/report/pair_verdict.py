"""What is said of two groups in one sentence: which beats the other and by how much, or what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from sweeper.analysis.blocks import Compared
from sweeper.analysis.effect_sizes import POWER
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import GroupRow
from sweeper.analysis.verdicts import LEAST_SEEDS, Decision
from sweeper.report.text import bounds_text, metric_text, p_text, printable, share_text, sizes_of, value_text
from sweeper.trial.metrics import is_share

BESIDE = "train."  # settings that nobody takes for a part of a model, a framework or data
NAMED = 3


def pair_verdict(
    one: Compared, names: tuple[str, str], split: str, scopes: tuple[str, str], factors: Collection[str]
) -> str:
    """Return what was found of two groups as a sentence that a reviewer can check.

    `scopes` is what it speaks for, and what the interval over seeds alone does; `factors` are meant to differ.
    """
    metric, scope = one.first.metric, scopes[0]
    measured = f"mean {split} {printable(metric)}"
    if not math.isfinite(one.verdict.contrast.estimate.value):
        return f"{names[0]} and {names[1]} cannot be compared in {measured}: a value is no finite number."
    better = "" if one.first.greater_is_better else " (less is better)"
    if one.verdict.told_apart:
        ahead, behind = names if one.better is one.first else names[::-1]
        said = f"{ahead} beats {behind} by {points(one)} in {measured}{better} {scope}".rstrip()
    else:
        seeds = f" with {seeds_text(one, split)}" if one.first.independent and one.second.independent else ""
        said = f"{names[0]} and {names[1]} cannot be told apart{seeds} in {measured}{better} {scope}".rstrip()
        said += f": {_why(one, names)}"
    said = "; ".join([said, *_over_seeds(one, scopes[1]), f"n = {sizes_of((one.first, one.second), split)}"])
    return "; ".join([said, *_beside(one, factors)]) + "."


def points(one: Compared) -> str:
    """A difference's size and interval, from the greater mean's side: "22.6 points [18.4, 26.7]"."""
    found, metric = one.verdict.contrast, one.first.metric
    size, bounds = found.estimate.value, (found.low, found.high)
    if size < 0 and found.low is not None and found.high is not None:
        bounds = (-found.high, -found.low)
    size = abs(size)
    unit = " points" if is_share(metric) else ""
    return f"{metric_text(metric, size, size)}{unit} {bounds_text(metric, *bounds, size)}".rstrip()


def seeds_text(one: Compared, split: str) -> str:
    """How many seeds two groups have: "3 seeds", "3 and 5 seeds", "3 × 3 seeds"."""
    sizes = sizes_of((one.first, one.second), split).removesuffix(" seeds")
    return f"{sizes} seed" if sizes == "1" else f"{sizes} seeds"


def detectable_text(metric: str, detectable: float) -> str:
    """The difference that could have been seen."""
    unit = " points" if is_share(metric) else ""
    return f"{metric_text(metric, detectable, detectable)}{unit} could have been seen ({share_text(POWER)} power)"


def also_differ(first: GroupRow, second: GroupRow, factors: Collection[str]) -> str:
    """Say in which settings of training two groups differ that tell no groups apart; empty where in none."""
    told = {*factors, *(item.name for row in (first, second) for item in row.differing)}
    both = {
        name: (value_text(value), value_text(second.settings.get(name)))
        for name, value in first.settings.items()
        if name.startswith(BESIDE) and name not in told and value != second.settings.get(name)
    }
    texts = [f"{name.rpartition('.')[2]} ({one} against {other})" for name, (one, other) in both.items()]
    more = f" and {len(texts) - NAMED} more settings" if len(texts) > NAMED else ""
    return f"{', '.join(texts[:NAMED])}{more}" if texts else ""


def _why(one: Compared, names: tuple[str, str]) -> str:
    found, metric = one.verdict.contrast, one.first.metric
    size = found.estimate.value
    above, below = names if size > 0 else names[::-1]
    if metric_text(metric, abs(size)) == metric_text(metric, 0.0):
        bounds = bounds_text(metric, found.low, found.high, size)
        said = f"their means are the same to the digits shown {bounds}".rstrip()
    else:
        said = f"{above} is {points(one)} above {below}"
    decision = one.verdict.decision
    if decision == Decision.FEW_SEEDS:
        return f"{said}, and it takes {LEAST_SEEDS} seeds or more of each to say that one is better"
    if decision == Decision.NO_INTERVAL:
        known = one.first.independent and one.second.independent
        return f"{said}, and there is no interval, since trials {'do not vary' if known else 'of a group share seeds'}"
    if one.verdict.detectable is None:
        return said
    return f"{said}; a difference of {detectable_text(metric, one.verdict.detectable)}"


def _over_seeds(one: Compared, scope: str) -> Iterator[str]:
    """Yield the interval for new seeds alone beside one for new texts, and whether that is approximate."""
    seeds = one.contrast.over_seeds if one.contrast else None
    if seeds is not None and seeds.low is not None and seeds.high is not None:
        bounds = (-seeds.high, -seeds.low) if seeds.estimate.value < 0 else (seeds.low, seeds.high)
        yield f"{scope} {bounds_text(one.first.metric, *bounds, abs(seeds.estimate.value))}"
    if one.verdict.over_texts and one.verdict.over_texts.approximate:
        yield "with two seeds in a group the interval is approximate"


def _beside(one: Compared, factors: Collection[str]) -> Iterator[str]:
    """Yield what stands beside: the test without assumptions, and what to be careful of."""
    made = one.contrast
    if made and made.test and made.holm_p is not None:
        if made.test.smallest > ALPHA:
            yield f"no exact test of so few can reach {ALPHA:g}"
        else:
            kind = "exact p" if made.test.exact else "permutation p ≈"
            yield f"{kind} {p_text(made.holm_p)}" + f" by Holm for {made.family} comparisons" * (made.family > 1)
    if made is None:
        yield "they differ in more than one setting, and nothing tells which of them makes the difference"
    if made and made.pair.shared:
        yield f"CAUTION, {made.pair.shared} trials are the same in both: their difference tests nothing"
    if also := also_differ(one.first, one.second, factors):
        yield f"CAUTION, they differ in {also}, too"
    if inside := dict.fromkeys(item.name for row in (one.first, one.second) for item in row.differing):
        yield f"CAUTION, trials of one group differ in {', '.join(map(printable, inside))}"

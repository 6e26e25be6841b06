"""What is said of two groups in one sentence: which beats the other and by how much, or what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sweeper.analysis.contrasts import Contrast
from sweeper.analysis.effect_sizes import POWER
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.verdicts import LEAST_SEEDS, Decision
from sweeper.report.text import bounds_text, metric_text, p_text, printable, share_text, sizes_of
from sweeper.trial.metrics import is_share


def pair_verdict(one: Contrast, names: tuple[str, str], scope: str) -> str:
    """Return a contrast as a sentence that a reviewer can check; `scope` is what it speaks for."""
    measured = f"mean {one.split} {printable(one.metric)}"
    if not math.isfinite(one.difference.difference):
        return f"{names[0]} and {names[1]} cannot be compared in {measured}: a value is no finite number."
    better = "" if one.pair.first.greater_is_better else " (less is better)"
    if one.verdict.told_apart:
        ahead, behind = names if one.better is one.pair.first else names[::-1]
        said = f"{ahead} beats {behind} by {points(one)} in {measured}{better} {scope}"
    else:
        seeds = f"{_sizes(one).removesuffix(' seeds')} seeds"
        said = f"{names[0]} and {names[1]} cannot be told apart with {seeds} in {measured}{better} {scope}: "
        said += _why(one, names)
    return "; ".join([said, *_beside(one)]) + "."


def points(one: Contrast) -> str:
    """A difference's size and interval, from the greater mean's side: "22.6 points [18.4, 26.7]"."""
    size, bounds = one.difference.difference, (one.low, one.high)
    if size < 0 and one.low is not None and one.high is not None:
        bounds = (-one.high, -one.low)
    size = abs(size)
    unit = " points" if is_share(one.metric) else ""
    return f"{metric_text(one.metric, size, size)}{unit} {bounds_text(one.metric, *bounds, size)}".rstrip()


def _why(one: Contrast, names: tuple[str, str]) -> str:
    size = one.difference.difference
    above, below = names if size > 0 else names[::-1]
    if metric_text(one.metric, abs(size)) == metric_text(one.metric, 0.0):
        said = f"their means are the same to the digits shown {_bounds(one)}".rstrip()
    else:
        said = f"{above} is {points(one)} above {below}"
    decision = one.verdict.decision
    if decision == Decision.FEW_SEEDS:
        return f"{said}, and it takes {LEAST_SEEDS} seeds or more of each to say that one is better"
    if decision == Decision.NO_INTERVAL:
        return f"{said}, and there is no interval, since {_missing(one)}"
    detectable = one.verdict.detectable
    if detectable is None:
        return said
    unit = " points" if is_share(one.metric) else ""
    size_shown = metric_text(one.metric, detectable, detectable)
    return f"{said}; a difference of {size_shown}{unit} could have been seen ({share_text(POWER)} power)"


def _sizes(one: Contrast) -> str:
    return sizes_of((one.pair.first.on(one.split), one.pair.second.on(one.split)))


def _bounds(one: Contrast) -> str:
    return bounds_text(one.metric, one.low, one.high, one.difference.difference)


def _missing(one: Contrast) -> str:
    return "trials do not vary" if one.pair.independent else "trials of a group share seeds"


def _beside(one: Contrast) -> Iterator[str]:
    """Yield what stands beside: n, the test without assumptions, and what to be careful of."""
    yield f"n = {_sizes(one)}"
    if one.test and one.holm_p is not None:
        if one.test.smallest > ALPHA:
            yield f"no exact test of so few can reach {ALPHA:g}"
        else:
            kind = "exact p" if one.test.exact else "permutation p ≈"
            yield f"{kind} {p_text(one.holm_p)}" + f" by Holm for {one.family} comparisons" * (one.family > 1)
    groups = (one.pair.first, one.pair.second)
    if inside := dict.fromkeys(item.name for group in groups for item in group.differing):
        yield f"CAUTION, trials of one group differ in {', '.join(map(printable, inside))}"

"""Comparisons in plain words: a sentence a pair of groups, and what the numbers of seeds allow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.effect_sizes import MOST_SEEDS, POWER
from sweeper.analysis.pairs import number_of_pairs
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import Comparison
from sweeper.analysis.texts import SpeaksFor
from sweeper.report.text import interval_name, metric_text, p_text, printable, share_text
from sweeper.trial.metrics import is_share

WORDED = 6  # more sentences of one kind are a table
PAIRS_SHOWN = 30  # more differences than that are for a program to read


def sentences(comparison: Comparison) -> list[str]:
    """Return a sentence a contrast, if they are few, then once for all what the numbers of seeds allow."""
    if not 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        return []
    found = contrasts(comparison)
    return [
        *(_sentence(comparison, one) for one in found if len(found) <= WORDED),
        *_seeds_sentences(found),
        *_power_sentences(found),
    ]


def _sentence(comparison: Comparison, found: Contrast) -> str:
    first, second = _names(comparison, found)
    difference = found.difference
    measured = f"{found.split} {printable(found.metric)}"
    if not math.isfinite(difference.difference):
        return f"{first} and {second} cannot be compared in mean {measured}: a value is no finite number."
    value = found.verdict.contrast.estimate.value
    size, direction = abs(value), "above" if value > 0 else "below"
    unit = " points" if is_share(found.metric) else ""
    said = f"{first} is {metric_text(found.metric, size)}{unit} {direction} {second} in mean {measured}"
    if metric_text(found.metric, size) == metric_text(found.metric, 0.0):
        said = f"{first} and {second} have the same mean {measured} to the digits shown"
    together = f" for {found.family} comparisons together" * (found.family > 1)
    if found.low is not None and found.high is not None and found.p is not None:
        bounds = " to ".join(metric_text(found.metric, bound, value) for bound in (found.low, found.high))
        sure = "" if found.p <= ALPHA else ", which leaves open which is higher"
        models = " for these models" * (found.verdict.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS)
        said += f" ({interval_name()} {bounds}{models}{together}{sure}; p {p_text(found.p)})"
    if found.greater is not None:
        said += f"; of all pairs of a trial of each, the first is the higher in {share_text(found.greater)}"
    if found.test is not None and found.holm_p is not None:
        said += f"; {'exact p' if found.test.exact else 'permutation p ≈'} {p_text(found.holm_p)}{together}"
    return f"{said}{''.join(_reserves(found))}."


def _reserves(found: Contrast) -> Iterator[str]:
    groups = (found.pair.first, found.pair.second)
    if not found.pair.independent:
        why = "since trials of a group share seeds"
        yield f"; no exact p, {why}" if found.low is not None else f"; no interval and no p, {why}"
    if inside := dict.fromkeys(item.name for group in groups for item in group.differing):
        yield f"; CAUTION, trials of one group differ in {', '.join(map(printable, inside))}"


def _names(comparison: Comparison, found: Contrast) -> tuple[str, str]:
    """Return what the two groups are called: by the factor that varies, the others behind the first."""
    names = comparison.names
    varied = [names.label(found.factor, value) for value in (found.first, found.second)]
    if found.factor == "study":
        varied = [names.value(found.factor, value) for value in (found.first, found.second)]
    own = zip(comparison.factors, found.factors, strict=True)
    others = [names.value(factor, value) for factor, value in own if factor != found.factor]
    return f"{varied[0]} ({', '.join(others)})" if others else varied[0], varied[1]


def _seeds_sentences(found: Sequence[Contrast]) -> Iterator[str]:
    kinds = {(one.difference.n_first, one.difference.n_second, one.family): one for one in found if one.test}
    for (first, second, family), one in kinds.items():
        assert one.test is not None
        smallest, after = one.test.smallest, min(1.0, one.test.smallest * family)
        seeds = f"{first} against {second} seed{'s' * (second != 1)}"
        against = f"With {seeds} the smallest two-sided exact p is {p_text(smallest)}"
        if smallest > ALPHA:
            # Of unequal groups a test by the size of the difference may reach half of that.
            none = "no exact test can" if first == second else "this test cannot"
            more = f"; corrected for {family} comparisons, {one.seeds_for_family}" if family > 1 else ""
            yield (
                f"{against}: {none} reach {ALPHA:g}, whatever the values;"
                f" {one.seeds_for_test} seeds a group could{more}."
            )
        elif after > ALPHA:
            yield (
                f"{against}, and {p_text(after)} corrected for {family} comparisons:"
                f" {one.seeds_for_family} seeds a group could reach {ALPHA:g}."
            )


def _power_sentences(found: Sequence[Contrast]) -> Iterator[str]:
    """Yield how many seeds would show the measured differences, with what that assumes."""
    known = [one.seeds_for_power for one in found if one.seeds_for_power is not None]
    beyond = sum(one.seeds_for_power is None and bool(one.hedges_g) and one.pair.independent for one in found)
    if not known and not beyond:
        return
    span = f"{min(known)}{f' to {max(known)}' * (len(set(known)) > 1)} seeds a group" if known else ""
    more = f"more than {MOST_SEEDS} for {beyond} comparison{'s' * (beyond > 1)}" if beyond else ""
    yield (
        f"Welch's two-sided test at {ALPHA:g}, uncorrected, has {share_text(POWER)} power with"
        f" {', '.join(filter(None, [span, more]))}: if values are normal, and the measured difference and standard"
        " deviations are the true ones, which few seeds know badly."
    )

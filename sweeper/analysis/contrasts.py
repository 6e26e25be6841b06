"""Contrasts: what two groups differ by in the metric that counts, how sure that is, and which of them is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sweeper.analysis.contents import Value
from sweeper.analysis.crossed import crossed_difference
from sweeper.analysis.effect_sizes import Alternative, hedges_g, probability_greater, seeds_for_power
from sweeper.analysis.estimates import MeanDifference, difference, mean_difference
from sweeper.analysis.over_texts import Difference, compared
from sweeper.analysis.pairs import Pair, PairRow, families, is_primary, pairs
from sweeper.analysis.permutation_tests import (
    ALPHA,
    PermutationTest,
    holm,
    relabelling_test,
    seeds_for_unpaired,
    sign_flip_test,
)
from sweeper.analysis.rows import Comparison, GroupRow, TrialRow
from sweeper.analysis.simultaneous import Corrected, simultaneous
from sweeper.analysis.statistics import Summary, summarize
from sweeper.analysis.verdicts import Verdict, verdict

ROUNDING = 1e-12  # of values, by which equal differences of them may differ


@dataclass(frozen=True)
class Paired:
    """The same two groups seed by seed, where both read the same examples in the same order under each seed.

    `difference` has Student's t interval of the mean of the n differences, or that of crossed seeds; `greater` is the
    share of seeds whose first value is the greater one, ties half.
    """

    difference: MeanDifference
    test: PermutationTest | None
    greater: float | None


@dataclass(frozen=True)
class Contrast(PairRow):
    """What two groups differ by in the selection metric on the set they are compared on, and how sure that is.

    `difference` is Welch's, or of crossed seeds, uncorrected. `p` and the interval from `low` to `high` are for new
    texts as well where predictions are kept, and then `over_seeds` has those for new seeds alone. They are corrected
    for the `family` contrasts of the same factor in the same block; a primary comparison (`is_primary`) that was
    planned is a family apart from the others. `verdict` rests on these.
    Beside it stands the exact `test`, which relabels all values; `holm_p` is its p corrected for as many.
    `greater` is the probability that a value of the first group is the greater one, ties half.
    Where trials of a group are not independent there is no exact test.
    `seeds_for_test` a group let an exact test reach ALPHA at all, `seeds_for_family` one that Holm has corrected,
    `seeds_for_power` give Welch's test POWER (None: unknown, or more than are looked for).
    """

    pair: Pair
    split: str
    metric: str
    difference: MeanDifference
    test: PermutationTest | None
    holm_p: float | None
    greater: float | None
    hedges_g: float | None
    seeds_for_test: int
    seeds_for_family: int
    seeds_for_power: int | None
    paired: Paired | None
    verdict: Verdict
    family: int = 1
    is_primary: bool = False
    p: float | None = None
    low: float | None = None
    high: float | None = None
    over_seeds: Corrected | None = None

    @property
    def better(self) -> GroupRow | None:
        """The group that beats the other; None where they cannot be told apart."""
        return self.verdict.better(self.pair.first, self.pair.second)


@lru_cache(maxsize=1)
def contrasts(comparison: Comparison) -> tuple[Contrast, ...]:
    """Return a contrast for each of `pairs` whose groups both have a value, corrected within its family."""
    found = [pair for pair in pairs(comparison) if _is_known(pair, comparison.split)]
    made: dict[int, Contrast] = {}
    for family in families(comparison, found):
        own = [found[position] for position in family]
        verdicts = decided(comparison.split, [(pair.first, pair.second) for pair in own])
        tests = [_exact_test(pair, comparison.split) for pair in own]
        alone = [difference(one.first, one.second) for one in verdicts]
        for position, one, seeds in zip(
            family, _family(comparison, own, verdicts, tests), simultaneous(alone), strict=True
        ):
            made[position] = replace(one, over_seeds=seeds) if one.verdict.over_texts else one
    return tuple(made[position] for position in range(len(found)))


def decided(split: str, both: Sequence[tuple[GroupRow, GroupRow]]) -> list[Verdict]:
    """Return the verdicts of one family of pairs of groups, in their selection metric on a set; all have values."""
    found = [_difference(first, second, split) for first, second in both]
    return [
        verdict(
            one,
            own.first,
            own.second,
            greater_is_better=first.greater_is_better,
            over_texts=own.over_texts,
            lacks=own.lacks,
        )
        for one, own, (first, _) in zip(simultaneous([own.estimate for own in found]), found, both, strict=True)
    ]


def _difference(first: GroupRow, second: GroupRow, split: str) -> Difference:
    found = compared(first, second, split, first.metric)
    assert found is not None
    return found


def _is_known(pair: Pair, split: str) -> bool:
    return pair.compares(pair.first.metric) and None not in (pair.first.on(split).mean, pair.second.on(split).mean)


def _family(
    comparison: Comparison, own: Sequence[Pair], verdicts: Sequence[Verdict], tests: Sequence[PermutationTest | None]
) -> list[Contrast]:
    """Return the contrasts of one family with p and interval corrected for their number."""
    tested = [test.p for test in tests if test]
    holm_p = iter(holm(tested))
    size = max(1, len(tested), *(one.contrast.family for one in verdicts))
    needed = seeds_for_unpaired(ALPHA / size)
    return [
        replace(
            _contrast(pair, comparison.split, decision, test),
            holm_p=next(holm_p) if test else None,
            seeds_for_family=needed,
            family=size,
            is_primary=is_primary(pair, comparison.primary),
        )
        for pair, decision, test in zip(own, verdicts, tests, strict=True)
    ]


def _values(row: GroupRow, split: str) -> list[float]:
    return [value for trial in row.counted if (value := trial.on(split)) is not None]


def _exact_test(pair: Pair, split: str) -> PermutationTest | None:
    return relabelling_test(_values(pair.first, split), _values(pair.second, split)) if pair.independent else None


def _contrast(pair: Pair, split: str, decision: Verdict, test: PermutationTest | None) -> Contrast:
    """Compare two groups on one set."""
    one, other = pair.first.on(split), pair.second.on(split)
    corrected: Corrected = decision.contrast
    return Contrast(
        *pair.named(),
        pair=pair,
        split=split,
        metric=pair.first.metric,
        difference=_mean_difference(one, other),
        test=test,
        holm_p=None,
        greater=probability_greater(_values(pair.first, split), _values(pair.second, split)),
        hedges_g=hedges_g(one, other),
        seeds_for_test=seeds_for_unpaired(ALPHA),
        seeds_for_family=seeds_for_unpaired(ALPHA),
        seeds_for_power=_seeds_for_power(pair, one, other),
        paired=_paired(pair, split),
        verdict=decision,
        p=corrected.p,
        low=corrected.low,
        high=corrected.high,
    )


def _mean_difference(one: Summary, other: Summary) -> MeanDifference:
    found = mean_difference(one, other)
    assert found is not None
    return found


def _seeds_for_power(pair: Pair, one: Summary, other: Summary) -> int | None:
    if one.sd is None or other.sd is None or one.mean is None or other.mean is None or not pair.independent:
        return None
    return seeds_for_power(Alternative(one.mean - other.mean, one.sd, other.sd), ALPHA)


def _paired(pair: Pair, split: str) -> Paired | None:
    """Compare two groups by the seeds that both have, if these fix the order of the same examples; None below two."""
    first, second = (_by_order(group.counted, split) for group in (pair.first, pair.second))
    if not first or not second:
        return None
    keys = [key for key in first if key in second]
    if len(keys) < min(2, len(second)):
        return None
    if not pair.independent:
        return _paired_of_crossed(pair, {key: first[key] for key in keys}, second, split)
    differences = [first[key] - second[key] for key in keys]
    if max(differences) - min(differences) <= ROUNDING * max(abs(first[key]) + abs(second[key]) for key in keys):
        differences = [differences[0]] * len(keys)
    found = summarize(differences)
    if found.mean is None or math.isnan(found.mean):
        return None
    own = MeanDifference(len(keys), len(keys), found.mean)
    if found.sd:  # where all differences are equal, an interval of no width would claim to know everything
        own = replace(own, low=found.low, high=found.high, degrees_of_freedom=float(len(keys) - 1))
    return Paired(own, sign_flip_test(differences), _share_greater(first, second))


Ordered = dict[tuple[Value, ...], float]  # by what fixes the order of the examples, and both seeds


def _paired_of_crossed(pair: Pair, first: Ordered, second: Ordered, split: str) -> Paired | None:
    """Compare two groups of crossed seeds cell by cell; there is no exact test of them."""
    if not (pair.first.on(split).crossed and pair.second.on(split).crossed):
        return None
    seeds = [(int(key[-2] or 0), int(key[-1] or 0)) for key in first]
    cells = (dict(zip(seeds, (own[key] for key in first), strict=True)) for own in (first, second))
    found = crossed_difference(*cells)
    if found is None or math.isnan(found.estimate.value):
        return None
    own, n = found.estimate, found.seeds * found.data_seeds
    compared = MeanDifference(n, n, own.value, *own.interval(), own.degrees_of_freedom)
    return Paired(compared, None, _share_greater(first, second))


def _share_greater(first: Ordered, second: Ordered) -> float:
    both = [(value, second[key]) for key, value in first.items() if key in second]
    return sum((one > other) + 0.5 * (one == other) for one, other in both) / len(both)


def _by_order(rows: Sequence[TrialRow], split: str) -> Ordered | None:
    """Values by what fixes the order of the examples; None where two trials share it, or one has no value."""
    found = {(*row.order, row.seed, row.data_seed): row.on(split) for row in rows}
    known = {key: value for key, value in found.items() if value is not None}
    return known if len(known) == len(rows) else None

"""Differences: what the groups of each pair differ by in every metric, with intervals corrected within families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sweeper.analysis.estimates import MeanDifference, difference, estimate, mean_difference
from sweeper.analysis.pairs import Pair, PairRow, families, pairs
from sweeper.analysis.rows import SETS, Comparison, MeasuredRow
from sweeper.analysis.simultaneous import simultaneous
from sweeper.analysis.statistics import Summary

Measure = tuple[str, str]  # a metric and a set


@dataclass(frozen=True)
class MeanDifferences:
    """The difference in one metric on both sets. None: not measured in both groups."""

    validation: MeanDifference | None
    test: MeanDifference | None


@dataclass(frozen=True)
class DifferenceRow(PairRow, MeasuredRow):
    """What two groups differ by in each metric, at each trial's best epoch.

    The intervals are simultaneous: those of a metric and set for all pairs of one family.
    """

    metric: str
    validation: MeanDifference | None
    test: MeanDifference | None
    others: Mapping[str, MeanDifferences]


@lru_cache(maxsize=1)
def difference_rows(comparison: Comparison) -> tuple[DifferenceRow, ...]:
    """Return what each of `pairs` differs by."""
    found = pairs(comparison)
    of: list[dict[Measure, MeanDifference]] = [{} for _ in found]
    for family in families(comparison, found):
        measures = dict.fromkeys(measure for position in family for measure in _measures(found[position]))
        for measure in measures:
            for position, own in zip(family, _corrected([found[at] for at in family], measure), strict=True):
                if own is not None:
                    of[position][measure] = own
    return tuple(map(_row, found, of))


def _measures(pair: Pair) -> Iterator[Measure]:
    shared = [name for name in pair.first.others if name in pair.second.others]
    for name in filter(pair.compares, (pair.first.metric, *shared)):
        yield from ((name, split) for split in SETS)


def _corrected(family: Sequence[Pair], measure: Measure) -> list[MeanDifference | None]:
    both = [_summaries(pair, measure) for pair in family]
    single = [None if own is None else mean_difference(*own) for own in both]
    known = [position for position, own in enumerate(single) if own is not None]
    estimates = []
    for position in known:
        first, second = map(estimate, both[position] or ())
        assert first is not None and second is not None
        estimates.append(difference(first, second))
    for position, corrected in zip(known, simultaneous(estimates), strict=True):
        own = single[position]
        assert own is not None
        single[position] = replace(own, low=corrected.low, high=corrected.high)
    return single


def _summaries(pair: Pair, measure: Measure) -> tuple[Summary, Summary] | None:
    metric, split = measure
    first, second = pair.first.on(split, metric), pair.second.on(split, metric)
    return (first, second) if first and second and pair.compares(metric) else None


def _row(pair: Pair, found: Mapping[Measure, MeanDifference]) -> DifferenceRow:
    def both(name: str) -> MeanDifferences:
        return MeanDifferences(found.get((name, "validation")), found.get((name, "test")))

    metric = pair.first.metric
    own = both(metric)
    names = [name for name in pair.first.others if name in pair.second.others and pair.compares(name)]
    return DifferenceRow(
        *pair.named(), metric=metric, validation=own.validation, test=own.test, others={n: both(n) for n in names}
    )

"""Differences: what the groups of each pair differ by in every metric, with intervals corrected within families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sweeper.analysis.estimates import MeanDifference
from sweeper.analysis.over_texts import compared
from sweeper.analysis.pairs import Pair, PairRow, families, pairs
from sweeper.analysis.rows import SETS, Comparison, MeasuredRow
from sweeper.analysis.simultaneous import Corrected, simultaneous

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
    metric, split = measure
    both = [compared(own.first, own.second, split, metric) if own.compares(metric) else None for own in family]
    known = [own.estimate for own in both if own]
    corrected = iter(simultaneous(known))
    return [
        _mean_difference(pair, measure, next(corrected)) if own else None
        for pair, own in zip(family, both, strict=True)
    ]


def _mean_difference(pair: Pair, measure: Measure, found: Corrected) -> MeanDifference:
    metric, split = measure
    n = (pair.first.on(split, metric).n, pair.second.on(split, metric).n)
    own = found.estimate
    return MeanDifference(*n, own.value, found.low, found.high, own.degrees_of_freedom if own.error else None)


def _row(pair: Pair, found: Mapping[Measure, MeanDifference]) -> DifferenceRow:
    def both(name: str) -> MeanDifferences:
        return MeanDifferences(found.get((name, "validation")), found.get((name, "test")))

    metric = pair.first.metric
    own = both(metric)
    names = [name for name in pair.first.others if name in pair.second.others and pair.compares(name)]
    return DifferenceRow(
        *pair.named(), metric=metric, validation=own.validation, test=own.test, others={n: both(n) for n in names}
    )

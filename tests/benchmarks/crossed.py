"""What the intervals of crossed seeds cover: python -m tests.benchmarks.crossed.

Tables of seeds × data seeds are drawn from normal effects of either and a rest; counted is how often a 95 % interval
holds the true mean, the true difference of two such groups, and that of two whose effects of data seeds are the same,
taken cell by cell. Wanted: 0.95 or more; for one group's mean over three seeds under ten or more data seeds 0.91 is
what Satterthwaite's degrees of freedom give.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sweeper.analysis.crossed import crossed_difference, crossed_mean
from sweeper.analysis.estimates import Estimate, difference
from tests.benchmarks.measure import print_table

REPEATS = 1000
SIZES = ((2, 2), (2, 10), (3, 3), (3, 5), (3, 10), (3, 20), (5, 5))
# standard deviations of the effects of seeds, of data seeds, and of the rest
SPREADS = ((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 1.0), (3.0, 1.0, 1.0))
Spreads = tuple[float, float, float]


def main() -> None:
    """Print what share of the intervals holds the truth, by size and spreads."""
    rows = []
    for size in SIZES:
        for spreads in SPREADS:
            found = [f"{share:.3f}" for share in coverage(size, spreads, REPEATS)]
            rows.append([f"{size[0]} × {size[1]}", ", ".join(f"{one:g}" for one in spreads), *found])
    print_table(["seeds × data seeds", "sd of each, rest", "mean", "difference", "cell by cell"], rows)


def coverage(size: tuple[int, int], spreads: Spreads, repeats: int) -> tuple[float, float, float]:
    """Share of a group's intervals that hold its mean, 0; of independent differences; of differences cell by cell."""
    random = Random(0)
    held = [0, 0, 0]
    for _ in range(repeats):
        orders = effects(random, size[1], spreads[1])
        first, twin = (cells(random, size, spreads, orders) for _ in range(2))
        other = cells(random, size, spreads, effects(random, size[1], spreads[1]))
        one, two, paired = crossed_mean(first), crossed_mean(other), crossed_difference(first, twin)
        assert one and two and paired
        for kind, own in enumerate((one.estimate, difference(one.estimate, two.estimate), paired.estimate)):
            held[kind] += holds_zero(own)
    return held[0] / repeats, held[1] / repeats, held[2] / repeats


def effects(random: Random, number: int, sd: float) -> list[float]:
    """Draw the effects of so many seeds."""
    return [random.gauss(0, sd) for _ in range(number)]


def cells(
    random: Random, size: tuple[int, int], spreads: Spreads, orders: Sequence[float]
) -> dict[tuple[int, int], float]:
    """Draw a group's table, with these effects of the data seeds."""
    seeds = effects(random, size[0], spreads[0])
    return {
        (row, column): own + order + random.gauss(0, spreads[2])
        for row, own in enumerate(seeds)
        for column, order in enumerate(orders)
    }


def holds_zero(own: Estimate) -> bool:
    """Whether the 95 % interval holds 0."""
    low, high = own.interval()
    return low is not None and high is not None and low <= 0 <= high


if __name__ == "__main__":
    main()

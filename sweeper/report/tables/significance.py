"""The tests of differences as tables: what they give, and what so few seeds allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweeper.analysis.effect_sizes import MOST_SEEDS, POWER
from sweeper.analysis.pairs import Contrast, contrasts
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import Comparison
from sweeper.report.cells import Cells, TextTable, factor_heads, in_blocks, metric_column
from sweeper.report.text import (
    UNKNOWN,
    difference_text,
    interval_name,
    metric_name,
    p_text,
    ratio_text,
    share_text,
    value_text,
)

WELCH, PAIRED = "Welch, relabelled", "paired, signs flipped"


def contrast_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the two tables, if any groups can be compared."""
    found = contrasts(comparison)
    if found:
        yield test_table(comparison, found)
        yield seeds_table(comparison, found)


def test_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """A row a pair of groups, and one more where it can be compared seed by seed."""
    factors, metric = factor_heads(comparison), comparison.metrics[0] if len(comparison.metrics) == 1 else ""
    name = f"{comparison.split} {metric_name(metric, 'points')}" if metric else comparison.split
    return TextTable(
        title=f"Tests of the differences on {comparison.split}",
        heads=(
            *(*factors, "method"),
            *(f"{name}\n[{interval_name()}]", "exact\np", "p by\nHolm", "P(first >\nsecond)", "Hedges\ng", "n"),
        ),
        numeric=len(factors) + 1,
        blocks=in_blocks([(place, cells) for place, one in enumerate(found) for cells in test_rows(comparison, one)]),
    )


def test_rows(comparison: Comparison, found: Contrast) -> Iterator[Cells]:
    """Yield a contrast's row, and that of the same groups seed by seed."""
    own, difference = varied_cells(comparison, found), found.difference
    yield (
        *own,
        WELCH,
        difference_text(found.metric, difference),
        p_text(found.test),
        p_text(found.holm_p),
        ratio_text(found.greater),
        ratio_text(found.hedges_g),
        f"{difference.n_first}, {difference.n_second}",
    )
    if found.paired:
        paired = found.paired
        yield (
            *own,
            PAIRED,
            difference_text(found.metric, paired.difference),
            p_text(paired.test),
            UNKNOWN,
            ratio_text(paired.greater),
            UNKNOWN,
            f"{paired.difference.n_first} pair{'s' * (paired.difference.n_first != 1)}",
        )


def seeds_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """What the numbers of seeds allow: the smallest exact p, and how many could show a difference."""
    factors = factor_heads(comparison)

    def cells(one: Contrast) -> Cells:
        return (
            *varied_cells(comparison, one),
            f"{one.difference.n_first}, {one.difference.n_second}",
            p_text(one.test.smallest if one.test else None),
            str(one.seeds_for_test),
            str(one.seeds_for_family),
            power_text(one),
        )

    alpha = f"p ≤ {ALPHA:g}"
    return TextTable(
        title="What so many seeds allow",
        heads=(
            *(*factors, "n", "smallest\nexact p"),
            *(f"seeds a group\nfor {alpha}", f"seeds for {alpha}\nby Holm", f"seeds for\n{share_text(POWER)} power"),
        ),
        numeric=len(factors),
        blocks=in_blocks([(one.pair.factor, cells(one)) for one in found]),
    )


def power_text(found: Contrast) -> str:
    """How many seeds a group give power, if they are known."""
    if found.seeds_for_power is not None:
        return str(found.seeds_for_power)
    return f"> {MOST_SEEDS}" if found.hedges_g and found.pair.independent else UNKNOWN


def varied_cells(comparison: Comparison, found: Contrast) -> Cells:
    """Cells of the factors, with both values of the one that varies, and of the metric where there are several."""
    pair = found.pair
    both = zip(comparison.factors, pair.first.factors, pair.second.factors, strict=True)
    factors = (
        f"{value_text(one)} − {value_text(other)}" if factor == pair.factor else value_text(one)
        for factor, one, other in both
    )
    return *factors, *metric_column(comparison, found.metric, "points")

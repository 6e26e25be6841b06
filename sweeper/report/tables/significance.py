"""The tests of differences as tables: what they give, and what so few seeds allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweeper.analysis.effect_sizes import MOST_SEEDS, POWER
from sweeper.analysis.pairs import Contrast, contrasts
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import Comparison
from sweeper.report.tables.columns import factor_heads, in_blocks, pair_cells
from sweeper.report.text import (
    UNKNOWN,
    Cells,
    TextTable,
    difference_text,
    interval_name,
    metric_name,
    p_text,
    ratio_text,
    share_text,
)

WELCH, PAIRED = "Welch, relabelled", "paired, signs flipped"


def contrast_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the two tables, if any groups can be compared."""
    found = contrasts(comparison)
    if found:
        yield _test_table(comparison, found)
        yield _seeds_table(comparison, found)


def _test_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
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
        blocks=in_blocks([(place, cells) for place, one in enumerate(found) for cells in _test_rows(comparison, one)]),
    )


def _test_rows(comparison: Comparison, found: Contrast) -> Iterator[Cells]:
    own, difference = pair_cells(comparison, found.factor, found.factors, found.second, found.metric), found.difference
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


def _seeds_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """What the numbers of seeds allow: the smallest exact p, and how many could show a difference."""
    factors = factor_heads(comparison)

    def cells(one: Contrast) -> Cells:
        return (
            *pair_cells(comparison, one.factor, one.factors, one.second, one.metric),
            f"{one.difference.n_first}, {one.difference.n_second}",
            p_text(one.test.smallest if one.test else None),
            str(one.seeds_for_test),
            str(one.seeds_for_family),
            _power_text(one),
        )

    alpha = f"p ≤ {ALPHA:g}"
    return TextTable(
        title="What so many seeds allow",
        heads=(
            *(*factors, "n", "smallest\nexact p"),
            *(f"seeds a group\nfor {alpha}", f"seeds for {alpha}\nby Holm", f"seeds for\n{share_text(POWER)} power"),
        ),
        numeric=len(factors),
        blocks=in_blocks([(one.factor, cells(one)) for one in found]),
    )


def _power_text(found: Contrast) -> str:
    if found.seeds_for_power is not None:
        return str(found.seeds_for_power)
    return f"> {MOST_SEEDS}" if found.hedges_g and found.pair.independent else UNKNOWN

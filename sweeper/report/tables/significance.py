"""The tests of differences as tables: what they give, and what so few seeds allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.effect_sizes import MOST_SEEDS, POWER
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import Comparison
from sweeper.report.tables.columns import group_rows, pair_cells
from sweeper.report.text import (
    UNKNOWN,
    Cells,
    TextTable,
    difference_text,
    interval_name,
    metric_name,
    metric_text,
    p_text,
    ratio_text,
    share_text,
    sizes_text,
)

WELCH, PAIRED = "Welch, relabelled", "paired, signs flipped"
CROSSED, PAIRED_CROSSED = "crossed seeds", "paired, crossed seeds"


def contrast_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the two tables, if any groups can be compared."""
    found = contrasts(comparison)
    if found:
        yield _test_table(comparison, found)
        yield _seeds_table(comparison, found)


def _test_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """A row a pair of groups, and one more where it can be compared seed by seed."""
    name = metric_name(comparison.metrics[0], "points") if len(comparison.metrics) == 1 else ""
    difference = f"{comparison.split} {name}".rstrip() + f"\n[{interval_name()}]"
    heads = ("method", difference, "p", "exact\np", "tests", "P(first >\nsecond)", "Hedges\ng", "n")
    rows = ((position, cells) for position, one in enumerate(found) for cells in _test_rows(comparison, one))
    return group_rows(comparison, f"Tests of the differences on {comparison.split}", heads, rows, texts=1)


def _test_rows(comparison: Comparison, found: Contrast) -> Iterator[Cells]:
    own, difference = pair_cells(comparison, found, found.metric), found.difference
    yield (
        *own,
        CROSSED if found.pair.first.on(found.split).crossed or found.pair.second.on(found.split).crossed else WELCH,
        difference_text(found.metric, replace(difference, low=found.low, high=found.high)),
        p_text(found.p),
        _exact_text(found),
        str(found.family),
        ratio_text(found.greater),
        ratio_text(found.hedges_g),
        sizes_text(difference),
    )
    if found.paired:
        paired = found.paired
        yield (
            *own,
            PAIRED if paired.test else PAIRED_CROSSED,
            difference_text(found.metric, paired.difference),
            UNKNOWN,
            p_text(paired.test),
            "1",
            ratio_text(paired.greater),
            UNKNOWN,
            f"{paired.difference.n_first} pair{'s' * (paired.difference.n_first != 1)}",
        )


def _exact_text(found: Contrast) -> str:
    """The exact p, corrected as the interval is; ≈ before one that random relabellings estimate."""
    if found.test is None or found.holm_p is None:
        return UNKNOWN
    return p_text(replace(found.test, p=found.holm_p))


def _seeds_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """What the numbers of seeds allow: the smallest exact p, and how many could show a difference."""

    def cells(one: Contrast) -> Cells:
        return (
            *pair_cells(comparison, one, one.metric),
            sizes_text(one.difference),
            p_text(one.test.smallest if one.test else None),
            str(one.seeds_for_test),
            str(one.seeds_for_family),
            _power_text(one),
            metric_text(one.metric, one.verdict.detectable, one.difference.difference),
        )

    alpha, power = f"p ≤ {ALPHA:g}", f"seeds for\n{share_text(POWER)} power"
    shown = f"difference\nshown with\n{share_text(POWER)} power"
    heads = ("n", "smallest\nexact p", f"seeds a group\nfor {alpha}", f"seeds for {alpha}\nby Holm", power, shown)
    return group_rows(comparison, "What so many seeds allow", heads, ((one.factor, cells(one)) for one in found))


def _power_text(found: Contrast) -> str:
    if found.seeds_for_power is not None:
        return str(found.seeds_for_power)
    return f"> {MOST_SEEDS}" if found.hedges_g and found.pair.independent else UNKNOWN

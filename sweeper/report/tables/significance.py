"""The tests of differences as tables: what they give, and what so few seeds allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.effect_sizes import MOST_SEEDS, POWER
from sweeper.analysis.estimates import MeanDifference
from sweeper.analysis.over_texts import compared_models, needs_of, paired_difference
from sweeper.analysis.permutation_tests import ALPHA
from sweeper.analysis.rows import Comparison
from sweeper.analysis.simultaneous import Corrected
from sweeper.analysis.text_needs import MOST_TEXTS, Needed
from sweeper.analysis.texts import SpeaksFor
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
OVER_TEXTS, OVER_MODELS = "seeds and texts", "texts, these models"
PAIRED_TEXTS, MCNEMAR = "paired, seeds and texts", "McNemar, these models"
NEEDED_PAIRS = 6  # pairs, for which a table of what would be needed is small


def contrast_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the two tables, if any groups can be compared."""
    found = contrasts(comparison)
    if found:
        yield _test_table(comparison, found)
        yield _seeds_table(comparison, found)
        yield from _needs_table(comparison, found)


def _test_table(comparison: Comparison, found: Sequence[Contrast]) -> TextTable:
    """A row a pair of groups, and one more where it can be compared seed by seed."""
    name = metric_name(comparison.metrics[0], "points") if len(comparison.metrics) == 1 else ""
    difference = f"{comparison.split} {name}".rstrip() + f"\n[{interval_name()}]"
    heads = ("method", difference, "p", "exact\np", "tests", "P(first >\nsecond)", "Hedges\ng", "n")
    rows = ((position, cells) for position, one in enumerate(found) for cells in _test_rows(comparison, one))
    return group_rows(comparison, f"Tests of the differences on {comparison.split}", heads, rows, texts=1)


def _test_rows(comparison: Comparison, found: Contrast) -> Iterator[Cells]:
    own = pair_cells(comparison, found, found.metric)
    if found.over_seeds:
        method = OVER_MODELS if found.verdict.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS else OVER_TEXTS
        yield *own, *_corrected_cells(found, method, found.verdict.contrast), UNKNOWN, *_effect_cells(found)
    crossed = found.pair.first.on(found.split).crossed or found.pair.second.on(found.split).crossed
    seeds = found.over_seeds or found.verdict.contrast
    cells = _corrected_cells(found, CROSSED if crossed else WELCH, seeds)
    yield *own, *cells, _exact_text(found), *_effect_cells(found)
    yield from ((*own, *cells) for cells in _text_rows(found))
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


def _corrected_cells(found: Contrast, method: str, corrected: Corrected) -> Cells:
    """The method, the difference with its interval, and p."""
    difference = replace(found.difference, difference=corrected.estimate.value, low=corrected.low, high=corrected.high)
    return method, difference_text(found.metric, difference), p_text(corrected.p)


def _effect_cells(found: Contrast) -> Cells:
    """Number of tests, effect sizes, n."""
    effects = (ratio_text(found.greater), ratio_text(found.hedges_g))
    return str(found.family), *effects, sizes_text(found.difference)


def _text_rows(found: Contrast) -> Iterator[Cells]:
    """Yield what is beside it text by text: seeds paired, or one model against one other."""
    first, second = found.pair.first, found.pair.second
    if found.paired and found.pair.independent and (own := paired_difference(first, second, found.split)):
        low, high = own.estimate.interval()
        seeds = own.estimate.n
        text = difference_text(found.metric, MeanDifference(seeds, seeds, own.estimate.value, low, high))
        yield PAIRED_TEXTS, text, p_text(own.estimate.p), UNKNOWN, "1", UNKNOWN, UNKNOWN, f"{seeds} pairs"
    if model := compared_models(first, second, found.split):
        right = f"right alone: {model.only_first}, {model.only_second}"
        yield MCNEMAR, right, UNKNOWN, p_text(model.p), "1", UNKNOWN, UNKNOWN, "1, 1"


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


def _needs_table(comparison: Comparison, found: Sequence[Contrast]) -> Iterator[TextTable]:
    """Yield how many seeds and texts would show differences of given sizes, of few pairs whose answers are kept."""
    kept = [(one, own) for one in found if (own := needs_of(one.pair.first, one.pair.second, one.split))]
    if not 0 < len(kept) <= NEEDED_PAIRS:
        return

    def cells(one: Contrast, row: Needed) -> Cells:
        crossed = one.pair.first.on(one.split).crossed or one.pair.second.on(one.split).crossed
        seeds = _seeds_text(row.seeds, bool(crossed))
        both = UNKNOWN if row.both is None else f"{_seeds_text(row.both[0], bool(crossed))} × {row.both[1]:,}"
        texts = f"> {MOST_TEXTS:,}" if row.texts is None else f"{row.texts:,}"
        size = metric_text(one.metric, row.difference, row.difference)
        return *pair_cells(comparison, one, one.metric), size, seeds, texts, both

    heads = ("difference", "seeds a group\non these texts", "texts with\nthese seeds", "seeds × texts\nin proportion")
    title = f"Seeds and texts that would show a difference with {share_text(POWER)} power"
    rows = ((position, cells(one, row)) for position, (one, own) in enumerate(kept) for row in own)
    yield group_rows(comparison, title, heads, rows)


def _seeds_text(number: int | None, crossed: bool) -> str:
    """So many seeds; of crossed ones so many of both kinds."""
    if number is None:
        return f"> {MOST_SEEDS:,}"
    return f"{number:,} × {number:,}" if crossed else f"{number:,}"


def _power_text(found: Contrast) -> str:
    if found.seeds_for_power is not None:
        return str(found.seeds_for_power)
    return f"> {MOST_SEEDS}" if found.hedges_g and found.pair.independent else UNKNOWN

"""Tables of groups: at their best epochs, where their spread comes from, and beside published numbers."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.majority import MajorityRow, majority_rows
from sweeper.analysis.reference_rows import (
    ReferenceEpochRow,
    ReferenceRow,
    reference_epoch_rows,
    reference_rows,
    summary_of,
)
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.variance import SpreadRow, spread_rows
from sweeper.report.tables.columns import columns, factor_cells, group_cells, group_rows, metric_cells
from sweeper.report.text import (
    MAJORITY,
    UNKNOWN,
    Cells,
    TextTable,
    counted_text,
    difference_text,
    interval_name,
    interval_text,
    metric_name,
    metric_text,
    seeds_interval_text,
    share_text,
    spread_text,
    varying,
)


def group_table(comparison: Comparison, *, full: bool = False) -> TextTable:
    """Each metric's mean ± sd at each trial's best epoch; in full the first one's interval, median and extremes too."""
    measured, split = columns(comparison), comparison.split
    over_texts = any(row.on(split).over_texts for row in comparison.groups)

    def compared(row: GroupRow) -> Cells:
        shown = measured.instead or row.metric
        own = summary_of(row, split, shown)
        extremes = (metric_text(shown, value, own.mean) for value in (own.median, own.minimum, own.maximum))
        beside = (seeds_interval_text(shown, own),) if over_texts else ()
        return interval_text(shown, own), *beside, *extremes

    def cells(row: GroupRow) -> Cells:
        return (
            *group_cells(comparison, row.factors, row.metric),
            *(spread_text(metric, summary) for metric, summary in measured.of(row)),
            *(compared(row) if full else ()),
            counted_text(row),
        )

    beside = ["on these texts"] * over_texts
    more = [f"{split}\n{name}" for name in (interval_name(), *beside, "median", "min", "max")] if full else []
    title = "Groups, each trial at its best epoch: mean ± standard deviation over seeds"
    rows = [(False, cells(row)) for row in comparison.groups]
    rows += [(True, (*own, *(UNKNOWN,) * (len(more) + 1))) for own in _majority_cells(comparison)]
    return group_rows(comparison, title, (*measured.heads(), *more, "n"), rows)


def _majority_cells(comparison: Comparison) -> Iterator[Cells]:
    """Yield the names and numbers of what always answering the most frequent class reaches, a row a block."""
    measured = columns(comparison)
    for row in majority_rows(comparison):
        numbers = list(measured.of(row))
        if any(value is not None for _, value in numbers):
            yield (*_majority_name(comparison, row), *(metric_text(metric, value) for metric, value in numbers))


def _majority_name(comparison: Comparison, row: MajorityRow) -> Cells:
    """Cells that say which block's majority it is, and under what tells groups apart that it is one."""
    texts = dict.fromkeys(comparison.factors, "")
    for factor, value in zip(comparison.roles.blocks, row.blocks, strict=True):
        texts[factor] = comparison.names.value(factor, value)
    telling = varying(comparison.factors, [group.factors for group in comparison.groups])
    free = [factor for factor in comparison.factors if factor not in comparison.roles.blocks]
    factor = next((name for name in free if name in telling), next(iter(telling), comparison.factors[0]))
    texts[factor] = " ".join(filter(None, (texts[factor], MAJORITY)))
    return *texts.values(), *metric_cells(comparison, row.metric)


def spread_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the table of spread by cause, if seeds and data seeds vary separately."""
    found = list(spread_rows(comparison))
    if found:
        causes = ("seed\n(weights, dropout)", "data seed\n(order)", "both together\nand the rest")
        heads = (*causes, "seeds ×\ndata seeds", "n")
        title = f"Where the spread on {comparison.split} comes from: share of variance (standard deviation)"
        yield group_rows(comparison, title, heads, ((None, _spread_cells(comparison, row)) for row in found))


def _spread_cells(comparison: Comparison, row: SpreadRow) -> Cells:
    """Return one group's causes; a share whose estimate was below 0 is marked."""
    found = row.components
    variances = (found.rows, found.columns, found.residual)
    marks = ("<" if cause in found.negative else "" for cause in ("rows", "columns", "residual"))
    shares = found.shares() or (None, None, None)
    return (
        *group_cells(comparison, row.factors, row.metric, "points"),
        *(
            f"{mark}{share_text(share)} ({metric_text(row.metric, variance**0.5)})"
            for mark, share, variance in zip(marks, shares, variances, strict=True)
        ),
        f"{row.seeds} × {row.data_seeds}",
        str(row.seeds * row.data_seeds),
    )


def reference_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the tables of what is published beside what was measured here."""
    own, epochs = list(reference_rows(comparison)), list(reference_epoch_rows(comparison))
    name = metric_name(comparison.reference.metric) if comparison.reference else ""
    published, here = f"published\n{name}", f"here\n{name}"
    if own:
        title = "Beside published numbers, at the best epochs: mean ± standard deviation over seeds"
        more = f"here − published\n[{interval_name()}]"
        heads = ("set", published, "n", "published\nsteps", here, "n", "steps\nhere", more)
        rows = ((row.factors, _reference_cells(comparison, row)) for row in own)
        yield group_rows(comparison, title, heads, rows, texts=1, metric=False)
    if epochs:
        title = "Beside published numbers, epoch by epoch: mean and standard deviation over seeds"
        heads = ("set", "epoch", published, "sd", here, "sd", "n", "here −\npublished")
        rows = ((row.factors, _reference_epoch_cells(comparison, row)) for row in epochs)
        yield group_rows(comparison, title, heads, rows, texts=1, metric=False)


def _reference_cells(comparison: Comparison, row: ReferenceRow) -> Cells:
    steps = (", ".join(map(str, own)) or UNKNOWN for own in (row.published_steps, row.our_steps))
    return (
        *(*factor_cells(comparison, row.factors), row.split),
        *(spread_text(row.metric, row.published), str(row.published.n or UNKNOWN), next(steps)),
        *(spread_text(row.metric, row.ours), str(row.ours.n), next(steps)),
        difference_text(row.metric, row.difference),
    )


def _reference_epoch_cells(comparison: Comparison, row: ReferenceEpochRow) -> Cells:
    return (
        *(*factor_cells(comparison, row.factors), row.split, str(row.epoch)),
        metric_text(row.metric, row.published_mean),
        metric_text(row.metric, row.published_sd, row.published_mean),
        metric_text(row.metric, row.ours.mean),
        metric_text(row.metric, row.ours.sd, row.ours.mean),
        str(row.ours.n),
        metric_text(row.metric, row.difference, row.published_mean),
    )

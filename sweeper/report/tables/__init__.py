"""The tables of a comparison as text cells, the same for every format."""

from __future__ import annotations

from dataclasses import replace

from sweeper.analysis.differences import DifferenceRow, difference_rows
from sweeper.analysis.pairs import has_families, number_of_pairs
from sweeper.analysis.rows import Comparison, EpochRow, TrialRow
from sweeper.report.sentences import PAIRS_SHOWN
from sweeper.report.tables.columns import Columns, columns, group_cells, group_rows, pair_cells
from sweeper.report.tables.groups import group_table, reference_tables, spread_tables
from sweeper.report.tables.origin import origin_tables
from sweeper.report.tables.significance import contrast_tables
from sweeper.report.tables.tuning import rank_tables, tuning_tables
from sweeper.report.text import (
    Cells,
    TextTable,
    difference_text,
    duration,
    interval_name,
    metric_text,
    number_text,
    sizes_text,
    state_text,
)
from sweeper.trial.outcome import Status


def text_tables(comparison: Comparison) -> list[TextTable]:
    """Return all tables that there is something for; of trials that are not done only themselves and their origin."""
    tables = [_trial_table(comparison.whole)] if comparison.trials else []
    if any(row.status == Status.DONE for row in comparison.trials):
        tables += [_epoch_table(comparison), group_table(comparison, full=True), *spread_tables(comparison)]
        tables += tuning_tables(comparison)
    if 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        tables += [_difference_table(comparison), *contrast_tables(comparison)]
    tables += [*rank_tables(comparison), *reference_tables(comparison)]
    return tables + (list(origin_tables(comparison)) if comparison.trials else [])


def closing_tables(comparison: Comparison) -> list[TextTable]:
    """Return what a sweep ends with: trials, epochs, groups and their differences, without tests and origin."""
    tables = [_trial_table(comparison.whole)] if comparison.trials else []
    if any(row.status == Status.DONE for row in comparison.trials):
        tables += [_epoch_table(comparison), group_table(comparison), *tuning_tables(comparison)]
    if 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        tables.append(_difference_table(comparison))
    return tables


def _trial_table(comparison: Comparison) -> TextTable:
    data_seeds = any(row.data_seed != row.seed for row in comparison.trials)
    measured = columns(comparison)

    def cells(row: TrialRow) -> Cells:
        return (
            *group_cells(comparison, row.factors, row.metric),
            state_text(row),
            str(row.seed),
            *((str(row.data_seed),) if data_seeds else ()),
            *(metric_text(metric, value) for metric, value in measured.of(row)),
            number_text(row.step),
            number_text(row.epoch),
            duration(row.seconds),
        )

    seeds = ("seed", "data seed") if data_seeds else ("seed",)
    heads = ("status", *seeds, *measured.heads(), "step", "epoch", "time")
    rows = ((row.factors, cells(row)) for row in comparison.trials)
    return group_rows(comparison, "Trials, each at its best epoch", heads, rows, texts=1)


def _epoch_table(comparison: Comparison) -> TextTable:
    measured = columns(comparison)

    def cells(row: EpochRow) -> Cells:
        return (
            *group_cells(comparison, row.factors, row.metric),
            str(row.epoch),
            *(
                metric_text(metric, value, summary and summary.mean)
                for metric, summary in measured.of(row)
                for value in ((summary.mean, summary.sd) if summary else (None, None))
            ),
            str(row.test.n if comparison.tested else row.validation.n),
        )

    heads = ("epoch", *(head for own in measured.heads() for head in (own, "sd")), "n")
    rows = ((row.factors, cells(row)) for row in comparison.epochs)
    return group_rows(comparison, "Epochs: mean and standard deviation over seeds", heads, rows)


def _difference_table(comparison: Comparison) -> TextTable:
    measured = difference_columns(comparison)

    def cells(row: DifferenceRow) -> Cells:
        numbers = (difference_text(metric, found) for metric, found in measured.of(row))
        return *pair_cells(comparison, row, row.metric), *numbers, sizes_text(row.on(comparison.split))

    together = "simultaneous " * has_families(comparison)
    title = f"Differences between groups that differ in one setting [{together}{interval_name()}]"
    rows = ((row.factor, cells(row)) for row in difference_rows(comparison))
    return group_rows(comparison, title, (*measured.heads("points"), "n"), rows)


def difference_columns(comparison: Comparison) -> Columns:
    """Choose two columns of intervals: test, and the metric that must stand beside it, or else validation."""
    measured = columns(comparison)
    if measured.more:
        return replace(measured, more=measured.more[:1], sets=measured.sets[-1:])
    return measured

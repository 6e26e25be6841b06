"""The three tables of a comparison as text cells, the same for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.compare import Comparison, EpochRow, GroupRow, TrialRow
from sweeper.report.text import (
    duration,
    heading,
    labels,
    metric_name,
    metric_text,
    number_text,
    printable,
    spread_text,
    value_text,
)
from sweeper.trial import Status

Cells = tuple[str, ...]


@dataclass(frozen=True)
class TextTable:
    """A table of text; heads may have two lines; columns from number `numeric` on hold numbers.

    A block holds the rows of a group.
    """

    title: str
    heads: Cells
    numeric: int
    blocks: tuple[tuple[Cells, ...], ...]


def text_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables: trials, epochs, groups; the latter two only when a trial is done."""
    tables = [trial_table(comparison)] if comparison.trials else []
    if any(row.status == Status.DONE for row in comparison.trials):
        tables += [epoch_table(comparison), group_table(comparison)]
    return tables


def trial_table(comparison: Comparison) -> TextTable:
    """Table 1: every trial at its best epoch."""
    data_seeds = any(row.data_seed != row.seed for row in comparison.trials)
    validation, test = metric_heads(comparison)

    def cells(row: TrialRow) -> Cells:
        return (
            *map(value_text, row.factors),
            *metric_column(comparison, row.metric),
            row.status.value,
            str(row.seed),
            *((str(row.data_seed),) if data_seeds else ()),
            metric_text(row.metric, row.validation),
            metric_text(row.metric, row.test),
            number_text(row.step),
            number_text(row.epoch),
            duration(row.seconds),
        )

    factors = factor_heads(comparison)
    seeds = ("seed", "data seed") if data_seeds else ("seed",)
    return TextTable(
        title="Trials, each at its best epoch",
        heads=(*factors, "status", *seeds, validation, test, "step", "epoch", "time"),
        numeric=len(factors) + 1,
        blocks=in_blocks([(row, cells(row)) for row in comparison.trials]),
    )


def epoch_table(comparison: Comparison) -> TextTable:
    """Table 2: mean and standard deviation over seeds, per epoch and group."""

    def cells(row: EpochRow) -> Cells:
        return (
            *map(value_text, row.factors),
            *metric_column(comparison, row.metric),
            str(row.epoch),
            *(
                metric_text(row.metric, value)
                for summary in (row.validation, row.test)
                for value in (summary.mean, summary.sd)
            ),
            str(row.test.n),
        )

    factors = factor_heads(comparison)
    validation, test = metric_heads(comparison)
    return TextTable(
        title="Epochs: mean and standard deviation over seeds",
        heads=(*factors, "epoch", validation, "sd", test, "sd", "n"),
        numeric=len(factors),
        blocks=in_blocks([(row, cells(row)) for row in comparison.epochs]),
    )


def group_table(comparison: Comparison) -> TextTable:
    """Table 3: mean ± standard deviation over seeds at each trial's best epoch."""

    def cells(row: GroupRow) -> Cells:
        return (
            *map(value_text, row.factors),
            *metric_column(comparison, row.metric),
            spread_text(row.metric, row.validation),
            spread_text(row.metric, row.test),
            str(row.test.n) if row.test.n == row.trials else f"{row.test.n} of {row.trials}",
        )

    factors = factor_heads(comparison)
    return TextTable(
        title="Groups, each trial at its best epoch: mean ± standard deviation over seeds",
        heads=(*factors, *metric_heads(comparison), "n"),
        numeric=len(factors),
        blocks=(tuple(cells(row) for row in comparison.groups),),
    )


def factor_heads(comparison: Comparison) -> Cells:
    """Heads of the columns that tell groups apart."""
    heads = tuple(heading(factor, comparison.factors) for factor in comparison.factors)
    return heads if len(comparison.metrics) == 1 else (*heads, "metric")


def metric_column(comparison: Comparison, metric: str) -> Cells:
    """Name of a row's metric, in a column of its own where a study has several."""
    return () if len(comparison.metrics) == 1 else (metric_name(metric),)


def metric_heads(comparison: Comparison) -> tuple[str, str]:
    """Heads of the validation and the test column."""
    metric = f"\n{metric_name(comparison.metrics[0])}" if len(comparison.metrics) == 1 else ""
    return f"validation{metric}", f"test{metric}"


def in_blocks(rows: Sequence[tuple[TrialRow | EpochRow, Cells]]) -> tuple[tuple[Cells, ...], ...]:
    """Put rows of the same group together."""
    blocks: dict[object, list[Cells]] = {}
    for row, cells in rows:
        blocks.setdefault(row.factors, []).append(cells)
    return tuple(map(tuple, blocks.values()))


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know of the tables, and which trials are not in them; a line each."""
    named = labels(comparison)
    missing = [(" ".join(named[name]), name, why) for row in comparison.groups for name, why in row.missing]
    uncounted = [f"not counted: {label} ({why}), {printable(name)}" for label, name, why in missing]
    uncounted += [f"not counted: {printable(name)} ({Status.PLANNED})" for name in comparison.planned]
    if not any(row.status == Status.DONE for row in comparison.trials):
        return [f"Nothing is done yet: {pending(comparison)}.", *uncounted]
    metric = " or ".join(map(printable, comparison.metrics))
    return [
        f"Best epoch: chosen on validation {metric}, ties to the earliest; test was never used to choose.",
        "sd: sample standard deviation (n − 1) over the done trials of a group.",
        *uncounted,
    ]


def pending(comparison: Comparison) -> str:
    """How many trials there are of each status."""
    counts = Counter([row.status for row in comparison.trials])
    counts[Status.PLANNED] += len(comparison.planned)
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "no trial is planned"

"""Tables of where numbers come from: what groups are configured as, their cost and size, code, machines, commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sweeper.analysis.costs import CostRow, cost_rows
from sweeper.analysis.factors import ALWAYS
from sweeper.analysis.results import Launch, commit_text
from sweeper.analysis.rows import Comparison
from sweeper.report.tables.columns import factor_cells, group_rows
from sweeper.report.tables.models import lora_tables, parameter_tables
from sweeper.report.text import (
    UNKNOWN,
    Cells,
    TextTable,
    bytes_text,
    count_text,
    duration,
    group_label,
    hours_text,
    printable,
    value_text,
)

OF_CODE = ("framework._target_", "framework.preload")  # which follow the framework
EARLIEST = 1_000_000_000  # seconds since 1970; what is less is no date
GROUPS_BESIDE = 6  # more of them make no table whose columns are groups


def origin_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the tables that there is something for."""
    yield _cost_table(comparison.whole)  # what was tried and not chosen has its cost, too
    yield from parameter_tables(comparison)
    yield from lora_tables(comparison)
    yield from _settings_tables(comparison)
    if comparison.launches:
        yield _provenance_table(comparison)


def origin_facts(comparison: Comparison) -> Iterator[str]:
    """Yield in few words when trials ran, how long they trained, on what machines and by what code."""
    if period := _period(comparison):
        yield period
    trained = sum(row.seconds or 0.0 for row in comparison.trials)
    if trained:
        yield f"{duration(trained)} of training in all"
    launches = [launch for launch, _ in comparison.launches]
    for found in ({launch.cpu for launch in launches}, {launch.gpu for launch in launches}):
        if known := sorted(filter(None, found)):
            yield " or ".join(map(printable, known))
    codes = sorted({f"commit {commit_text(launch)}" for launch in launches if launch.commit})
    if len(codes) > 1:
        yield f"{len(codes)} states of the code"
    else:
        yield from codes


def _period(comparison: Comparison) -> str:
    """The days, in UTC, between the first start and the last measurement."""
    moments = [
        moment for row in comparison.trials for moment in (row.started, row.ended) if moment and moment > EARLIEST
    ]
    if not moments:
        return ""
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (min(moments), max(moments)))
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{first:%Y-%m-%d %H:%M}" + (f" to {end}" if last - first >= timedelta(minutes=1) else "") + " UTC"


def _cost_table(comparison: Comparison) -> TextTable:
    heads = ("trials", "time a trial", "hours", "GPU-hours", "peak memory", "parameters", "trainable")
    rows = ((None, _cost_cells(comparison, row)) for row in cost_rows(comparison))
    return group_rows(comparison, "Cost", heads, rows, metric=False)


def _cost_cells(comparison: Comparison, row: CostRow) -> Cells:
    return (
        *factor_cells(comparison, row.factors),
        str(row.trials) if row.timed == row.trials else f"{row.timed} of {row.trials}",
        duration(row.seconds),
        hours_text(row.hours),
        hours_text(row.gpu_hours),
        bytes_text(row.peak_memory_bytes),
        count_text(row.parameters),
        count_text(row.trainable),
    )


def _settings_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield what groups are configured otherwise, a column a group, where there are few groups."""
    groups = comparison.groups
    if not 1 < len(groups) <= GROUPS_BESIDE:
        return
    told = {*ALWAYS, *comparison.factors, *(f"{name}.name" for name in ALWAYS), *OF_CODE}  # the heads tell the others
    names = dict.fromkeys(name for group in groups for name in group.settings if name not in told)
    inside = [{item.name: item for item in group.differing} for group in groups]

    def value(position: int, name: str) -> str:
        if name in inside[position]:
            return " / ".join(printable(text) for text, _ in inside[position][name].values)
        return value_text(groups[position].settings.get(name))

    rows = [(name, *(value(position, name) for position in range(len(groups)))) for name in names]
    differing = tuple((printable(name), *cells) for name, *cells in rows if len(set(cells)) > 1)
    if differing:
        yield TextTable(
            title="Settings that differ between groups",
            heads=("setting", *(group_label(comparison, group.factors) for group in groups)),
            numeric=len(groups) + 1,
            blocks=(differing,),
        )


def _provenance_table(comparison: Comparison) -> TextTable:
    def block(name: str, values: Counter[str]) -> tuple[Cells, ...]:
        return tuple((name, printable(value), str(count)) for value, count in values.items())

    def counted(text_of: dict[Launch, str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for launch, count in comparison.launches:
            if launch in text_of:
                found[text_of[launch]] += count
        return found

    launches = [launch for launch, _ in comparison.launches]
    period = _period(comparison)
    number = str(sum(count for _, count in comparison.launches))
    tree = {None: "", True: " (dirty)", False: " (clean)"}
    kinds = {
        "command": {launch: launch.command or UNKNOWN for launch in launches},
        "in directory": {launch: launch.directory or UNKNOWN for launch in launches},
        "code": {launch: f"commit {commit_text(launch)}{tree[launch.dirty]}" for launch in launches},
        "own code": {launch: launch.own_code for launch in launches if launch.own_code},
        "host": {launch: f"{launch.host or UNKNOWN}, {launch.platform or UNKNOWN}" for launch in launches},
        "processor": {launch: launch.cpu for launch in launches if launch.cpu},
        "GPU": {launch: launch.gpu for launch in launches if launch.gpu},
        "versions": {launch: ", ".join(map(" ".join, launch.versions)) or UNKNOWN for launch in launches},
    }
    return TextTable(
        title="Provenance",
        heads=("what", "value", "launches"),
        numeric=2,
        blocks=(
            (
                *((("date", period, number),) if period else ()),
                *(row for name, text_of in kinds.items() for row in block(name, counted(text_of))),
            ),
        ),
    )

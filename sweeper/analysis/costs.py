"""Costs: what each group's trials took of time and memory, failed ones included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sweeper.analysis.contents import Value
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import mean

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class CostRow:
    """What a group cost, failed and cancelled trials included; None: not recorded.

    `hours` is the sum of what trials spent training, `gpu_hours` that of trials on a GPU, of which each has one.
    `seconds` is the mean of the counted ones. `peak_memory_bytes` is the largest: of the GPU where `on_gpu`, else
    resident in a process. `parameters` and `trainable` are those of a trial's model.
    """

    factors: tuple[Value, ...]
    trials: int
    timed: int
    seconds: float | None
    hours: float
    gpu_hours: float
    peak_memory_bytes: int | None
    on_gpu: bool
    parameters: int | None
    trainable: int | None


def cost_rows(comparison: Comparison) -> Iterator[CostRow]:
    """Yield what each group cost."""
    return map(_cost_row, comparison.groups)


def _cost_row(group: GroupRow) -> CostRow:
    timed = [row for row in group.members if row.seconds is not None]
    on_gpu = [row for row in timed if row.device == "cuda"]
    counts = {row.parameters.total: row.parameters for row in group.members if row.parameters}
    known = next(iter(counts.values())) if len(counts) == 1 else None
    return CostRow(
        factors=group.factors,
        trials=group.trials,
        timed=len(timed),
        seconds=mean([row.seconds for row in group.counted if row.seconds is not None]),
        hours=sum(row.seconds or 0.0 for row in timed) / SECONDS_PER_HOUR,
        gpu_hours=sum(row.seconds or 0.0 for row in on_gpu) / SECONDS_PER_HOUR,
        peak_memory_bytes=max((row.peak_memory_bytes for row in timed if row.peak_memory_bytes), default=None),
        on_gpu=bool(on_gpu),
        parameters=known.total if known else None,
        trainable=known.trainable if known else None,
    )

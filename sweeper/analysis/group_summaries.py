"""What the trials of a group reach on a set: mean, spread and interval, by how their seeds are related."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sweeper.analysis.crossed import crossed_mean
from sweeper.analysis.estimates import estimate
from sweeper.analysis.shares import logit_interval
from sweeper.analysis.statistics import Crossed, Summary, summarize
from sweeper.analysis.variance import complete_table

Seeds = tuple[int, int]  # seed and data seed of a trial


def are_independent(seeds: Sequence[Seeds]) -> bool:
    """Whether no two trials share a seed or a data seed, unless all do."""
    kinds = (Counter(own[position] for own in seeds) for position in (0, 1))
    return not any(1 < len(found) < len(seeds) for found in kinds)


def are_crossed(seeds: Sequence[Seeds]) -> bool:
    """Whether some trials share a seed under several data seeds, and some a data seed under several seeds."""
    cells = {*seeds}
    return len(cells) == len(seeds) and all(1 < len({own[at] for own in cells}) < len(cells) for at in (0, 1))


def group_summary(seeds: Sequence[Seeds], values: Sequence[float], *, is_share: bool) -> Summary:
    """Summarize trials with these seeds; of a share the interval is symmetric on the logit's scale.

    Of crossed seeds the mean is that of the largest complete table of seeds × data seeds. Trials that share seeds in
    another way give no interval.
    """
    independent = are_independent(seeds)
    found = summarize(values, independent=independent)
    if not independent and are_crossed(seeds):
        found = _crossed_summary(dict(zip(seeds, values, strict=True))) or found
    if (own := estimate(found)) and (is_share or found.crossed):
        inside = is_share and 0 < own.value < 1  # a metric is taken for a share by its name
        low, high = logit_interval(own) if inside else own.interval()
        return replace(found, low=low, high=high)
    return found


def _crossed_summary(cells: Mapping[Seeds, float]) -> Summary | None:
    """Summarize a complete table; None where there is none of two seeds and two data seeds."""
    mean, table = crossed_mean(cells), complete_table(cells)
    if mean is None or table is None:
        return None
    own = mean.estimate
    crossed = Crossed(mean.seeds, mean.data_seeds, mean.left_out, own.error, own.degrees_of_freedom)
    values = [value for row in table for value in row]
    return replace(summarize(values, independent=False), crossed=crossed)

"""What a tracking store shows of a whole study: the groups' numbers by stable names, and each trial's group."""

from __future__ import annotations

from sweeper.analysis.rows import Comparison
from sweeper.analysis.statistics import Summary
from sweeper.report.tables.columns import columns
from sweeper.report.text import group_label

PREFIX = "groups/"
GROUPS_SHOWN = 100  # more of them are for the report alone: a store draws a chart for each number


def trial_groups(comparison: Comparison) -> dict[str, str]:
    """Return each trial's group, by the trial's name: "pt hf learning_rate 0.001"."""
    return {row.name: group_label(comparison, row.factors) for row in comparison.trials}


def study_metrics(comparison: Comparison) -> dict[str, float]:
    """Return n, mean, sd and t interval of every group at the best epochs, shares as shares of 1.

    Keys: groups/GROUP/n and groups/GROUP/SET_METRIC_{mean,sd,low,high}. Empty for more than `GROUPS_SHOWN` groups.
    """
    found: dict[str, float] = {}
    measured = columns(comparison)
    for row in comparison.groups if len(comparison.groups) <= GROUPS_SHOWN else ():
        prefix = f"{PREFIX}{group_label(comparison, row.factors)}"
        found[f"{prefix}/n"] = float(len(row.counted))
        for split in measured.sets:
            for metric in (row.metric, *measured.more):
                summary = getattr(row if metric == row.metric else row.others.get(metric), split, None)
                found |= summary_metrics(f"{prefix}/{split}_{metric}", summary)
    return found


def study_tags(comparison: Comparison) -> dict[str, str]:
    """Return how many groups there are, and where their numbers are when there are too many for `study_metrics`."""
    number = len(comparison.groups)
    return {
        "groups": f"{number:,}" + f", more than {GROUPS_SHOWN}: numbers in the report only" * (number > GROUPS_SHOWN)
    }


def summary_metrics(prefix: str, summary: Summary | None) -> dict[str, float]:
    """Return what is known of a summary."""
    values = {name: getattr(summary, name, None) for name in ("mean", "sd", "low", "high")}
    return {f"{prefix}_{name}": value for name, value in values.items() if value is not None}

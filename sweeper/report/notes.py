"""The lines under the tables: how to read them, what to know of the data, what diverged, and what is not in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sweeper.compare import Comparison, DataSet
from sweeper.differences import pairs, standard_error
from sweeper.report.columns import columns
from sweeper.report.data_text import data_notes
from sweeper.report.tables import PAIRS_SHOWN, difference_columns
from sweeper.report.text import UNKNOWN, heading, labels, printable, value_text
from sweeper.trial import Status


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know of the tables, and which trials are not in them; a line each."""
    uncounted = list(uncounted_notes(comparison))
    if not any(row.status == Status.DONE for row in comparison.trials):
        return [f"Nothing is done yet: {pending(comparison)}.", *uncounted]
    metric = " or ".join(map(printable, comparison.metrics))
    never = "; test was never used to choose" if comparison.tested else ""
    return [
        f"Best epoch: chosen on validation {metric}, ties to the earliest{never}.",
        "sd: sample standard deviation (n − 1) over the done trials of a group.",
        *difference_notes(comparison),
        *perplexity_notes(comparison),
        *unmeasured_notes(comparison),
        *all_data_notes(comparison),
        *diverged_notes(comparison),
        *uncounted,
    ]


def difference_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how the differences' intervals are made, or where to see them when there are too many for a table."""
    found = pairs(comparison)
    if not found:
        return
    if len(found) > PAIRS_SHOWN:
        yield (
            f"{len(found)} pairs of groups differ in one setting, too many for a table; their differences:"
            " python -m sweeper.report STUDY --format json"
        )
        return
    sets = difference_columns(comparison).sets
    unknown = any(
        standard_error(getattr(pair.first, split), getattr(pair.second, split)) is None
        for pair in found
        for split in sets
    )
    yield (
        "Differences: Welch's t interval, unpaired; sample standard deviations; not corrected for multiple comparisons"
        + (f"; {UNKNOWN} where n < 2 or neither group varies." if unknown else ".")
    )


def pending(comparison: Comparison) -> str:
    """How many trials there are of each status."""
    counts = Counter([row.status for row in comparison.trials])
    counts[Status.PLANNED] += len(comparison.planned)
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "no trial is planned"


def uncounted_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which trials are not in the groups' rows, and why."""
    named = labels(comparison)
    for row in comparison.groups:
        for name, why in row.missing:
            yield f"not counted: {' '.join(named[name])} ({why}), {printable(name)}"
    for name in comparison.planned:
        yield f"not counted: {printable(name)} ({Status.PLANNED})"


def diverged_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which trials count although their training broke down."""
    named = labels(comparison)
    for row in comparison.trials:
        if row.divergence:
            label = " ".join(named[row.name])
            yield f"{label}: training loss was {row.divergence.loss} from epoch {row.divergence.epoch} on"


def perplexity_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how the selection metric is to be read where perplexity stands in its place."""
    if columns(comparison).instead:
        yield f"perplexity: e to the {comparison.metrics[0]}, which the records hold; of the answers' ids and </s>."


def unmeasured_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which metrics' columns stand for fewer trials than n says, as older records may not have them."""
    done = [row for row in comparison.trials if row.status == Status.DONE]
    for name in columns(comparison).beside:
        measured = sum(name == row.metric or name in row.others for row in done)
        if measured < len(done):
            yield f"{printable(name)}: measured in {measured} of {len(done)} done trials"


def all_data_notes(comparison: Comparison) -> list[str]:
    """The data sets' notes; each names its data set where there are several, and settings where they matter."""
    variants = Counter(data.name for data in comparison.data)
    several = "data" in comparison.factors
    said: dict[tuple[str, str], list[str]] = {}
    for data in comparison.data:
        for line in data_notes(data):
            said.setdefault((data.name, line), []).append(settings_text(comparison, data))
    lines = []
    for (name, line), settings in said.items():
        label = [printable(name)] * several + [", ".join(settings)] * (len(settings) < variants[name])
        lines.append(": ".join(filter(None, [" ".join(label), line])))
    return lines


def settings_text(comparison: Comparison, data: DataSet) -> str:
    """What tells a data set from others of its name, as short as in a trial's label."""
    named = [f"{heading(name, comparison.factors)} {value_text(value)}" for name, value in data.settings.items()]
    return " ".join(named)

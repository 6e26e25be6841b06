"""The lines under the tables: how to read them, what to know of the data, what diverged, and what is not in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.differences import difference_rows
from sweeper.analysis.pairs import MOST_PAIRS, Pair, has_families, number_of_pairs, pairs
from sweeper.analysis.permutation_tests import DRAWN_SEED, MOST_LABELLINGS
from sweeper.analysis.reference_rows import data_told
from sweeper.analysis.rows import Comparison, DataSet
from sweeper.report.collapse_notes import collapse_notes, majority_notes
from sweeper.report.data_text import data_notes
from sweeper.report.ranking import ranking_notes
from sweeper.report.role_notes import role_notes
from sweeper.report.seed_notes import crossed_notes, dependence_notes, spread_notes
from sweeper.report.sentences import PAIRS_SHOWN, sentences
from sweeper.report.tables import difference_columns
from sweeper.report.tables.columns import columns
from sweeper.report.text import UNKNOWN, group_label, heading, interval_name, labels, printable, value_text
from sweeper.report.text_notes import needs_notes, text_notes
from sweeper.trial.metrics import is_share
from sweeper.trial.outcome import Status

GROUPS_NAMED = 4
HOW_TO_READ = 2  # of the closing notes: how the epoch was chosen, what sd is


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know of all tables, the comparisons in words, and which trials don't count; a line each."""
    if not any(row.status == Status.DONE for row in comparison.trials):
        return closing_notes(comparison)
    own = closing_notes(comparison)
    return [*sentences(comparison), *own[:HOW_TO_READ], *_method_notes(comparison), *own[HOW_TO_READ:]]


def closing_notes(comparison: Comparison) -> list[str]:
    """What a reader must know of the tables that a sweep ends with, and which trials are not in them; a line each."""
    uncounted = list(_uncounted_notes(comparison.whole))
    if not any(row.status == Status.DONE for row in comparison.trials):
        return [f"Nothing is done yet: {pending(comparison.whole)}.", *uncounted]
    metric = " or ".join(map(printable, comparison.metrics))
    never = "; test was never used to choose" if comparison.tested else ""
    return [
        f"Best epoch: chosen on validation {metric}, ties to the earliest{never}.",
        "sd: sample standard deviation (n − 1) over the done trials of a group.",
        *role_notes(comparison),
        *ranking_notes(comparison),
        *difference_notes(comparison),
        *_perplexity_notes(comparison),
        *_unmeasured_notes(comparison),
        *_differing_notes(comparison),
        *dependence_notes(comparison),
        *crossed_notes(comparison),
        *text_notes(comparison),
        *collapse_notes(comparison),
        *all_data_notes(comparison),
        *_diverged_notes(comparison.whole),
        *uncounted,
    ]


def _method_notes(comparison: Comparison) -> Iterator[str]:
    yield _own_interval_note(comparison)
    if comparison.tested:
        yield "Validation chose the epoch, so its own values there flatter; test's do not."
    yield from majority_notes(comparison)
    if 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        yield from _contrast_notes(comparison, contrasts(comparison))
    yield from needs_notes(comparison)
    yield from spread_notes(comparison)
    yield from _reference_notes(comparison)
    yield from _cost_notes(comparison)


def _own_interval_note(comparison: Comparison) -> str:
    """Return how the groups' own intervals are made."""
    split = comparison.split
    n_of_one = f"; {UNKNOWN} for n = 1" * any(
        len(row.counted) == 1 and row.on(split).low is None for row in comparison.groups
    )
    shares = any(map(is_share, comparison.metrics))
    over_texts = any(row.on(comparison.split).over_texts for row in comparison.groups)
    texts = "; for new seeds and new texts of this kind, and beside it for new seeds on these texts" * over_texts
    scale = "; of shares by the delta method on the logit's scale, so that it ends before 0 and 100 %" * shares
    points = "; differences are in points" * (shares and number_of_pairs(comparison) > 0)
    return f"{interval_name()} of a group: Student's t interval of the mean{texts}{scale}{points}{n_of_one}."


def _contrast_notes(comparison: Comparison, found: Sequence[Contrast]) -> Iterator[str]:
    sizes = sorted({one.family for one in found if one.test is not None})
    if sizes:
        number = " or ".join(map(str, sizes))
        corrected = f", corrected by Holm for {number} comparisons on {comparison.split}" * (sizes != [1])
        yield (
            "exact p: two-sided (twice the smaller one-sided p, as scipy has it), of the difference of means over all"
            f" relabellings of the values{corrected}: it assumes no distribution. p: of the interval's own test"
            f"{', corrected likewise' * (sizes != [1])}. Neither uses pairing."
        )
    if drawn := [one.test.drawn for one in found if one.test and not one.test.exact]:
        yield (
            f"≈: of more than {MOST_LABELLINGS:,} relabellings {min(drawn):,} were drawn (seed {DRAWN_SEED}), by"
            " scipy.stats.permutation_test."
        )
    if paired := [one.paired.difference for one in found if one.paired]:
        equal = any(pair.low is None and pair.n_first > 1 for pair in paired)
        unvarying = f" {UNKNOWN}: the differences do not vary." * equal
        yield (
            "paired: beside it, where a seed gives both groups the same order of the same examples; t interval of the"
            " differences, p over all flips of their signs; P: share of seeds."
            f"{unvarying}"
        )
    yield "P(first > second): over all pairs of a trial of each, ties half. Hedges g: pooled sd, corrected for small n."


def _reference_notes(comparison: Comparison) -> Iterator[str]:
    reference = comparison.reference
    if reference is None:
        return
    yield f"published: {printable(reference.source)} ({printable(reference.file)})"
    told = data_told(comparison)
    if False in told:
        yield "CAUTION: published numbers that were made on other data stand beside, and are not subtracted."
    if None in told:
        yield (
            f"Nothing tells on what data the published numbers were made: they stand beside, and are not subtracted; in"
            f" {printable(reference.file)} data: {{data: {printable(_data_choice(comparison))}}} says that it is this."
        )
    values = any(group.values for group in reference.groups)
    own = "the sample's (n − 1) where single values are published, else " if values else ""
    yield (
        f"published sd: {own}of this kind: {reference.sd}. Intervals are Welch's, of single values"
        f"{' and given sds' * (reference.sd == 'sample')} only."
    )


def _data_choice(comparison: Comparison) -> str:
    return str(next((group.settings["data"] for group in comparison.groups if "data" in group.settings), "demo"))


def _cost_notes(comparison: Comparison) -> Iterator[str]:
    gpu = any(row.device == "cuda" for row in comparison.trials)
    yield (
        "Cost: hours are those that trials spent training, failed ones included, one GPU a trial; of a launch that was"
        " killed, until its last metric. What trials share, as pretraining on the way, is not in them;"
        f" peak memory is the largest of a trial's {'GPU' if gpu else 'process'}."
    )


def _differing_notes(comparison: Comparison) -> Iterator[str]:
    for row in comparison.groups:
        label = group_label(comparison, row.factors)
        for item in row.differing:
            found = ", ".join(f"{printable(value)} ({count})" for value, count in item.values)
            yield f"CAUTION, {label}: its trials differ in {printable(item.name)}: {found}"
        if row.repeated:
            yield f"CAUTION, {label}: the same trial counts more than once: {', '.join(map(printable, row.repeated))}"


def difference_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how the differences' intervals are made, or where to see them when there are too many for a table."""
    number = number_of_pairs(comparison)
    if number > PAIRS_SHOWN:
        where = "; their differences: python -m sweeper.report STUDY --format json" if number <= MOST_PAIRS else ""
        yield (f"{number:,} pairs of groups differ in one setting, too many for a table{where}; fewer: by=FACTOR,…")
    if not 0 < number <= PAIRS_SHOWN:
        return
    found = pairs(comparison)
    yield from _shared_notes(comparison, found)
    sets = difference_columns(comparison).sets
    unknown = any(
        own is not None and own.low is None for row in difference_rows(comparison) for own in map(row.on, sets)
    )
    corrected = (
        "; corrected for all comparisons of the same setting on the same data, p by Holm, intervals at Bonferroni's"
        " level, which end at 0 where Holm alone rejects it"
    ) * has_families(comparison)
    over_texts = [bool(one.verdict.over_texts) for one in contrasts(comparison)]
    kind = "Welch's t interval"
    if any(over_texts):
        some = " where predictions are kept" * (not all(over_texts))
        kind = f"on {comparison.split} in {' or '.join(comparison.metrics)} for new texts, too{some}; else {kind}"
    yield (
        f"Differences: {kind}, unpaired; sample standard deviations{corrected}"
        + (f"; {UNKNOWN} where n < 2, neither group varies, or trials share seeds." if unknown else ".")
    )


def _shared_notes(comparison: Comparison, found: Sequence[Pair]) -> Iterator[str]:
    """Yield which groups of different studies hold the same trials; these are named STUDY/TRIAL."""
    for pair in found:
        first, second = ({row.name.rpartition("/")[2] for row in group.counted} for group in (pair.first, pair.second))
        if pair.factor == "study" and (shared := len(first & second)):
            labels_of = " and ".join(group_label(comparison, group.factors) for group in (pair.first, pair.second))
            yield f"CAUTION, {labels_of}: trials that are the same in both: {shared}; their difference tests nothing"


def pending(comparison: Comparison) -> str:
    """How many trials there are of each status."""
    counts = Counter([row.status for row in comparison.trials])
    counts[Status.PLANNED] += len(comparison.planned)
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]) or "no trial is planned"


def _uncounted_notes(comparison: Comparison) -> Iterator[str]:
    named = labels(comparison)
    for row in comparison.groups:
        for name, why in row.missing:
            yield f"not counted: {' '.join(named[name])} ({printable(why)}), {printable(name)}"
    for name in comparison.planned:
        yield f"not counted: {printable(name)} ({Status.PLANNED})"


def _diverged_notes(comparison: Comparison) -> Iterator[str]:
    named = labels(comparison)
    for row in comparison.trials:
        for split in comparison.sets if row.status == Status.DONE else ():
            if (value := row.on(split)) is not None and not math.isfinite(value):
                label = " ".join(named[row.name])
                yield f"{label}: {split} {printable(row.metric)} is {value}, and so is its group's mean"
        if row.divergence:
            label = " ".join(named[row.name])
            yield f"{label}: training loss was {row.divergence.loss} from epoch {row.divergence.epoch} on"


def _perplexity_notes(comparison: Comparison) -> Iterator[str]:
    if columns(comparison).instead:
        found = dict.fromkeys(data.facts.get("ends", "the end token") for data in comparison.data)
        ends = " or ".join(map(printable, found)) or "the end token"
        yield f"perplexity: e to the {comparison.metrics[0]}, which the records hold; of the answers' ids and {ends}."


def _unmeasured_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which metrics' columns stand for fewer trials than n says, as older records may not have them."""
    done = [row for row in comparison.trials if row.status == Status.DONE]
    for name in columns(comparison).more:
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
            said.setdefault((data.name, line), []).append(_settings_text(comparison, data))
    lines = []
    for (name, line), settings in said.items():
        label = [printable(name)] * several + [", ".join(settings)] * (len(settings) < variants[name])
        lines.append(": ".join(filter(None, [" ".join(label), line])))
    return lines


def _settings_text(comparison: Comparison, data: DataSet) -> str:
    named = [f"{heading(name, comparison.factors)} {value_text(value)}" for name, value in data.settings.items()]
    return " ".join(named)

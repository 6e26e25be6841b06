"""Lines on intervals over texts: what they hold for, how they are made, and why some groups have none."""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.analysis.contrasts import contrasts
from sweeper.analysis.pairs import number_of_pairs
from sweeper.analysis.rows import Comparison
from sweeper.analysis.text_scores import GroupTexts
from sweeper.analysis.texts import FEW, SpeaksFor
from sweeper.report.sentences import PAIRS_SHOWN
from sweeper.report.text import and_text, group_label, printable
from sweeper.trial.metrics import is_share

NAMED = 4  # groups


def text_notes(comparison: Comparison) -> Iterator[str]:
    """Yield what a reader must know of intervals for new texts."""
    split = comparison.split
    kept = [row.texts[split] for row in comparison.groups if split in row.texts]
    if kept:
        yield (
            "Intervals for new seeds and new texts of this kind: seeds crossed with texts, as of many readers and many"
            " cases (Gallas, Pennello and Myers 2007), unpaired. They do not hold for another training set, pretrained"
            " checkpoint or newly chosen setting. They can be the narrower ones, as texts tell more of their own error"
            " than few seeds do of theirs."
        )
        if any(len(own.trials) == FEW or own.moments.over_seeds.n == FEW for own in kept):
            yield "With two seeds in a group the intervals for new texts are approximate."
        for row in comparison.groups:
            if split in row.texts and not (own := row.texts[split]).whole:
                yield (
                    f"{group_label(comparison, row.factors)}: {own.moments.texts:,} of {own.most:,} {split} texts were"
                    " answered by all its trials; differences for new texts are of these, its mean is of all."
                )
        yield from _cluster_notes(comparison, kept)
    yield from _model_notes(comparison)
    yield from _lacking_notes(comparison)


def needs_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how to read the table of seeds and texts that would be needed, where there is one."""
    several = [row for row in comparison.groups if comparison.split in row.texts and row.on(comparison.split).n > 1]
    if len(several) > 1 and number_of_pairs(comparison) > 0 and is_share(several[0].metric):
        yield (
            "Seeds and texts that would be needed take the measured spreads for the true ones; three seeds know a"
            " spread within a factor of about four."
        )


def _cluster_notes(comparison: Comparison, kept: list[GroupTexts]) -> Iterator[str]:
    sizes = {(own.moments.clusters, own.moments.texts) for own in kept if own.moments.clusters < own.moments.texts}
    given = any(own.clustered for own in kept)
    for clusters, texts in sorted(sizes):
        why = "by data.cluster" if given else "since some occur more than once"
        yield f"{texts:,} {comparison.split} texts are taken as {clusters:,} independent clusters, {why}."


def _model_notes(comparison: Comparison) -> Iterator[str]:
    if not 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        return
    if any(one.verdict.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS for one in contrasts(comparison)):
        yield (
            "Of one seed in a group the interval compares these models, and not the ways of making them, as McNemar's"
            " exact test of one model against one other does."
        )


def _lacking_notes(comparison: Comparison) -> Iterator[str]:
    """Yield why groups or pairs have no interval for new texts."""
    split = comparison.split
    of: dict[str, list[str]] = {}
    for row in comparison.groups:
        if why := row.lacks.get(split):
            of.setdefault(why, []).append(group_label(comparison, row.factors))
    for why, names in of.items():
        more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
        yield f"No interval for new texts: {and_text([*names[:NAMED], *more])} ({printable(why)})."
    if 0 < number_of_pairs(comparison) <= PAIRS_SHOWN:
        pairs = {one.verdict.lacks for one in contrasts(comparison) if one.verdict.lacks} - {*of}
        yield from (f"Some differences have no interval for new texts: {printable(why)}." for why in sorted(pairs))

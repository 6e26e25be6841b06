"""Intervals of groups and differences for new seeds and new texts, where predictions are kept; else why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sweeper.analysis.estimates import Estimate, difference, estimate
from sweeper.analysis.mcnemar import McNemar, mcnemar
from sweeper.analysis.rows import GroupRow, Summaries
from sweeper.analysis.shares import logit_interval
from sweeper.analysis.statistics import Summary
from sweeper.analysis.text_needs import Needed, needed
from sweeper.analysis.text_scores import (
    GroupTexts,
    KeptAnswers,
    LacksAnswersError,
    Scores,
    common_moments,
    common_scores,
    group_texts,
)
from sweeper.analysis.texts import OverTexts, difference_over_texts, mean_over_texts, paired_over_texts
from sweeper.trial.metrics import is_share


def texts_of_group(
    trials: Sequence[KeptAnswers], metric: str, split: str
) -> tuple[dict[str, GroupTexts], dict[str, str]]:
    """Return what a group's trials answered on the set that groups are compared on, by set; or why it is not known.

    On validation, where a test set is compared, there is no such interval: it has chosen the epochs.
    """
    if not trials:
        return {}, {}
    try:
        return {split: group_texts(trials, metric, split)}, {}
    except LacksAnswersError as error:
        return {}, {split: str(error)}


def with_texts(own: Summaries, texts: Mapping[str, GroupTexts], *, share: bool) -> Summaries:
    """Return summaries whose intervals hold for new texts, too, where answers are kept."""
    # Where texts are left out the mean that stands beside is one of other texts.
    changed = {split: _with_texts(getattr(own, split), kept, share) for split, kept in texts.items() if kept.whole}
    return replace(own, **changed)


def _with_texts(own: Summary, kept: GroupTexts, share: bool) -> Summary:
    found = mean_over_texts(kept.moments)
    inside = share and 0 < found.estimate.value < 1
    low, high = logit_interval(found.estimate) if inside else found.estimate.interval()
    if low is None:
        return own
    return replace(own, low=low, high=high, over_texts=found.speaks_for.value, over_seeds=(own.low, own.high))


@dataclass(frozen=True)
class Difference:
    """What two groups differ by: over seeds alone, and over texts too; `lacks` says why not.

    `first` and `second` are the groups' means over seeds.
    """

    first: Estimate
    second: Estimate
    over_seeds: Estimate
    over_texts: OverTexts | None
    lacks: str = ""

    @property
    def estimate(self) -> Estimate:
        """The difference that is spoken of: that over texts where it has an interval."""
        return self.over_texts.estimate if self.over_texts else self.over_seeds


def compared(first: GroupRow, second: GroupRow, split: str, metric: str) -> Difference | None:
    """Return what two groups differ by in a metric on a set; None where one has no value."""
    both = (first.on(split, metric), second.on(split, metric))
    means = [estimate(own) if own else None for own in both]
    one, other = means
    if one is None or other is None:
        return None
    over_texts, lacks = None, ""
    if metric == first.metric == second.metric:
        over_texts, lacks = _over_texts(first, second, split)
    return Difference(one, other, difference(one, other), over_texts, lacks)


def _over_texts(first: GroupRow, second: GroupRow, split: str) -> tuple[OverTexts | None, str]:
    texts = (first.texts.get(split), second.texts.get(split))
    if texts[0] is None or texts[1] is None:
        return None, first.lacks.get(split, "") or second.lacks.get(split, "")
    try:
        found = difference_over_texts(*common_moments(texts[0], texts[1]))
    except LacksAnswersError as error:
        return None, str(error)
    if found.estimate.error:
        return found, ""
    return None, "nothing varies" if found.clusters > 1 else "one text or cluster tells nothing of others"


def paired_difference(first: GroupRow, second: GroupRow, split: str) -> OverTexts | None:
    """Return what two groups differ by seed by seed and text by text, over the seeds and texts that both have.

    For groups whose seeds give the same order of the same examples. None where answers are not kept, or the texts of
    both are not the same in the same order.
    """
    both = _same_texts(first, second, split)
    if both is None:
        return None
    one, other = both
    rows = [(one.seeds.index(seeds), number) for number, seeds in enumerate(other.seeds) if seeds in one.seeds]
    if len(rows) < 2:
        return None
    positions = zip(*rows, strict=True)
    values = [own.values[list(at)] for own, at in zip(both, positions, strict=True)]
    return paired_over_texts(values[0], values[1], one.clusters)


def needs_of(first: GroupRow, second: GroupRow, split: str) -> tuple[Needed, ...]:
    """Return how many seeds and texts would show differences of given sizes; none where answers are not kept."""
    one, other = first.texts.get(split), second.texts.get(split)
    if one is None or other is None or first.metric != second.metric or not is_share(first.metric):
        return ()
    try:
        return needed(*common_moments(one, other)) or ()
    except LacksAnswersError:  # the difference says so
        return ()


def compared_models(first: GroupRow, second: GroupRow, split: str) -> McNemar | None:
    """Compare one trial with one other text by text; None for groups of more, and for texts in clusters.

    Of a text that occurs more than once the first counts alone, as the others say nothing new.
    """
    both = _same_texts(first, second, split) if len(first.counted) == len(second.counted) == 1 else None
    if both is None or both[0].clustered:
        return None
    once = both[0].keys[:, 1] == 0
    return mcnemar(both[0].values[0][once], both[1].values[0][once])


def _same_texts(first: GroupRow, second: GroupRow, split: str) -> tuple[Scores, Scores] | None:
    one, other = first.texts.get(split), second.texts.get(split)
    if one is None or other is None or first.metric != second.metric:
        return None
    try:
        return common_scores(one, other)
    except LacksAnswersError:  # files that were there when the groups were made
        return None

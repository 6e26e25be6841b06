"""Rows of a study's groups beside what a reference publishes of such groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweeper.analysis.estimates import MeanDifference, mean_difference
from sweeper.analysis.factors import Value
from sweeper.analysis.roles import default_role, same_value
from sweeper.analysis.rows import SETS, Comparison, EpochRow, GroupRow
from sweeper.analysis.statistics import Summary
from sweeper.errors import WrongInput
from sweeper.trial.metrics import is_share

if TYPE_CHECKING:
    from sweeper.analysis.reference import PublishedGroup, Reference

EMPTY = Summary(0, None, None)
LISTED = 8  # groups that a refusal names


@dataclass(frozen=True)
class ReferenceRow:
    """A group's best epochs beside the published; ours − published has no interval without a sample's sd and its n.

    There is no difference where the published numbers are of other data, or do not say of what.
    """

    factors: tuple[Value, ...]
    metric: str
    split: str
    published: Summary
    published_values: tuple[float, ...]
    ours: Summary
    difference: MeanDifference | None
    published_steps: tuple[int, ...]
    our_steps: tuple[int, ...]


@dataclass(frozen=True)
class ReferenceEpochRow:
    """One group after one epoch beside what is published of it; `difference` is ours − published, on the same data."""

    factors: tuple[Value, ...]
    metric: str
    split: str
    epoch: int
    published_mean: float
    published_sd: float | None
    ours: Summary
    difference: float | None


def with_reference(comparison: Comparison, reference: Reference) -> Comparison:
    """Add a reference; raises WrongInput where the study lacks a group, factor or metric of it, or shares are none."""
    measured = (*comparison.metrics, *comparison.others)
    if reference.metric not in measured:
        raise WrongInput(
            f"reference={reference.file}: no trial has measured {reference.metric}\nmetrics of this study: "
            + ", ".join(measured)
        )
    for published in reference.groups:
        _check_group(comparison, published, reference)
    return replace(comparison, reference=reference)


def _check_group(comparison: Comparison, published: PublishedGroup, reference: Reference) -> None:
    means = [summary.mean for summary in published.sets.values()]
    means += [item.mean for epochs in published.epochs.values() for item in epochs]
    if is_share(reference.metric) and any(mean is not None and not 0 <= mean <= 1 for mean in means):
        raise WrongInput(
            f"reference={reference.file}: {reference.metric} of {_group_text(published.group)} is no share\n"
            "allowed: 0 to 1, or 0 to 100 with unit: per cent"
        )
    for name in published.group:
        if name not in comparison.factors and not any(name in group.settings for group in comparison.groups):
            raise WrongInput(
                f"reference={reference.file}: no factor is called {name}\n"
                f"factors of this study: {', '.join(comparison.factors)}"
            )
    if not _matching(comparison, published):
        known = [_group_text(dict(zip(comparison.factors, group.factors, strict=True))) for group in comparison.groups]
        more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
        raise WrongInput(
            f"reference={reference.file}: this study has no group {_group_text(published.group)}\n"
            f"groups that exist: {'; '.join(known[:LISTED]) or 'none'}{more}"
        )


def _matching(comparison: Comparison, published: PublishedGroup) -> list[GroupRow]:
    return [group for group in comparison.groups if _is_of(comparison, group, published.group)]


def _is_of(comparison: Comparison, group: GroupRow, wanted: Mapping[str, Value]) -> bool:
    """Whether a group has all the wanted values of factors, or of settings that its trials have in common."""
    differing = {item.name for item in group.differing}
    known = {name: value for name, value in group.settings.items() if name not in differing}
    known |= dict(zip(comparison.factors, group.factors, strict=True))
    return all(name in known and same_value(value, known[name]) for name, value in wanted.items())


def same_data(comparison: Comparison, group: GroupRow, published: PublishedGroup, reference: Reference) -> bool | None:
    """Whether published numbers were made on a group's data; None where nothing says on which."""
    told = dict(reference.data)
    told |= {name: value for name, value in published.group.items() if default_role(name) == "blocks"}
    return _is_of(comparison, group, told) if told else None


def data_told(comparison: Comparison) -> set[bool | None]:
    """Return which answers there are to `same_data` among the rows of the reference."""
    reference = comparison.reference
    return {
        same_data(comparison, group, published, reference)
        for published in (reference.groups if reference else ())
        for group in _matching(comparison, published)
        if reference
    }


def _group_text(values: Mapping[str, Value]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def reference_rows(comparison: Comparison) -> Iterator[ReferenceRow]:
    """Yield what is published of best epochs beside the study's own."""
    reference = comparison.reference
    if reference is None:
        return
    for published in reference.groups:
        for group in _matching(comparison, published):
            for split in SETS:
                if split in published.sets:
                    row = _reference_row(group, published, split, reference)
                    is_same = same_data(comparison, group, published, reference)
                    yield row if is_same else replace(row, difference=None)


def _reference_row(group: GroupRow, published: PublishedGroup, split: str, reference: Reference) -> ReferenceRow:
    theirs, ours = published.sets[split], summary_of(group, split, reference.metric)
    sampled = split in published.values or (reference.sd == "sample" and theirs.n > 1)
    return ReferenceRow(
        factors=group.factors,
        metric=reference.metric,
        split=split,
        published=theirs,
        published_values=published.values.get(split, ()),
        ours=ours,
        difference=mean_difference(ours, theirs if sampled else replace(theirs, sd=None)),
        published_steps=published.steps,
        our_steps=tuple(row.step for row in group.counted if row.step is not None),
    )


def reference_epoch_rows(comparison: Comparison) -> Iterator[ReferenceEpochRow]:
    """Yield what is published of epochs beside the study's own."""
    reference = comparison.reference
    if reference is None:
        return
    ours = {(row.factors, row.metric, row.epoch): row for row in comparison.epochs}
    for published in reference.groups:
        for group in _matching(comparison, published):
            is_same = same_data(comparison, group, published, reference)
            for split, epochs in published.epochs.items():
                for epoch, item in enumerate(epochs, start=1):
                    row = ours.get((group.factors, group.metric, epoch))
                    summary = summary_of(row, split, reference.metric) if row else EMPTY
                    assert item.mean is not None
                    delta = None if summary.mean is None or not is_same else summary.mean - item.mean
                    yield ReferenceEpochRow(
                        group.factors, reference.metric, split, epoch, item.mean, item.sd, summary, delta
                    )


def summary_of(row: GroupRow | EpochRow, split: str, metric: str) -> Summary:
    """Return a row's summary of a metric on a set; of nothing where it was not measured."""
    return row.on(split, metric) or EMPTY

"""What stands first in a report: the question that a comparison asks, the verdict and its rule, for others to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweeper.analysis.blocks import Block
from sweeper.analysis.contrasts import Contrast
from sweeper.analysis.factors import SEEDS
from sweeper.analysis.rows import Comparison
from sweeper.analysis.verdicts import LEAST_SEEDS
from sweeper.report.notes import pending
from sweeper.report.pair_verdict import pair_verdict, points
from sweeper.report.ranking import Ranking, rankings
from sweeper.report.text import (
    and_text,
    heading,
    interval_name,
    interval_text,
    metric_text,
    printable,
    sizes_of,
    varying,
)
from sweeper.trial.metrics import is_share
from sweeper.trial.outcome import Status

NAMED = 4  # groups that a sentence names


def question(comparison: Comparison) -> str:
    """Return what the comparison asks, from what varies in it."""
    found = rankings(comparison)
    if not found:
        return "What do the trials measure?"
    measure = f"mean {comparison.split} {printable(found[0].metric)}"
    sizes = {len(item.groups) for item in found}
    within = ", on each of its own" if len(found) > 1 else ""
    if sizes == {1}:
        return f"What {measure} does it reach?" if len(found) == 1 else f"What {measure} is reached{within}?"
    telling = varying(comparison.factors, [row.factors for row in found[0].groups])
    varied = [heading(name, comparison.factors) for name in comparison.factors if name in telling]
    if sizes == {2}:
        both = sorted(found[0].labels)
        return f"{both[0]} or {both[1]}: which has the better {measure}{within}?"
    return f"Which {and_text(varied)} has the best {measure} of {max(sizes)} groups{within}?"


def verdict(comparison: Comparison) -> list[str]:
    """Return the answer, a sentence a block; the records' state where there is none yet."""
    if not any(row.status == Status.DONE for row in comparison.trials):
        return [f"Nothing is done yet: {pending(comparison)}."]
    found = rankings(comparison)
    return [
        f"{item.name}: {sentence}" if item.name else sentence
        for item in found
        for sentence in _sentences(comparison, item)
    ]


def rule(comparison: Comparison) -> str:
    """Return when one group is said to beat another; empty where no two are compared."""
    several = [item.block for item in rankings(comparison) if len(item.groups) > 1]
    found = [one for block in several for one in block.contrasts]
    if not several:
        return ""
    own = " (a planned comparison's own)" * any(_planned(comparison, one) for one in found)
    of = "comparisons of the same setting on the same data" if found else "pairs of groups on the same data"
    corrected = any(one.family > 1 for one in found) or any(block.untold > 1 for block in several)
    within = f", corrected for all {of}{own}," * corrected
    return (
        f"Rule: one beats another where the {interval_name()} of their difference{within} leaves out 0, and each has"
        f" {LEAST_SEEDS} seeds or more."
    )


def _planned(comparison: Comparison, one: Contrast) -> bool:
    return one.is_primary and comparison.primary is not None and comparison.primary.planned


def _sentences(comparison: Comparison, item: Ranking) -> Iterator[str]:
    """Yield the primary comparison where there is one, else one sentence for the block."""
    block, scope = item.block, scope_text(comparison, item.block)
    if block.primary:
        for one in block.primary:
            planned = "Planned comparison" if _planned(comparison, one) else "Primary comparison, chosen afterwards"
            yield f"{planned}: {pair_verdict(one, _names(item, one), scope)}"
    elif len(block.groups) == 2 and block.contrasts:
        yield pair_verdict(block.contrasts[0], _names(item, block.contrasts[0]), scope)
    else:
        yield _leading(item, scope)


def _names(item: Ranking, one: Contrast) -> tuple[str, str]:
    return item.label(one.pair.first.factors), item.label(one.pair.second.factors)


def scope_text(comparison: Comparison, block: Block) -> str:
    """Say for what a block's numbers speak: "for new seeds, on these 2,000 texts"."""
    crossed = any(row.on(block.split).crossed for row in block.groups)
    averaged = [heading(name, comparison.factors) for name in comparison.roles.nuisance if name not in SEEDS]
    drawn = and_text(["seeds", *["data seeds"] * crossed, *map(printable, averaged)])
    number = _number_of_texts(comparison, block)
    return f"for new {drawn}, on " + (f"these {number:,} texts" if number else f"this {block.split} set")


def _number_of_texts(comparison: Comparison, block: Block) -> int | None:
    """How many texts the block's set has; None where records do not say one number, or these are no texts alone."""
    values = dict(zip(comparison.roles.blocks, block.values, strict=True))
    split = {"validation": "valid"}.get(block.split, block.split)
    sizes = {
        data.facts.get("splits", {}).get(split, {}).get("examples")
        for data in comparison.data
        if all(values.get(name, value) == value for name, value in data.settings.items() if name in values)
    }
    of_texts = all(row.settings.get("task.name") == "classification" for row in block.groups)
    return sizes.pop() if len(sizes) == 1 and of_texts else None


def _leading(item: Ranking, scope: str) -> str:
    """Return which group is the best of a block, and whether it beats the others."""
    block, metric = item.block, item.metric
    best = block.groups[0].on(block.split)
    name = f"{block.split} {printable(metric)}"
    unit = " %" if is_share(metric) else ""
    value = f"{metric_text(metric, best.mean, best.mean)}{unit}"
    interval = f" {interval_text(metric, best)}" if best.low is not None else ""
    sizes = sizes_of(row.on(block.split) for row in block.groups)
    if len(block.groups) == 1:
        return f"{item.labels[0]} has mean {name} {value}{interval} {scope}; n = {sizes}."
    said = f"{item.labels[0]} has the best mean {name} of {len(block.groups)} groups, {value}{interval} {scope}"
    return f"{said}; {_beside_others(item)}; n = {sizes}."


def _beside_others(item: Ranking) -> str:
    block = item.block
    if not any(place.letters for place in block.places):
        return "its lead was not tested, of so many groups"
    first, others = block.groups[0], item.labels[1:]
    beaten = [
        label
        for label, row in zip(others, block.groups[1:], strict=True)
        if (first.factors, row.factors) in block.beats
    ]
    level = [label for label in others if label not in beaten]
    ahead = f"it beats {_listed(beaten, len(others))}" if beaten else ""
    apart = f"it cannot be told apart from {_listed(level, len(others))}" if level else ""
    lead = _lead(item) if not level else ""
    return ", and ".join(filter(None, [ahead + lead, apart]))


def _lead(item: Ranking) -> str:
    """By how much the best group is ahead of the second, where these two differ in one setting."""
    first, second = item.block.groups[:2]
    for one in item.block.contrasts:
        if {one.pair.first.factors, one.pair.second.factors} == {first.factors, second.factors}:
            return f", the next, {item.labels[1]}, by {points(one)}"
    return ""


def _listed(labels: Sequence[str], of: int) -> str:
    if len(labels) == of > 1:
        return f"all {of} others" if of > 2 else "both others"
    return and_text([*labels[:NAMED], *([f"{len(labels) - NAMED} more"] if len(labels) > NAMED else [])])

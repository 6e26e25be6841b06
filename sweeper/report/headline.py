"""What stands first in a report: the question that a comparison asks, the verdict and its rule, for others to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sweeper.analysis.blocks import Block, Compared
from sweeper.analysis.contrasts import Contrast
from sweeper.analysis.factors import SEEDS
from sweeper.analysis.rows import RECORDED, Comparison
from sweeper.analysis.texts import SpeaksFor
from sweeper.analysis.verdicts import LEAST_SEEDS, Decision
from sweeper.report.notes import pending
from sweeper.report.pair_verdict import also_differ, detectable_text, pair_verdict, points
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
    within = f", on each of {_block_names(found)}" if len(found) > 1 else ""
    if sizes == {1}:
        return f"What {measure} does it reach?" if len(found) == 1 else f"What {measure} is reached{within}?"
    telling = varying(comparison.factors, [row.factors for row in found[0].groups])
    varied = [heading(name, comparison.factors) for name in comparison.factors if name in telling]
    if sizes == {2}:
        both = sorted(found[0].labels)
        return f"{both[0]} or {both[1]}: which has the better {measure}{within}?"
    return f"Which {and_text(varied)} has the best {measure}, of {max(sizes)} groups{within}?"


def _block_names(found: Sequence[Ranking]) -> str:
    names = [item.name for item in found]
    return and_text(names) if len(names) <= NAMED else f"{len(names)} data sets or tasks"


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
    blocks = [item.block for item in rankings(comparison)]
    found = [one for block in blocks for one in block.compared.values()]
    if not found:
        return ""
    contrasts = [one.contrast for one in found if one.contrast]
    own = " (a planned comparison's own)" * any(_planned(comparison, one) for one in contrasts)
    of = "comparisons of the same setting on the same data" if contrasts else "pairs of groups on the same data"
    within = f", corrected for all {of}{own}," * any(one.verdict.contrast.family > 1 for one in found)
    return (
        f"Rule: one beats another where the {interval_name()} of their difference{within} leaves out 0, and each has"
        f" {LEAST_SEEDS} seeds or more."
    )


def _planned(comparison: Comparison, one: Contrast) -> bool:
    return one.is_primary and comparison.primary is not None and comparison.primary.planned


def _sentences(comparison: Comparison, item: Ranking) -> Iterator[str]:
    """Yield the primary comparison where there is one, else one sentence for the block."""
    block = item.block
    if block.primary:
        yield from _primary_sentences(comparison, item)
    elif len(block.groups) == 2 and block.compared:
        (one,) = block.compared.values()
        yield _pair_sentence(comparison, item, one)
    else:
        yield _leading(comparison, item)


def _pair_sentence(comparison: Comparison, item: Ranking, one: Compared) -> str:
    scopes = (
        scope_text(comparison, item.block, one.verdict.speaks_for),
        scope_text(comparison, item.block, SpeaksFor.NEW_SEEDS_THESE_TEXTS),
    )
    return pair_verdict(one, _names(item, one), item.block.split, scopes, comparison.whole.factors)


def _primary_sentences(comparison: Comparison, item: Ranking) -> Iterator[str]:
    block = item.block
    found = [own for one in block.primary if (own := block.of(one.pair.first, one.pair.second))]
    planned = any(_planned(comparison, one) for one in block.primary)
    head = "Planned comparison" if planned else "Primary comparison, chosen afterwards"
    if len(found) <= NAMED:
        yield from (f"{head}: {_pair_sentence(comparison, item, one)}" for one in found)
        return
    better = Counter(_value(comparison, one) for one in found if one.better)
    said = [f"{value} beats the other in {count} of {len(found)}" for value, count in better.items()]
    level = sum(one.better is None for one in found)
    said += [f"in {level} of {len(found)} they cannot be told apart"] * (level > 0)
    scope = scope_text(comparison, block, _least_scope(found))
    yield f"{head}, {len(found)} times {scope}: {and_text(said)}."


def _least_scope(found: Iterable[Compared]) -> SpeaksFor:
    """Return what all of several comparisons speak for."""
    scopes = {one.verdict.speaks_for for one in found}
    return scopes.pop() if len(scopes) == 1 else SpeaksFor.NEW_SEEDS_THESE_TEXTS


def _value(comparison: Comparison, one: Compared) -> str:
    """What the better of two groups has of the setting in which they differ."""
    assert one.contrast is not None and one.better is not None
    position = one.contrast.pair.position
    return comparison.names.label(one.contrast.factor, one.better.factors[position])


def _names(item: Ranking, one: Compared) -> tuple[str, str]:
    return item.label(one.first.factors), item.label(one.second.factors)


def scope_text(comparison: Comparison, block: Block, speaks_for: SpeaksFor) -> str:
    """Say for what a block's numbers speak: "for new seeds and new texts of this kind"."""
    if speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS:
        return str(speaks_for.value)
    averaged = [heading(name, comparison.factors) for name in comparison.roles.nuisance if name not in SEEDS]
    drawn = and_text([*_drawn(block), *map(printable, averaged)])
    if drawn and speaks_for is SpeaksFor.NEW_SEEDS_AND_TEXTS:
        return f"for new {drawn} and new texts of this kind"
    sets = {config["digests"].get("data") for row in block.groups for config in row.configs}
    number = _number_of_texts(comparison, block) if len(sets) == 1 else None
    these = f"these {number:,} texts" if number else f"this {block.split} set"
    these = these if len(sets) == 1 else f"these {block.split} sets"
    return f"for new {drawn}, on {these}" if drawn else f"on {these}"


def _drawn(block: Block) -> Iterator[str]:
    """Yield which kinds of seeds vary in a group."""
    cells = [{(row.seed, row.data_seed) for row in group.counted} for group in block.groups]
    varying = [any(len({cell[at] for cell in own}) > 1 for own in cells) for at in (0, 1)]
    together = all(len({seed for seed, _ in own}) == len({seed for _, seed in own}) == len(own) for own in cells)
    if varying[0]:
        yield "seeds"
    if varying[1] and not (varying[0] and together):
        yield "data seeds"


def _number_of_texts(comparison: Comparison, block: Block) -> int | None:
    """How many texts the block's set has; None where records do not say one number, or these are no texts alone."""
    values = dict(zip(comparison.roles.blocks, block.values, strict=True))
    split = RECORDED[block.split]
    sizes = {
        data.facts.get("splits", {}).get(split, {}).get("examples")
        for data in comparison.data
        if all(values.get(name, value) == value for name, value in data.settings.items() if name in values)
    }
    of_texts = all(row.settings.get("task.name") == "classification" for row in block.groups)
    return sizes.pop() if len(sizes) == 1 and of_texts else None


def _leading(comparison: Comparison, item: Ranking) -> str:
    """Return which group is the best of a block, and whether it beats the others."""
    block, metric = item.block, item.metric
    best = block.groups[0].on(block.split)
    speaks_for = SpeaksFor(best.over_texts) if best.over_texts else SpeaksFor.NEW_SEEDS_THESE_TEXTS
    scope = scope_text(comparison, block, speaks_for)
    name = f"{block.split} {printable(metric)}"
    unit = " %" if is_share(metric) else ""
    value = f"{metric_text(metric, best.mean, best.mean)}{unit}"
    interval = f" {interval_text(metric, best)}" if best.low is not None else ""
    sizes = sizes_of(block.groups, block.split)
    if len(block.groups) == 1:
        return f"{item.labels[0]} has mean {name} {value}{interval} {scope}; n = {sizes}."
    first = [label for label, place in zip(item.labels, block.places, strict=True) if place.rank == 1]
    has = f"{item.labels[0]} has" if len(first) < 2 else f"{_listed(first, len(item.labels))} share"
    said = f"{has} the best mean {name} of {len(block.groups)} groups, {value}{interval} {scope}"
    return "; ".join([said, *_beside_others(comparison, item), f"n = {sizes}"]) + "."


def _beside_others(comparison: Comparison, item: Ranking) -> Iterator[str]:
    """Yield which others the best group beats, and from which it cannot be told apart."""
    block = item.block
    if not block.compared:
        yield "its lead was not tested, of so many groups"
        return
    if not block.lettered:
        yield "which others it beats was not tested, since trials of a group share seeds"
        return
    best, others = block.groups[0], list(zip(item.labels[1:], block.groups[1:], strict=True))
    beaten = [label for label, row in others if block.beats(best, row)]
    level = [(label, own) for label, row in others if label not in beaten and (own := block.of(best, row))]
    next_one = block.of(best, block.groups[1])
    ahead = f"it beats {_listed(beaten, len(others))}" if beaten else ""
    if next_one and not level:
        ahead += f", the next, {item.labels[1]}, by {points(next_one)}"
    yield ", and ".join(filter(None, [ahead, _level_text(item, level, len(others))]))
    of_best = [own for _, row in others if (own := block.of(best, row))]
    alone = sum(own.verdict.speaks_for is SpeaksFor.NEW_SEEDS_THESE_TEXTS for own in of_best)
    if alone and best.on(block.split).over_texts:
        yield f"{alone} of these {len(of_best)} comparisons {'are' if alone > 1 else 'is'} on these texts alone"
    if also := also_differ(best, block.groups[1], comparison.whole.factors):
        yield f"CAUTION, {item.labels[0]} and {item.labels[1]} differ in {also}, too"


def _level_text(item: Ranking, level: Sequence[tuple[str, Compared]], of: int) -> str:
    """Say from which groups the best cannot be told apart, and what could have been seen."""
    if not level:
        return ""
    shown = [own.verdict.detectable for _, own in level[:NAMED]]
    largest = max((value for value in shown if value is not None), default=None)
    names = _listed([label for label, _ in level], of)
    seen = f", where a difference of {detectable_text(item.metric, largest)}" if largest else ""
    if all(own.verdict.decision is Decision.FEW_SEEDS for _, own in level):
        seen = f", as it takes {LEAST_SEEDS} seeds or more of each"
    return f"it cannot be told apart from {names}{seen}"


def _listed(labels: Sequence[str], of: int) -> str:
    if len(labels) == of > 1:
        return f"all {of} others" if of > 2 else "both others"
    return and_text([*labels[:NAMED], *([f"{len(labels) - NAMED} more"] if len(labels) > NAMED else [])])

"""Groups by their means, the better first, apart for each block: data and tasks are compared within, never across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweeper.analysis.blocks import Block, blocks
from sweeper.analysis.contents import Value
from sweeper.analysis.letters import MOST_LETTERS
from sweeper.analysis.majority import ACCURACY, majority_of
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.report.text import (
    MAJORITY,
    UNKNOWN,
    Cells,
    TextTable,
    counted_text,
    interval_name,
    interval_text,
    metric_name,
    metric_text,
    number_text,
    printable,
    telling_labels,
    value_text,
)


@dataclass(frozen=True)
class Ranking:
    """A block by its name, empty where there is one alone, and its groups' labels, which tell them apart in it."""

    name: str
    block: Block
    labels: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The selection metric."""
        return self.block.metric

    @property
    def groups(self) -> tuple[GroupRow, ...]:
        """The groups, the best mean first."""
        return self.block.groups

    def label(self, factors: Sequence[Value]) -> str:
        """What the group of these values is called."""
        return next(label for label, row in zip(self.labels, self.groups, strict=True) if row.factors == tuple(factors))

    def majority(self, split: str) -> float | None:
        """What always answering a set's most frequent class reaches; None where it is not known, or no accuracy."""
        return majority_of(self.groups).get(split) if self.metric == ACCURACY else None


def rankings(comparison: Comparison) -> list[Ranking]:
    """Return the ranking of each block, in the order of the groups."""
    found = blocks(comparison)
    several = len(found) > 1
    return [Ranking(_name(comparison, block) if several else "", block, _labels(comparison, block)) for block in found]


def _name(comparison: Comparison, block: Block) -> str:
    """Name a block by its data and task, and by what else its metric depends on."""
    texts = list(map(comparison.names.label, comparison.roles.blocks, block.values))
    others = blocks(comparison)
    if sum(block.values == other.values for other in others) > 1:
        texts += [printable(block.metric)] * (len({other.metric for other in others}) > 1)
        texts += [_tokenizer(block)] * (len({other.tokenizer for other in others}) > 1)
    return " ".join(filter(None, texts))


def _tokenizer(block: Block) -> str:
    """Name a tokenizer by its path or its model's, or by its content's digest."""
    settings = block.groups[0].settings
    path = settings.get("tokenizer.path") or settings.get("model.path") or block.tokenizer
    return f"tokenizer {value_text(path).rstrip('/').rpartition('/')[2]}"


def _labels(comparison: Comparison, block: Block) -> tuple[str, ...]:
    groups = [row.factors for row in block.groups]
    found = telling_labels(comparison.names, groups, comparison.roles.blocks)
    return tuple(found[group] for group in groups)


def ranking_tables(comparison: Comparison) -> list[TextTable]:
    """Return a table a ranking of two groups or more."""
    return [_table(item) for item in rankings(comparison) if len(item.groups) > 1]


def _table(ranking: Ranking) -> TextTable:
    block = ranking.block
    first = block.groups[0].on(block.split).mean
    lettered = shows_letters(block)

    def rows() -> Iterator[Cells]:
        for label, row, place in zip(ranking.labels, block.groups, block.places, strict=True):
            summary = row.on(block.split)
            yield (
                label,
                number_text(place.rank),
                f"{metric_text(block.metric, summary.mean, summary.mean)} {interval_text(block.metric, summary)}",
                metric_text(block.metric, summary.mean - first, first),
                *((place.letters or UNKNOWN,) if lettered else ()),
                counted_text(row),
            )

    name = metric_name(block.metric)
    heads = ("group", "rank", f"{name}\n[{interval_name()}]", "to the\nfirst", *(("letters",) if lettered else ()), "n")
    title = f"Ranking by mean {block.split} {name}" + (f", {ranking.name}" if ranking.name else "")
    found = [tuple(rows())]
    if (share := ranking.majority(block.split)) is not None:
        own = (MAJORITY, UNKNOWN, metric_text(block.metric, share), metric_text(block.metric, share - first))
        found.append(((*own, *((UNKNOWN,) if lettered else ()), UNKNOWN),))
    return TextTable(title, heads, 1, tuple(found))


def shows_letters(block: Block) -> bool:
    """Whether there are letters, and they say more than a verdict on two groups."""
    return len(block.groups) > 2 and block.lettered


def ranking_notes(comparison: Comparison) -> Iterator[str]:
    """Yield how to read the letters, and what was compared for them alone."""
    found = [item.block for item in rankings(comparison) if len(item.groups) > 2]
    lettered = list(filter(shows_letters, found))
    if lettered:
        yield "Ranking: groups that share a letter cannot be told apart; in a verdict, none of them beats another."
    if number := sum(block.of_several_settings for block in lettered):
        yield (
            f"For the letters {number} pair{'s' * (number > 1)} of groups that differ in more than one setting"
            f" {'were' if number > 1 else 'was'} compared, too: one family of tests a ranking, corrected by Holm."
        )
    if any(len(block.groups) > MOST_LETTERS for block in found):
        yield f"More than {MOST_LETTERS} groups: no letters say which of them can be told apart."

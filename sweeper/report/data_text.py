"""What is to know of a data set: before training, and under the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sweeper.analysis.rows import DataSet
from sweeper.data.facts import DataFacts, read_facts
from sweeper.data.splits import TITLES
from sweeper.report.text import printable

CLASSES_LISTED = 10  # of more only the smallest and the largest are named
UNKNOWN_TOLERATED = 0.01  # share of <unk> among a split's ids


def uneven(facts: DataFacts) -> bool:
    """Whether accuracy alone could mislead: more than two classes, or unbalanced ones."""
    return len(facts.label_names) > 2 or facts.unbalanced


def _many(facts: DataFacts) -> bool:
    return len(facts.label_names) > CLASSES_LISTED


def _kind_of_examples(facts: DataFacts) -> str:
    return "texts" if facts.label_names else "questions"


def plan_lines(name: str, facts: DataFacts) -> list[str]:
    """Return what should be known of a data set before training: sizes, classes, how its splits were made."""
    splits = _present(facts.class_counts)
    sizes = " / ".join(f"{sum(facts.class_counts[split]):,}" for split in splits)
    names = " / ".join(TITLES[split] for split in splits)
    line = f"data={name}: {sizes} {_kind_of_examples(facts)} ({names})"
    if facts.label_names:
        balance = "unbalanced: " if facts.unbalanced else ""
        number = f"{len(facts.label_names):,} classes, " if _many(facts) else ""
        line += f"; {balance}{number}{_classes(facts, _share_text)}"
    return [printable(line), *(f"  {printable(note)}" for note in facts.notes)]


def data_notes(data: DataSet) -> Iterator[str]:
    """Yield what must be known of a data set to judge results on it."""
    facts = read_facts(data.facts)
    if facts is not None:
        if uneven(facts):
            number = f"{len(facts.label_names):,} classes" if _many(facts) else "classes"
            yield printable(f"{number}: {_classes(facts, lambda count, _: f'{count:,}')}")
        yield from map(printable, facts.notes)
        yield from leaks(facts)
    yield from map(printable, data.facts.get("reading", ()))
    yield from _tokenizing_notes(data, "texts" if facts is None else _kind_of_examples(facts))


def _tokenizing_notes(data: DataSet, kind: str) -> Iterator[str]:
    splits = data.facts.get("splits", {})
    cut = [
        f"{splits[split]['truncated']:,} of {splits[split]['examples']:,} {TITLES[split]}"
        for split in _present(splits)
        if splits[split]["truncated"]
    ]
    if cut:
        yield f"cut to {data.max_length} ids: {', '.join(cut)} {kind}"
    if any(split["unknown_share"] > UNKNOWN_TOLERATED for split in splits.values()):
        shares = [f"{100 * splits[split]['unknown_share']:.1f} % in {TITLES[split]}" for split in _present(splits)]
        yield f"<unk> among the ids: {', '.join(shares)}"


def leaks(facts: DataFacts) -> Iterator[str]:
    """Yield how many texts of validation and of test stand in an earlier split too."""
    for split, others in (("valid", "train"), ("test", "train or validation")):
        count, size = facts.leaked.get(split, 0), sum(facts.class_counts.get(split, ()))
        if count:
            stand = "stands" if count == 1 else "stand"
            yield f"{count:,} of {size:,} {TITLES[split]} {_kind_of_examples(facts)} also {stand} in {others}"


def _classes(facts: DataFacts, show: Callable[[int, int], str]) -> str:
    """Sizes of the classes, of all splits at once where they are alike; `show` is told a size and the split's."""
    names, counts = facts.label_names, facts.class_counts
    listed = {TITLES[split]: _sizes_text(names, counts[split], show) for split in _present(counts)}
    alike = len(set(listed.values())) == 1
    return "; ".join(list(listed.values())[:1] if alike else [" ".join(item) for item in listed.items()])


def _sizes_text(names: Sequence[str], sizes: Sequence[int], show: Callable[[int, int], str]) -> str:
    """Sizes of one split's classes; of many the smallest and the largest."""
    total = sum(sizes)
    if len(names) <= CLASSES_LISTED:
        return ", ".join(f"{name} {show(size, total)}" for name, size in zip(names, sizes, strict=True))
    smallest, largest = sizes.index(min(sizes)), sizes.index(max(sizes))
    if smallest == largest:
        return f"{show(sizes[0], total)} each"
    named = [f"{show(sizes[number], total)} ({names[number]})" for number in (smallest, largest)]
    return f"from {named[0]} to {named[1]}"


def _share_text(size: int, total: int) -> str:
    """A class's part of a split, in whole per cent where it is at least one."""
    share = 100 * size / max(total, 1)
    return f"{share:.0f} %" if share >= 1 or not share else f"{share:.1g} %"


def _present(splits: Mapping[str, Any]) -> list[str]:
    return [split for split in TITLES if split in splits]

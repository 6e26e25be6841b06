"""Which examples are taken: parts of a labelled set that keep every class, the same on every machine."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sweeper.data import Examples


def select(examples: Examples, indices: Iterable[int]) -> Examples:
    """Return the examples at `indices`, in that order."""
    chosen = list(indices)
    return Examples(
        texts=tuple(examples.texts[index] for index in chosen),
        labels=tuple(examples.labels[index] for index in chosen),
        seconds=tuple(examples.seconds[index] for index in chosen) if examples.seconds else (),
    )


def limit_examples(examples: Examples, limit: int | None) -> Examples:
    """Return at most `limit` examples (None: all), as many of each class as there are, in their order.

    The first ones of each class are taken, so a smaller limit's examples are among a larger one's.
    """
    if limit is None or limit >= len(examples):
        return examples
    seen: Counter[int] = Counter()
    turns: list[tuple[int, int, int]] = []  # the first of each class, then the second of each, …
    for index, label in enumerate(examples.labels):
        turns.append((seen[label], label, index))
        seen[label] += 1
    return select(examples, sorted(index for _, _, index in sorted(turns)[:limit]))


def stratified_split(labels: Sequence[int], held_out: int, seed: int) -> tuple[list[int], list[int]]:
    """Divide the indices of `labels` at random into those kept and `held_out` others, each in rising order."""
    kept, chosen = stratified_parts(labels, [held_out], seed)
    return kept, chosen


def stratified_parts(labels: Sequence[int], sizes: Sequence[int], seed: int) -> list[list[int]]:
    """Divide the indices of `labels` at random: those kept, then a part of each of `sizes`, all in rising order.

    Each part is taken from what the earlier ones left, from each class in proportion to its size, rounded by the
    largest remainder. Only `random()` of the standard library's generator is drawn on: it alone is promised to stay
    the same in later Pythons.
    """
    generator = random.Random(seed)
    rank = [generator.random() for _ in labels]
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(labels)), key=rank.__getitem__):
        members[labels[index]].append(index)
    parts: list[list[int]] = []
    for size in sizes:
        shares = apportion({label: len(indices) for label, indices in members.items()}, size)
        parts.append(sorted(index for label, indices in members.items() for index in indices[: shares[label]]))
        for label, share in shares.items():
            del members[label][:share]
    kept = sorted(index for indices in members.values() for index in indices)
    return [kept, *parts]


def apportion(sizes: Mapping[int, int], total: int) -> dict[int, int]:
    """Share `total` out in proportion to `sizes`: Hamilton's method, ties to the smaller class number."""
    whole = sum(sizes.values())
    shares = {label: total * size // whole for label, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda label: (-(total * sizes[label] % whole), label))
    for label in by_remainder[: total - sum(shares.values())]:
        shares[label] += 1
    return shares

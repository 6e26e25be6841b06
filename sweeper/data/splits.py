"""Train, valid and test: the missing ones made, what cannot be compared by refused, what pretraining may read."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sweeper.data import EVALUATED, SPLITS, Answered, Examples
from sweeper.errors import WrongInput

# What a split may be called where a data set of others is read.
SPLIT_NAMES = {"train": ("train",), "valid": ("valid", "validation", "dev", "val"), "test": ("test",)}
TITLES = {"train": "train", "valid": "validation", "test": "test"}
Rows = TypeVar("Rows", Examples, Answered)
SHARES = {"valid": "data.validation_share", "test": "data.test_share"}


def complete(
    found: Mapping[str, Rows], shares: Mapping[str, float], seed: int, labels: Sequence[int]
) -> dict[str, Rows]:
    """Return train, valid and test; those not found are made from train, stratified by its `labels`, `shares` of it.

    Raises WrongInput when train, or a split that is made, would be empty.
    """
    train = found["train"]
    missing: list[str] = missing_in(found)
    sizes = [round(shares[split] * len(train)) for split in missing]
    if sum(sizes) >= len(train):
        raise WrongInput(
            f"{_given(missing, shares)} of {len(train)} examples leave nothing to train on\nset smaller shares"
        )
    for split, size in zip(missing, sizes, strict=True):
        if not size:
            raise WrongInput(
                f"{_given([split], shares)} of {len(train)} examples is none for {TITLES[split]}\n"
                f"set a larger share, or give a {TITLES[split]} set of your own"
            )
    parts = dict(zip(["train", *missing], stratified_parts(labels, sizes, seed, kept_of_each=1), strict=True))
    for split, size in zip(missing, sizes, strict=True):
        if len(parts[split]) < size:
            raise WrongInput(
                f"{_given(missing, shares)}: train would have none of some class\nneeded: at least one example of every"
                f" class of train's {len(train)} stays there\nset smaller shares, or give splits of your own"
            )
    splits = {**found, **{split: train.at(indices) for split, indices in parts.items()}}
    return {split: splits[split] for split in SPLITS}


def check_parts(
    found: Mapping[str, Examples],
    splits: Mapping[str, Examples],
    shares: Mapping[str, float],
    label_names: Sequence[str],
) -> None:
    """Raise WrongInput when a part of the training examples that were found is a single example."""
    whole = Counter(found["train"].labels)
    missing = missing_in(found)
    titles = " and ".join(TITLES[split] for split in missing)
    for split in missing:
        absent = sorted(whole.keys() - set(splits[split].labels))
        if absent and len(splits[split]) < 2:
            raise WrongInput(
                f"{_given(missing, shares)}: {TITLES[split]} would have none of the {whole[absent[0]]} examples of"
                f" class {label_names[absent[0]][:40]!r}\nneeded: two examples or more in each part of train's"
                f" {whole.total()}\nset other shares, or give {titles} of your own"
            )


def missing_in(found: Collection[str]) -> list[str]:
    """Return the splits that must be made, in the order in which they are taken from train."""
    return [split for split in ("test", "valid") if split not in found]


def _given(missing: Sequence[str], shares: Mapping[str, float]) -> str:
    return " ".join(f"{SHARES[split]}={shares[split]:g}" for split in missing)


def check_classes(present: Collection[str], source: str) -> None:
    """Raise WrongInput when the training examples leave nothing to learn."""
    if len(present) < 2:
        raise WrongInput(f"{source}: train has one class, {min(present)[:40]!r}\nneeded: at least two")


def check_splits(splits: Mapping[str, Examples], label_names: Sequence[str], source: str) -> None:
    """Raise WrongInput for splits by which nothing can be compared; `source` names the data set in messages.

    Texts that only some examples share are leakage, which is counted and shown (`sweeper.data.facts`), not refused.
    """
    check_classes({label_names[label] for label in splits["train"].labels}, source)
    check_new({split: examples.inputs for split, examples in splits.items()}, source, "text")


def check_new(inputs: Mapping[str, Sequence[Hashable]], source: str, title: str) -> None:
    """Raise WrongInput when validation or test holds nothing that earlier splits don't; `title`: what they hold."""
    seen: set[Hashable] = set()
    for split in SPLITS:
        if seen.issuperset(inputs[split]):
            earlier = "train" if split == "valid" else "train or valid"
            raise WrongInput(
                f"{source}: every {title} of {split} is in {earlier} too\n"
                f"needed: {title}s that the model has not seen\ngive a {TITLES[split]} set of its own"
            )
        seen.update(inputs[split])


def unlabelled_texts(splits: Mapping[str, Examples]) -> list[str]:
    """Return the training texts, both of each pair, that neither validation nor test holds."""
    held_out = {text for split in EVALUATED for text in splits[split].every_text}
    return [text for text in splits["train"].every_text if text not in held_out]


def tokenizer_beside(directory: Path) -> Path | None:
    """Return the one sentencepiece*.model or tokenizer.json in a directory; None: none or several."""
    found = [*directory.glob("sentencepiece*.model"), *directory.glob("tokenizer.json")]
    return found[0] if len(found) == 1 else None


def stratified_parts(
    labels: Sequence[int], sizes: Sequence[int], seed: int, *, kept_of_each: int = 0
) -> list[list[int]]:
    """Divide the indices of `labels` at random: those kept, then a part of each of `sizes`, all in rising order.

    At least `kept_of_each` of a class are kept; a part is smaller where too few others are left. Each is taken from
    what the earlier ones left, from each class in proportion to its size, rounded by the largest remainder. Only
    `random()` of the standard library's generator is drawn on: it alone is promised to stay the same in later Pythons.
    """
    generator = random.Random(seed)
    rank = [generator.random() for _ in labels]
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(labels)), key=rank.__getitem__):
        members[labels[index]].append(index)
    parts: list[list[int]] = []
    for size in sizes:
        shares = apportion({label: len(indices) for label, indices in members.items()}, size, kept_of_each)
        parts.append(sorted(index for label, indices in members.items() for index in indices[: shares[label]]))
        for label, share in shares.items():
            del members[label][:share]
    kept = sorted(index for indices in members.values() for index in indices)
    return [kept, *parts]


def apportion(sizes: Mapping[int, int], total: int, kept_of_each: int = 0) -> dict[int, int]:
    """Share `total` out in proportion to `sizes`: Hamilton's method, ties to the smaller class number.

    What would leave fewer than `kept_of_each` of a class goes to the classes of which most are left.
    """
    whole = sum(sizes.values())
    shares = {label: total * size // whole for label, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda label: (-(total * sizes[label] % whole), label))
    for label in by_remainder[: total - sum(shares.values())]:
        shares[label] += 1
    shares = {label: min(share, max(sizes[label] - kept_of_each, 0)) for label, share in shares.items()}
    for _ in range(total - sum(shares.values())):
        left = {label: sizes[label] - kept_of_each - share for label, share in shares.items()}
        most = max(left, key=lambda label: (left[label], -label))
        if left[most] < 1:
            break
        shares[most] += 1
    return shares

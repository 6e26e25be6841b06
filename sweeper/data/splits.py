"""Train, valid and test: the missing ones made, what cannot be compared by refused, what pretraining may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from pathlib import Path

from sweeper.data import SPLITS, Examples
from sweeper.data.sampling import select, stratified_parts
from sweeper.wrong_input import WrongInput

# What a split may be called where a data set of others is read.
SPLIT_NAMES = {"train": ("train",), "valid": ("valid", "validation", "dev", "val"), "test": ("test",)}
TITLES = {"train": "train", "valid": "validation", "test": "test"}
SHARES = {"valid": "data.validation_share", "test": "data.test_share"}


def complete(
    found: Mapping[str, Examples], shares: Mapping[str, float], seed: int, label_names: Sequence[str]
) -> dict[str, Examples]:
    """Return train, valid and test; those not found are made from train, stratified, `shares` of it each.

    Raises WrongInput when train, or a split that is made, would be without examples of a class.
    """
    train = found["train"]
    missing = [split for split in ("test", "valid") if split not in found]
    sizes = sizes_of(missing, shares, len(train))
    made = dict(zip(["train", *missing], stratified_parts(train.labels, sizes, seed), strict=True))
    parts = {split: select(train, indices) for split, indices in made.items()}
    if missing:
        check_parts(train, parts, shares, label_names)
    splits = {**found, **parts}
    return {split: splits[split] for split in SPLITS}


def sizes_of(missing: Sequence[str], shares: Mapping[str, float], examples: int) -> list[int]:
    """Return how many of train's examples each missing split gets. Raises WrongInput when nothing would be left."""
    sizes = [round(shares[split] * examples) for split in missing]
    if sum(sizes) >= examples:
        wanted = " ".join(f"{SHARES[split]}={shares[split]:g}" for split in missing)
        raise WrongInput(f"{wanted} of {examples} examples leave nothing to train on\nset smaller shares")
    return sizes


def check_parts(
    whole: Examples, parts: Mapping[str, Examples], shares: Mapping[str, float], label_names: Sequence[str]
) -> None:
    """Raise WrongInput when a part has no example of some class."""
    total = Counter(whole.labels)
    for split, examples in parts.items():
        for label in sorted(total.keys() - set(examples.labels)):
            titles = " and ".join(TITLES[part] for part in parts if part != "train")
            settings = " ".join(f"{SHARES[part]}={shares[part]:g}" for part in parts if part != "train")
            raise WrongInput(
                f"{settings}: {TITLES[split]} would have none of the {total[label]} examples of class"
                f" {label_names[label][:40]!r}\nneeded: at least one of every class in each part of train's"
                f" {len(whole)} examples\nset other shares, or give {titles} of your own"
            )


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
    held_out = {text for split in ("valid", "test") for texts in splits[split].inputs for text in texts}
    return [text for texts in splits["train"].inputs for text in texts if text not in held_out]


def tokenizer_beside(directory: Path) -> Path | None:
    """Return the one sentencepiece*.model or tokenizer.json in a directory; None: none or several."""
    found = [*directory.glob("sentencepiece*.model"), *directory.glob("tokenizer.json")]
    return found[0] if len(found) == 1 else None

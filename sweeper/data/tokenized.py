"""A data set as ids: tokenized once for a (data, tokenizer, length), shared by all trials, memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets

from sweeper.cache import cached
from sweeper.data import DataSource, Examples
from sweeper.data.sampling import limit_examples
from sweeper.data.tokenizer import Tokenizer

FACTS = "facts.json"


@dataclass(frozen=True)
class SplitFacts:
    """What tokenizing did to a split."""

    examples: int
    truncated: int  # texts that were longer than the largest length
    tokens: int  # ids that the model sees in an epoch, <s> and </s> included
    unknown_share: float  # of the ids between <s> and </s>, those that are <unk>


def tokenized(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the tokenized data set where it does not exist yet.

    The caller's choice of directory stands for the content of the other arguments. At most `max_length` ids a
    text, <s> and </s> included; every split keeps the order of the data set.
    """
    return cached(directory, lambda temporary: build(temporary, source, tokenizer, max_length))


def load_tokenized(directory: Path) -> datasets.DatasetDict:
    """Load train, valid and test: columns input_ids (<s> … </s>, not padded), labels and length (in ids)."""
    return datasets.load_from_disk(str(directory))


def load_facts(directory: Path) -> dict[str, SplitFacts]:
    """Load what tokenizing did to each split."""
    facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
    return {split: SplitFacts(**values) for split, values in facts.items()}


def build(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> None:
    """Tokenize a data set into an empty directory."""
    splits, facts = {}, {}
    for split, examples in source.splits().items():
        examples = limit_examples(examples, source.limit)
        texts = tokenizer.segment(examples.texts)
        input_ids = [tokenizer.frame(ids, max_length) for ids in texts]
        splits[split] = as_dataset(input_ids, examples, source.label_names())
        facts[split] = split_facts(texts, input_ids, tokenizer.unk)
    with no_progress_bars():
        datasets.DatasetDict(splits).save_to_disk(str(directory))
    content = json.dumps({split: asdict(values) for split, values in facts.items()}, indent=2)
    (directory / FACTS).write_text(content + "\n", encoding="utf-8")


def as_dataset(input_ids: list[list[int]], examples: Examples, label_names: tuple[str, ...]) -> datasets.Dataset:
    """Put a split's ids and labels into columns."""
    features = datasets.Features(
        {
            "input_ids": datasets.List(datasets.Value("int32")),
            "labels": datasets.ClassLabel(names=list(label_names)),
            "length": datasets.Value("int32"),
        }
    )
    columns = {
        "input_ids": input_ids,
        "labels": list(examples.labels),
        "length": [len(ids) for ids in input_ids],
    }
    return datasets.Dataset.from_dict(columns, features=features)


def split_facts(texts: list[list[int]], input_ids: list[list[int]], unk: int) -> SplitFacts:
    """Compare the uncut ids of each text with the framed ones."""
    tokens = sum(map(len, input_ids))
    between = tokens - 2 * len(input_ids)
    return SplitFacts(
        examples=len(texts),
        truncated=sum(len(text) + 2 > len(ids) for text, ids in zip(texts, input_ids, strict=True)),
        tokens=tokens,
        unknown_share=sum(ids[1:-1].count(unk) for ids in input_ids) / max(between, 1),
    )


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Silence the bars that `datasets` draws while saving: they would break the live table."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()

"""A data set as ids: tokenized once for a (data, tokenizer, length), shared by all trials, memory-mapped."""

from __future__ import annotations

from pathlib import Path

import datasets

from sweeper.data import DataSource, Examples
from sweeper.data.facts import SplitFacts, data_facts, save_facts
from sweeper.data.hub import silent
from sweeper.data.splits import limit_examples
from sweeper.errors import WrongInput
from sweeper.records.files import cached
from sweeper.tokens.tokenizer import SHORTEST_PAIR, Tokenizer


def tokenized(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the tokenized data set where it does not exist yet.

    The caller's choice of directory stands for the content of the other arguments. At most `max_length` ids an
    example, <s> and </s> included; every split keeps the order of the data set. Raises WrongInput when pairs
    have no room.
    """
    return cached(directory, lambda temporary: build(temporary, source, tokenizer, max_length))


def load_tokenized(directory: Path) -> datasets.DatasetDict:
    """Load train, valid and test: columns input_ids, labels and length (in ids).

    Ids are <s> … </s>, those of a pair <s> … </s></s> … </s>, not padded.
    """
    return datasets.load_from_disk(str(directory))


def build(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> None:
    """Tokenize a data set into an empty directory."""
    splits, facts = {}, {}
    for split, examples in source.splits().items():
        examples = limit_examples(examples, source.limit)
        texts = [tokenizer.segment(column) for column in (examples.texts, examples.seconds) if column]
        input_ids = framed(tokenizer, texts, max_length)
        splits[split] = as_dataset(input_ids, examples, source.label_names())
        facts[split] = split_facts(texts, input_ids, tokenizer.unk)
    with silent():
        datasets.DatasetDict(splits).save_to_disk(str(directory))
    save_facts(directory, data_facts(source), facts)


def framed(tokenizer: Tokenizer, texts: list[list[list[int]]], max_length: int) -> list[list[int]]:
    """Return each example's ids with <s> and </s>; `texts` holds the uncut ids of one column of texts, or of two."""
    if len(texts) == 1:
        return [tokenizer.frame(ids, max_length) for ids in texts[0]]
    if max_length < SHORTEST_PAIR:
        raise WrongInput(
            f"train.max_length={max_length} has no room for pairs of texts\nallowed: at least {SHORTEST_PAIR}"
        )
    return [tokenizer.frame_pair(first, second, max_length) for first, second in zip(*texts, strict=True)]


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


def split_facts(texts: list[list[list[int]]], input_ids: list[list[int]], unk: int) -> SplitFacts:
    """Compare the uncut ids of each example's texts with the framed ones."""
    special = 2 * len(texts)  # <s> and </s>, and for pairs </s></s> between them
    uncut = [sum(map(len, example)) for example in zip(*texts, strict=True)]
    tokens = sum(map(len, input_ids))
    return SplitFacts(
        examples=len(input_ids),
        truncated=sum(length + special > len(ids) for length, ids in zip(uncut, input_ids, strict=True)),
        tokens=tokens,
        unknown_share=sum(ids.count(unk) for ids in input_ids) / max(tokens - special * len(input_ids), 1),
    )

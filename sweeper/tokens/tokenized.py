"""A data set as ids: tokenized once for a (data, tokenizer, length), shared by all trials, memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets

from sweeper.data import DataSource, Examples
from sweeper.data.facts import DataFacts, SplitFacts, data_facts, save_facts
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
    return cached(directory, lambda temporary: _build(temporary, source, tokenizer, max_length))


def load_tokenized(directory: Path) -> datasets.DatasetDict:
    """Load the splits: columns input_ids (<s> … </s>, of pairs <s> … </s></s> … </s>), labels and length (in ids)."""
    return datasets.load_from_disk(str(directory))


def _build(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> None:
    splits = {}
    for split, examples in source.splits().items():
        examples = limit_examples(examples, source.limit)
        texts = [tokenizer.segment(column) for column in (examples.texts, examples.seconds) if column]
        input_ids = _framed(tokenizer, texts, max_length)
        facts = _split_facts(texts, input_ids, tokenizer.unk)
        splits[split] = as_dataset(input_ids, labels_column(examples, source)), facts
    save_splits(directory, splits, data_facts(source))


def save_splits(directory: Path, splits: Mapping[str, tuple[datasets.Dataset, SplitFacts]], facts: DataFacts) -> None:
    """Write each split and its facts, and those of the whole."""
    with silent():
        datasets.DatasetDict({name: rows for name, (rows, _) in splits.items()}).save_to_disk(str(directory))
    save_facts(directory, facts, {name: counted for name, (_, counted) in splits.items()})


def _framed(tokenizer: Tokenizer, texts: list[list[list[int]]], max_length: int) -> list[list[int]]:
    # `texts` holds the uncut ids of one column of texts, or of two
    if len(texts) == 1:
        return [tokenizer.frame(ids, max_length) for ids in texts[0]]
    if max_length < SHORTEST_PAIR:
        raise WrongInput(
            f"train.max_length={max_length} has no room for pairs of texts\nallowed: at least {SHORTEST_PAIR}"
        )
    return [tokenizer.frame_pair(first, second, max_length) for first, second in zip(*texts, strict=True)]


def as_dataset(input_ids: list[list[int]], others: Mapping[str, tuple[Any, Sequence[Any]]]) -> datasets.Dataset:
    """Put a split's ids, their lengths and other columns, each with its type, into a data set."""
    integer = datasets.Value("int32")
    columns = {
        "input_ids": (datasets.List(integer), input_ids),
        **others,
        "length": (integer, [len(ids) for ids in input_ids]),
    }
    return datasets.Dataset.from_dict(
        {name: list(values) for name, (_, values) in columns.items()},
        features=datasets.Features({name: kind for name, (kind, _) in columns.items()}),
    )


def labels_column(examples: Examples, source: DataSource) -> dict[str, tuple[Any, Sequence[Any]]]:
    """Return the column of the examples' classes, for `as_dataset`."""
    return {"labels": (datasets.ClassLabel(names=list(source.label_names())), examples.labels)}


def _split_facts(texts: list[list[list[int]]], input_ids: list[list[int]], unk: int) -> SplitFacts:
    special = 2 * len(texts)  # <s> and </s>, and for pairs </s></s> between them
    uncut = [sum(map(len, example)) for example in zip(*texts, strict=True)]
    tokens = sum(map(len, input_ids))
    return SplitFacts(
        examples=len(input_ids),
        truncated=sum(length + special > len(ids) for length, ids in zip(uncut, input_ids, strict=True)),
        tokens=tokens,
        unknown_share=sum(ids.count(unk) for ids in input_ids) / max(tokens - special * len(input_ids), 1),
    )

"""A data set as ids: tokenized once for a (data, tokenizer, length), shared by all trials, memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets

from sweeper.data import DataSource, Examples
from sweeper.data.facts import DataFacts, SplitFacts, data_facts, save_facts
from sweeper.data.hub import silent
from sweeper.data.limits import limited
from sweeper.records.files import cached
from sweeper.tokens.tokenizer import Encoded, Tokenizer

INTEGER = datasets.Value("int32")


def tokenized(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the tokenized data set where it does not exist yet.

    The caller's choice of directory stands for the content of the other arguments. At most `max_length` ids an
    example, <s> and </s> included; every split keeps the order of the data set. Raises WrongInput when pairs
    have no room.
    """
    return cached(directory, lambda temporary: _build(temporary, source, tokenizer, max_length))


def load_tokenized(directory: Path) -> datasets.DatasetDict:
    """Load train, valid and test: columns input_ids, labels, length (in ids), and token_type_ids where there are any.

    Ids are in the model's frame, as <s> … </s>, those of a pair <s> … </s></s> … </s>, not padded.
    """
    return datasets.load_from_disk(str(directory))


def _build(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> None:
    splits = {}
    for split, examples in limited(source, source.splits()).items():
        columns = [column for column in (examples.texts, examples.seconds) if column]
        encoded = tokenizer.examples(columns, max_length)
        others = labels_column(examples, source)
        if encoded and encoded[0].token_types is not None:
            others["token_type_ids"] = datasets.List(INTEGER), [example.token_types for example in encoded]
        rows = as_dataset([example.input_ids for example in encoded], others)
        splits[split] = rows, split_facts(encoded, tokenizer.unk)
    save_splits(directory, splits, data_facts(source))


def save_splits(directory: Path, splits: Mapping[str, tuple[datasets.Dataset, SplitFacts]], facts: DataFacts) -> None:
    """Write each split and its facts, and those of the whole."""
    with silent():
        datasets.DatasetDict({name: rows for name, (rows, _) in splits.items()}).save_to_disk(str(directory))
    save_facts(directory, facts, {name: counted for name, (_, counted) in splits.items()})


def as_dataset(input_ids: list[list[int]], others: Mapping[str, tuple[Any, Sequence[Any]]]) -> datasets.Dataset:
    """Put a split's ids, their lengths and other columns, each with its type, into a data set."""
    columns = {
        "input_ids": (datasets.List(INTEGER), input_ids),
        **others,
        "length": (INTEGER, [len(ids) for ids in input_ids]),
    }
    return datasets.Dataset.from_dict(
        {name: list(values) for name, (_, values) in columns.items()},
        features=datasets.Features({name: kind for name, (kind, _) in columns.items()}),
    )


def labels_column(examples: Examples, source: DataSource) -> dict[str, tuple[Any, Sequence[Any]]]:
    """Return the column of the examples' classes, for `as_dataset`."""
    return {"labels": (datasets.ClassLabel(names=list(source.label_names())), examples.labels)}


def split_facts(examples: Sequence[Encoded], unk: int) -> SplitFacts:
    """Count a split's ids, cut examples, and the share of unknown pieces among what is text."""
    tokens = sum(len(example.input_ids) for example in examples)
    text = tokens - sum(example.special for example in examples)
    return SplitFacts(
        examples=len(examples),
        truncated=sum(example.truncated for example in examples),
        tokens=tokens,
        unknown_share=sum(example.input_ids.count(unk) for example in examples) / max(text, 1),
    )

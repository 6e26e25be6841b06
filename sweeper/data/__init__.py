"""Data sets: where texts and labels, or questions and answers, come from.

A data set is a frozen dataclass of settings that derives from `DataSettings` and answers `DataSource`, or
`QuestionSource` for task=qa; its YAML under conf/data/ names the class by `_target_`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from sweeper.trial.settings import MOST_UPDATES, setting

SPLITS = ("train", "valid", "test")
EVALUATED = SPLITS[1:]  # nothing is learnt of their examples


@dataclass(frozen=True)
class Examples:
    """Texts, or pairs of texts, and their class numbers (0 … classes − 1), in the data set's order."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    seconds: tuple[str, ...] = ()  # the second text of each pair; empty when an example is one text
    clusters: tuple[str, ...] = ()  # what each belongs to, one author, one document; empty when nothing tells

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, indices: Iterable[int]) -> Examples:
        """Return the examples at `indices`, in that order."""
        return Examples(*_rows(indices, self.texts, self.labels, self.seconds, self.clusters))

    @property
    def inputs(self) -> list[tuple[str, ...]]:
        """What a model sees of each example: its text, or both texts of its pair."""
        columns = (self.texts, self.seconds) if self.seconds else (self.texts,)
        return list(zip(*columns, strict=True))

    @property
    def every_text(self) -> list[str]:
        """All texts, both of each pair."""
        return [text for texts in self.inputs for text in texts]


@dataclass(frozen=True)
class Answered:
    """Questions and their answers, in the data set's order."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    clusters: tuple[str, ...] = ()  # what each belongs to; empty when nothing tells

    def __len__(self) -> int:
        return len(self.questions)

    def at(self, indices: Iterable[int]) -> Answered:
        """Return the pairs at `indices`, in that order."""
        return Answered(*_rows(indices, self.questions, self.answers, self.clusters))

    def first(self, limit: int | None) -> Answered:
        """Return at most `limit` pairs; None: all."""
        return Answered(self.questions[:limit], self.answers[:limit], self.clusters[:limit])

    @property
    def every_text(self) -> list[str]:
        """All texts: each question, then its answer."""
        return [text for pair in zip(self.questions, self.answers, strict=True) for text in pair]


def _rows(indices: Iterable[int], *columns: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    chosen = list(indices)
    return [tuple(column[index] for index in chosen if column) for column in columns]


@dataclass(frozen=True)
class DataSettings:
    """What every data set has."""

    # The task that its examples are for.
    task: ClassVar[str] = "classification"
    # Whether a text is words between spaces, of which a tokenizer can be made when none is given.
    words_are_tokens: ClassVar[bool] = False

    limit: int | None = setting(
        None,
        at_least=2,
        at_most=MOST_UPDATES,
        help="to try things out: at most so many examples of each split, classes in proportion; null: all",
    )
    train_limit: int | None = setting(
        None,
        at_least=2,
        at_most=MOST_UPDATES,
        since=2,
        help="at most so many training examples, at least one of each class, and all of validation and test; null: all",
    )

    def notes(self) -> tuple[str, ...]:
        """Nothing: the splits came as files."""
        return ()

    def cluster_digest(self) -> str:
        """Empty: nothing tells which examples belong together but what the digest of all splits stands for."""
        return ""

    def unlabelled(self) -> list[str]:
        """None: weights are given, or are pretrained on another text."""
        return []

    def tokenizer_path(self) -> Path | None:
        """None: a tokenizer is given, or is made of the training texts."""
        return None


class Source(Protocol):
    """A data set, whatever its examples are."""

    task: ClassVar[str]
    words_are_tokens: ClassVar[bool]

    @property
    def limit(self) -> int | None:
        """At most so many examples of each split; None: all."""

    @property
    def train_limit(self) -> int | None:
        """At most so many training examples; None: all."""

    def splits(self) -> dict[str, Any]:
        """The examples of train, valid and test, before any limit."""

    def check(self) -> None:
        """Raise WrongInput when the files cannot be read as this data set; quick, imports nothing heavy."""

    def digest(self) -> str:
        """Hexadecimal digest of all splits, before any limit: their texts, and the labels or answers.

        What is made of training texts (a tokenizer, weights) is known by it, so it tells splits apart.
        """

    def cluster_digest(self) -> str:
        """Hexadecimal digest of what validation's and test's examples belong to; empty where nothing tells."""

    def notes(self) -> tuple[str, ...]:
        """What a reader must know of how the splits were made, a sentence each; empty when they came as files."""

    def unlabelled(self) -> list[str]:
        """Text that weights may be pretrained on, without any validation or test text; empty when there is none."""

    def tokenizer_path(self) -> Path | None:
        """The tokenizer that comes with the data set; None when there is none."""


class DataSource(Source, Protocol):
    """A labelled data set."""

    def label_names(self) -> tuple[str, ...]:
        """Names of the classes; the class number is the index."""

    def splits(self) -> dict[str, Examples]:
        """The examples of train, valid and test, before any limit."""


class QuestionSource(Source, Protocol):
    """Questions with an answer each."""

    def splits(self) -> dict[str, Answered]:
        """The questions and answers of train, valid and test, before any limit."""

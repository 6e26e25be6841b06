"""Questions and answers of your own, in the columns of files or of a data set of the hub."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, ClassVar

from sweeper.data import EVALUATED, SPLITS, Answered
from sweeper.data.columns import column_texts
from sweeper.data.files import InFiles
from sweeper.data.hub import OnHub
from sweeper.data.splits import SHARES, TITLES, check_new, sizes_of, stratified_parts
from sweeper.data.tabular import Found, Tabular, check_needed, column_name
from sweeper.errors import WrongInput
from sweeper.trial.settings import setting
from sweeper.trial.trial import digest


@dataclass(frozen=True)
class Made:
    """A data set, ready: missing splits made."""

    splits: Mapping[str, Answered]
    notes: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of questions and answers."""
        return digest({split: [pairs.questions, pairs.answers] for split, pairs in self.splits.items()})


@dataclass(frozen=True)
class QuestionColumns(Tabular, ABC):
    """A column of questions and one of answers."""

    task: ClassVar[str] = "qa"
    files_choice: ClassVar[str] = "qa_files"
    targets: ClassVar[str] = "answers"
    drawn: ClassVar[str] = "drawn at random"

    # The columns are stood for by a digest of what they hold.
    question: Any = setting("question", identity=False)  # column of the questions
    answer: Any = setting("answer", identity=False)  # column of the answers

    def __post_init__(self) -> None:
        question, answer = column_name("data.question", self.question), column_name("data.answer", self.answer)
        if question == answer:
            raise WrongInput(
                f"data.question={question} data.answer={answer} are one column\nallowed: a column for each of them"
            )
        object.__setattr__(self, "question", question)
        object.__setattr__(self, "answer", answer)

    @property
    def wanted(self) -> dict[str, str]:
        """The columns that are read, and the settings that ask for them."""
        return {self.question: f"data.question={self.question}", self.answer: f"data.answer={self.answer}"}

    @property
    def target(self) -> str:
        """The answers' column."""
        return str(self.answer)

    def check(self) -> None:
        """Raise WrongInput when the data cannot be read, or cannot be compared by."""
        ready(self)

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the questions and answers of all splits as they are made."""
        return ready(self).digest

    def splits(self) -> dict[str, Answered]:
        """The questions and answers of train, valid and test, before any limit."""
        return dict(ready(self).splits)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each split that was made."""
        return ready(self).notes

    def unlabelled(self) -> list[str]:
        """The training questions that neither validation nor test holds, and their answers, a text each."""
        splits = self.splits()
        held_out = {question for split in EVALUATED for question in splits[split].questions}
        train = splits["train"]
        new = [index for index, question in enumerate(train.questions) if question not in held_out]
        return train.at(new).every_text


@dataclass(frozen=True)
class QuestionFiles(InFiles, QuestionColumns):
    """Questions and answers in a directory of files, or in one file."""


@dataclass(frozen=True)
class QuestionHub(OnHub, QuestionColumns):
    """Questions and answers under a name on the hub."""


def ready(settings: QuestionColumns) -> Made:
    """Return the data set, read and made once a process."""
    return make(replace(settings, limit=None))


@cache
def make(settings: QuestionColumns) -> Made:
    """Read a data set and make its missing splits. Raises WrongInput, naming the first line without a text."""
    found = settings.find()
    check_needed(settings, found)
    pairs = {
        split: Answered(
            tuple(column_texts(table, settings.question)),
            tuple(column_texts(table, settings.answer)),
        )
        for split, table in found.tables.items()
    }
    splits = complete(settings, found, pairs)
    check_new({split: pairs.questions for split, pairs in splits.items()}, settings.source, "question")
    return Made(splits, settings.how_made(found))


def complete(settings: QuestionColumns, found: Found, pairs: Mapping[str, Answered]) -> dict[str, Answered]:
    """Return train, valid and test; those not found are drawn from train. Raises WrongInput when one would be empty."""
    train = pairs["train"]
    missing = [split for split in ("test", "valid") if split not in found.tables]
    sizes = sizes_of(missing, settings.shares, len(train))
    for split, size in zip(missing, sizes, strict=True):
        if not size:
            raise WrongInput(
                f"{SHARES[split]}={settings.shares[split]:g} of {len(train)} examples is none for {TITLES[split]}\n"
                f"set a larger share, or give a {TITLES[split]} set of your own"
            )
    # All of one class: the same draw, with nothing to stratify by.
    parts = stratified_parts([0] * len(train), sizes, settings.split_seed)
    made = {split: train.at(indices) for split, indices in zip(["train", *missing], parts, strict=True)}
    splits = {**pairs, **made}
    return {split: splits[split] for split in SPLITS}

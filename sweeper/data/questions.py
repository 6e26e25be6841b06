"""Questions and answers of your own, in the columns of files or of a data set of the hub."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sweeper.data import EVALUATED, Answered
from sweeper.data.clusters import clusters_of
from sweeper.data.columns import text_faults
from sweeper.data.files import InFiles
from sweeper.data.hub import OnHub
from sweeper.data.limits import check_limits
from sweeper.data.missing import without_missing
from sweeper.data.splits import check_new, complete
from sweeper.data.tabular import Prepared, Tabular, column_name
from sweeper.errors import WrongInput
from sweeper.trial.settings import setting
from sweeper.trial.trial import digest


@dataclass(frozen=True)
class QuestionColumns(Tabular, ABC):
    """A column of questions and one of answers."""

    task: ClassVar[str] = "qa"
    files_choice: ClassVar[str] = "qa_files"
    column_settings: ClassVar[tuple[str, ...]] = ("question", "answer")
    predicted: ClassVar[str] = "answer"
    targets: ClassVar[str] = "answers"
    drawn: ClassVar[str] = "drawn at random"

    # The columns are stood for by a digest of what they hold.
    question: Any = setting("question", identity=False, help="column of the questions")
    answer: Any = setting("answer", identity=False, help="column of the answers")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.column_settings:
            object.__setattr__(self, name, column_name(f"data.{name}", getattr(self, name)))
        if self.question == self.answer:
            raise WrongInput(
                f"data.question={self.question} data.answer={self.answer} are one column\n"
                "allowed: a column for each of them"
            )
        self.check_cluster()

    def check(self) -> None:
        """Raise WrongInput when the data cannot be read, or cannot be compared by."""
        super().check()
        check_limits(self, 0, self.source)

    def unlabelled(self) -> list[str]:
        """The training questions that neither validation nor test holds, and their answers, a text each."""
        splits: dict[str, Answered] = self.splits()
        held_out = {question for split in EVALUATED for question in splits[split].questions}
        train = splits["train"]
        new = [index for index, question in enumerate(train.questions) if question not in held_out]
        return train.at(new).every_text

    def prepare(self) -> Prepared:
        """Read the data set and make its missing splits. Raises WrongInput, naming the first line without a text."""
        found = self.found()
        columns = (self.question, self.answer)
        pairs, said, tables = {}, {}, {}
        for split, table in found.tables.items():
            needed = "needed: a text in every example, as a string"
            tables[split], _, sentence = without_missing(table, text_faults(table, columns), self.missing, needed)
            pairs[split] = Answered(*(tuple(tables[split].columns[column]) for column in columns))
            said[split] = [sentence]
        clusters = clusters_of(tables, self.cluster)
        pairs = {split: replace(rows, clusters=clusters[split]) for split, rows in pairs.items()}
        # All of one class: the same draw, with nothing to stratify by.
        splits = complete(pairs, self.shares, self.split_seed, [0] * len(pairs["train"]))
        check_new({split: pairs.questions for split, pairs in splits.items()}, self.source, "question")
        content = {split: [pairs.questions, pairs.answers] for split, pairs in splits.items()}
        return Prepared(splits, self.how_made(found, said), digest(content))


@dataclass(frozen=True)
class QuestionFiles(InFiles, QuestionColumns):
    """Questions and answers in a directory of files, or in one file."""


@dataclass(frozen=True)
class QuestionHub(OnHub, QuestionColumns):
    """Questions and answers under a name on the hub."""

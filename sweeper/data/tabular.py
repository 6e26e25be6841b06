"""What data sets of columns share, wherever their rows come from: which splits there are, and how others are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, ClassVar

from sweeper.data import EVALUATED, DataSettings
from sweeper.data.heads import Head
from sweeper.data.missing import Found, Missing, by_split, told
from sweeper.data.splits import SHARES, TITLES
from sweeper.errors import WrongInput
from sweeper.trial.settings import LARGEST_SEED, setting
from sweeper.trial.trial import digest


@dataclass(frozen=True)
class Prepared:
    """A data set, read: classes numbered where there are some, missing splits made; `digest` is of all that.

    `clusters` is the digest of what validation's and test's examples belong to; empty where nothing tells.
    """

    splits: Mapping[str, Any]
    notes: tuple[str, ...]
    digest: str
    label_names: tuple[str, ...] = ()
    clusters: str = ""


@dataclass(frozen=True)
class Tabular(DataSettings, ABC):
    """Columns of tables; splits that are missing are made from train."""

    files_choice: ClassVar[str]  # what to choose for data= where the rows are in files
    located_by: ClassVar[str]  # the setting that says where the data set is
    predicted: ClassVar[str]  # the setting that names the column to be predicted
    column_settings: ClassVar[tuple[str, ...]]  # those that name a column each
    targets: ClassVar[str]  # what that column holds, as in "the data set's own has no labels"
    drawn: ClassVar[str]  # how examples of a split that is made are chosen

    validation_share: float = setting(
        0.1, above=0, below=1, help="of train, where there is no validation split with labels or answers"
    )
    test_share: float = setting(0.2, above=0, below=1, help="of train, where there is no such test split")
    split_seed: int = setting(
        0, at_least=0, at_most=LARGEST_SEED, help="of these splits; the trial's seed has no part in them"
    )
    missing: Missing = setting(
        Missing.refuse,
        since=2,
        identity=False,  # the digest is of the rows that are left
        help="rows without a text, a label or an answer: refuse, or drop, which leaves them out and says how many",
    )

    cluster: Any = setting(
        None,
        since=2,
        identity=False,  # no model sees it
        help="column whose equal values mark validation and test examples that belong together, as one author's; null:"
        " each example stands for itself",
    )

    def __post_init__(self) -> None:
        """Nothing: which columns there are is for classes below."""

    def check_cluster(self) -> None:
        """Raise WrongInput where data.cluster names no column, or one that is read as something else."""
        if self.cluster is None:
            return
        object.__setattr__(self, "cluster", column_name("data.cluster", self.cluster))
        if self.cluster in self.wanted:
            raise WrongInput(
                f"data.cluster={self.cluster} is the column of {self.wanted[self.cluster]}\n"
                "allowed: another column, whose equal values mark examples that belong together"
            )

    @property
    def wanted(self) -> dict[str, str]:
        """The columns that are read, and the settings that ask for them, as in {"stars": "data.label=stars"}."""
        return {getattr(self, name): f"data.{name}={getattr(self, name)}" for name in self.column_settings}

    @property
    def wanted_of_table(self) -> dict[str, str]:
        """The columns that are read where there are columns, and the settings that ask for them."""
        return self.wanted | ({} if self.cluster is None else {self.cluster: f"data.cluster={self.cluster}"})

    def optional(self, split: str) -> set[str]:
        """The columns that a split may lack; where clusters are needed is known when all splits are read."""
        return {*([] if self.cluster is None else [self.cluster]), *([] if split == "train" else [self.target])}

    @property
    def source(self) -> str:
        """The data set as messages name it, as in data.path=DIR."""
        return f"data.{self.located_by}={getattr(self, self.located_by)}"

    @property
    def target(self) -> str:
        """The column to be predicted, which validation and test may lack."""
        return str(getattr(self, self.predicted))

    @abstractmethod
    def head(self) -> Head:
        """The column names and first rows of the training examples. Raises WrongInput."""

    @abstractmethod
    def find(self) -> Found:
        """Read the wanted columns of every split there is. Raises WrongInput."""

    def found(self) -> Found:
        """Return the splits whose labels or answers are told; how they are made is checked. Raises WrongInput."""
        found = told(self.find(), self.target, self.targets)
        check_needed(self, found)
        return found

    @abstractmethod
    def prepare(self) -> Prepared:
        """Read the data set. Raises WrongInput when that cannot be done, or it cannot be compared by."""

    def prepared(self) -> Prepared:
        """Return the data set, read once a process."""
        # Neither changes a row; a mapping of verbalisers could not be looked up.
        unread = ("limit", "train_limit", "verbalisers")
        changes: dict[str, Any] = {name: None for name in unread if hasattr(self, name)}
        return _prepare(replace(self, **changes))

    def check(self) -> None:
        """Raise WrongInput when the data cannot be read, or cannot be compared by."""
        self.prepared()

    def digest(self) -> str:
        """Hexadecimal SHA-256 of what all splits hold as they are made."""
        return self.prepared().digest

    def splits(self) -> dict[str, Any]:
        """The examples of train, valid and test, before any limit."""
        return dict(self.prepared().splits)

    def cluster_digest(self) -> str:
        """Hexadecimal SHA-256 of what validation's and test's examples belong to; empty without data.cluster."""
        return "" if self.cluster is None else self.prepared().clusters

    def notes(self) -> tuple[str, ...]:
        """A sentence for each split that was made."""
        return self.prepared().notes

    @property
    def shares(self) -> dict[str, float]:
        """What part of train each split has where it is made."""
        return {"valid": self.validation_share, "test": self.test_share}

    def how_made(self, found: Found, said: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Say how the source was read, with what is `said` of its splits, and how each split was made that it lacks.

        Without names of files, which digests leave out too.
        """
        read = {split: [*table.notes, *said.get(split, ())] for split, table in found.tables.items()}
        made = (
            f"{TITLES[split]}: {100 * self.shares[split]:g} % of train, {self.drawn}, split_seed {self.split_seed}"
            + (f"; {found.remarks[split]}" if split in found.remarks else "")
            for split in SHARES
            if split not in found.tables
        )
        return (*by_split(read, TITLES), *made)


@cache
def _prepare(settings: Tabular) -> Prepared:
    made = settings.prepare()
    if settings.cluster is None:
        return made
    return replace(made, clusters=digest({split: made.splits[split].clusters for split in EVALUATED}))


def column_name(key: str, name: Any) -> str:
    """Return the name of a column, which the command line may have taken for an integer."""
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        shown = "null" if name is None else name
        raise WrongInput(f"{key}={shown} is no column's name\nallowed: a name, in quotes where it looks like a number")
    return str(name)


def check_needed(settings: Tabular, found: Found) -> None:
    """Raise WrongInput when a share is given for a split that there is, or a seed where nothing is made."""
    defaults = {item.name: item.default for item in fields(settings)}
    needless = {
        "validation_share": {"valid"} & found.tables.keys(),
        "test_share": {"test"} & found.tables.keys(),
        "split_seed": {"valid", "test"} if {"valid", "test"} <= found.tables.keys() else set(),
    }
    for name, there in needless.items():
        value = getattr(settings, name)
        if there and value != defaults[name]:
            titles = " and ".join(title for split, title in TITLES.items() if split in there)
            raise WrongInput(f"data.{name}={value} has no effect: {settings.source} has its own {titles}\nleave it out")

"""Studies' directories as their views read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.compare import compare
from sweeper.comparison import Comparison
from sweeper.json_files import read_versioned
from sweeper.record import Record, records
from sweeper.result import Result
from sweeper.wrong_input import WrongInput


@dataclass(frozen=True)
class Study:
    """A study's records, and the names of its planned trials that have none."""

    path: Path
    records: tuple[Record, ...]
    planned: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.path.resolve().name

    def results(self) -> Iterator[Result]:
        """Read all records."""
        return (result for result in map(Result.read, self.records) if result is not None)

    def comparison(self, by: Sequence[str] = ()) -> Comparison:
        """Read all records and compare them, in groups of what varies or of what `by` names."""
        return compare(self.results(), self.planned, by)


@dataclass(frozen=True)
class Studies:
    """Several studies that are compared with each other; trials are named STUDY/TRIAL."""

    members: tuple[Study, ...]

    @property
    def name(self) -> str:
        """Names of all of them."""
        return ", ".join(self.names())

    def names(self) -> list[str]:
        """Each study's name, or its path where another one has the same name."""
        counts = Counter(study.name for study in self.members)
        return [study.name if counts[study.name] == 1 else str(study.path) for study in self.members]

    def comparison(self, by: Sequence[str] = ()) -> Comparison:
        """Read all records and compare them; the study tells trials apart that are alike otherwise."""
        named = list(zip(self.names(), self.members, strict=True))
        results = (result.of_study(name) for name, study in named for result in study.results())
        planned = [f"{name}/{trial}" for name, study in named for trial in study.planned]
        return compare(results, planned, by)


def open_studies(paths: Sequence[Path]) -> Study | Studies:
    """Look into one study or several; raises WrongInput where one is none, or is given twice."""
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise WrongInput(f"{path} is given twice\ngive each study once: its trials would count twice")
    opened = [open_study(path) for path in paths]
    return opened[0] if len(opened) == 1 else Studies(tuple(opened))


def open_study(path: Path) -> Study:
    """Look into a study; raises WrongInput where there is none, naming the studies beside it."""
    if not is_study(path):
        raise WrongInput(no_study(path))
    found = records(path)
    names = {record.path.name for record in found}
    plan = read_versioned(path / "study.json") or {}
    return Study(path, tuple(found), tuple(name for name in plan.get("trials", {}) if name not in names))


def is_study(path: Path) -> bool:
    """Whether a directory holds a study: a plan or at least one record."""
    return path.is_dir() and ((path / "study.json").is_file() or bool(records(path)))


def no_study(path: Path) -> str:
    """Say that a path is no study, which studies there are, and what to do."""
    problem = f"{path} is not a study" if path.is_dir() else f"there is no directory {path}"
    beside = studies_in(path.parent) or studies_in(Path("outputs"))
    if not beside:
        return f"{problem}, and no study beside it\nmake one: python -m sweeper.run -m model=pt,rd seed=1,2,3"
    named = ", ".join(map(str, beside[:8])) + (f" and {len(beside) - 8} more" if len(beside) > 8 else "")
    return f"{problem}\nstudies that exist: {named}\ngive one of these, or make it with study={path.name}"


def studies_in(directory: Path) -> list[Path]:
    """Return the studies in a directory, by name."""
    plans = (file.parent for file in directory.glob("*/study.json"))
    return sorted(study for study in plans if not study.name.startswith("."))

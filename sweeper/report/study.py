"""A study's directory as its views read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeper.compare import Comparison, compare
from sweeper.record import Record, read_versioned, records
from sweeper.result import Result
from sweeper.trial import WrongInput


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

    def comparison(self) -> Comparison:
        """Read all records and compare them."""
        results = map(Result.read, self.records)
        return compare([result for result in results if result is not None], self.planned)


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

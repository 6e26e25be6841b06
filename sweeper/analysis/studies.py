"""Studies' directories as their views read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.analysis.grouping import compare
from sweeper.analysis.results import Result
from sweeper.analysis.rows import Comparison
from sweeper.errors import WrongInput
from sweeper.records.study import StudyRecords, open_study


@dataclass(frozen=True)
class Studies:
    """Several studies that are compared with each other; trials are named STUDY/TRIAL."""

    members: tuple[StudyRecords, ...]

    @property
    def name(self) -> str:
        """Names of all of them."""
        return ", ".join(self.names())

    def names(self) -> list[str]:
        """Each study's name, or its path where another one has the same name."""
        counts = Counter(study.name for study in self.members)
        return [study.name if counts[study.name] == 1 else str(study.path) for study in self.members]


def results_of(study: StudyRecords) -> Iterator[Result]:
    """Read all records of a study."""
    return (result for result in map(Result.read, study.records) if result is not None)


def compare_study(opened: StudyRecords | Studies, by: Sequence[str] = ()) -> Comparison:
    """Read all records and compare them, in groups of what varies or of what `by` names.

    Of several studies the study tells trials apart that are alike otherwise.
    """
    if isinstance(opened, StudyRecords):
        return compare(results_of(opened), opened.planned, by)
    named = list(zip(opened.names(), opened.members, strict=True))
    results = (result.of_study(name) for name, study in named for result in results_of(study))
    planned = [f"{name}/{trial}" for name, study in named for trial in study.planned]
    return compare(results, planned, by)


def open_studies(paths: Sequence[Path]) -> StudyRecords | Studies:
    """Look into one study or several; raises WrongInput where one is none, or is given twice."""
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise WrongInput(f"{path} is given twice\ngive each study once: its trials would count twice")
    opened = [open_study(path) for path in paths]
    return opened[0] if len(opened) == 1 else Studies(tuple(opened))

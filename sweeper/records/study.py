"""A study's own file: its name, what launched it, and which trials belong to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from sweeper.errors import WrongInput
from sweeper.records.classes import Allowed
from sweeper.records.files import SCHEMA, read_json, read_versioned, write_json
from sweeper.records.fingerprints import planned
from sweeper.records.question import KEY, NOTHING, Question, recorded, remembered
from sweeper.records.record import Record, records
from sweeper.records.restore import trial_of
from sweeper.trial.trial import Trial

FILE = "study.json"
EVALUATED = ("valid", "test")
LOCK = ".study.json.lock"
STARTING = ".starting.lock"
# Descriptions of trials whose jobs outlive the command, for the commands that follow them later.
DESCRIBED = "trials.json"


@dataclass(frozen=True)
class Study:
    """The trials that one comparison is made of, and how the command at hand wants them run."""

    name: str
    directory: Path
    tracking_uri: str | None
    launcher: Mapping[str, Any]
    fresh: bool = False
    plan: bool = False  # only say what would be done
    accept_code: bool = False  # results of other code of the user's own count as done
    taken: tuple[str, ...] = ()  # settings that nobody set and that the data decided, a sentence each
    unused: tuple[str, ...] = ()  # settings that were typed and that no trial uses, a sentence each
    predictions: bool = True  # trials keep what they answer to each example
    question: Question = NOTHING  # how its comparison is to be made

    def describe(self, trials: Sequence[Trial], command: str | None) -> None:
        """Write study.json: the trials of this command, every command so far (None: no new one), and known jobs."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WrongInput(f"{self.directory} cannot be made: {error.strerror}\nset outputs=DIR") from error
        with FileLock(self.directory / LOCK):  # two commands of one study may start at once
            before = read_versioned(self.directory / FILE) or {}
            commands = [known for known in before.get("commands", []) if known != command]
            commands += [command] if command else []
            content = {
                "schema": SCHEMA,
                "name": self.name,
                "commands": commands,
                "launcher": dict(self.launcher),
                "tracking": {"uri": self.tracking_uri},
                "trials": {trial.name: trial.id for trial in trials},
                "jobs": before.get("jobs", {}),
                **self._kept_question(before),
                **({"scheduler": before["scheduler"]} if "scheduler" in before else {}),
            }
            write_json(self.directory / FILE, content)

    def ask(self) -> None:
        """Keep what is asked where there is nothing to run that `describe` would keep it for."""
        if self.question.typed and (self.directory / FILE).exists():
            with FileLock(self.directory / LOCK):
                content = read_versioned(self.directory / FILE)
                write_json(self.directory / FILE, content | self._kept_question(content))

    def _kept_question(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return study.json's part on what is asked, with what was asked before and when."""
        after_results = bool(self.question.typed) and self.has_results()
        kept = remembered(before.get(KEY, {}), self.question, time.time(), after_results=after_results)
        return {KEY: kept} if kept else {}

    def has_results(self) -> bool:
        """Whether any trial was ever evaluated, be its record put aside since; what cannot be read may have been."""
        try:
            found = (Record(file.parent).metrics() for file in self.directory.rglob("events.jsonl"))
            return any(item.split in EVALUATED for metrics in found for item in metrics)
        except (OSError, ValueError, TypeError):
            return True

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold off other commands of this study, so that no two start the same trial."""
        with FileLock(self.directory / STARTING):
            yield

    def remember(self, trials: Sequence[Trial]) -> None:
        """Keep what describes trials that another command may follow, and the launcher of their jobs."""
        with FileLock(self.directory / LOCK):
            content = read_versioned(self.directory / FILE)
            write_json(self.directory / FILE, content | {"scheduler": dict(self.launcher)})
            known = read_json(self.directory / DESCRIBED) or {}
            write_json(self.directory / DESCRIBED, known | {trial.name: trial.description() for trial in trials})

    def remember_jobs(self, jobs: Mapping[str, str]) -> None:
        """Add ids of a scheduler's jobs to study.json, by the key of what each runs."""
        with FileLock(self.directory / LOCK):
            content = read_versioned(self.directory / FILE)
            if content["jobs"] | jobs != content["jobs"]:
                write_json(self.directory / FILE, content | {"jobs": content["jobs"] | jobs})

    def remember_ends(self, reasons: Mapping[str, str]) -> None:
        """Keep why trials were given up whose records cannot tell, until the study's next command."""
        with FileLock(self.directory / LOCK):
            content = read_versioned(self.directory / FILE)
            write_json(self.directory / FILE, content | {"ends": dict(reasons)})


def known_ends(directory: Path) -> Mapping[str, str]:
    """Return why trials of a study's last command were given up, by name."""
    content = read_versioned(directory / FILE) or {}
    found: Mapping[str, str] = content.get("ends", {})
    return found


def described(directory: Path) -> Mapping[str, Any]:
    """Return the descriptions of trials whose jobs outlived their command, by name."""
    known: Mapping[str, Any] = read_json(directory / DESCRIBED) or {}
    return known


def study_at(directory: Path) -> Study:
    """Return a study as its last command described it."""
    content = read_versioned(directory / FILE) or {}
    tracking = content.get("tracking", {}).get("uri")
    # The launcher that left jobs behind, although a later command may have run on this machine.
    launcher = content.get("scheduler", content.get("launcher", {}))
    return Study(content.get("name", directory.resolve().name), directory, tracking, launcher)


def trials_of(study: Study, allowed: Allowed) -> list[Trial]:
    """Return the trials of a study's last command, from their records or from what it left of them.

    Raises WrongInput where they are not known, or name what is not `allowed`.
    """
    content = read_versioned(study.directory / FILE) or {}
    known = described(study.directory)
    found = []
    for name in content.get("trials", {}):
        description = Record(study.directory / name).description() or known.get(name)
        if description is None:
            raise WrongInput(
                f"{study.directory}: nothing is known of {name} but its name\nrun the command again that planned it"
            )
        found.append(trial_of(description, study.directory, allowed))
    return found


@dataclass(frozen=True)
class StudyRecords:
    """A study's records, and the names of its planned trials that have none."""

    path: Path
    records: tuple[Record, ...]
    planned: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.path.resolve().name

    @property
    def question(self) -> Question:
        """What it was asked by its commands."""
        return question_of(self.path)


def question_of(directory: Path) -> Question:
    """Return what a study was asked by its commands."""
    return recorded(read_versioned(directory / FILE) or {})


def open_study(path: Path) -> StudyRecords:
    """Look into a study; raises WrongInput where there is none, naming the studies beside it."""
    found = records(path) if path.is_dir() else []
    if not found and not (path / FILE).is_file():
        raise WrongInput(_no_study(path))
    return StudyRecords(path, tuple(found), tuple(planned(path, {record.path.name for record in found})))


def _no_study(path: Path) -> str:
    problem = f"{path} is not a study" if path.is_dir() else f"there is no directory {path}"
    others = _studies_in(path.parent) or _studies_in(Path("outputs"))
    if not others:
        return f"{problem}, and no study beside it\nmake one: python -m sweeper.run -m model=pt,rd seed=1,2,3"
    named = ", ".join(map(str, others[:8])) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return f"{problem}\nstudies that exist: {named}\ngive one of these, or make it with study={path.name}"


def _studies_in(directory: Path) -> list[Path]:
    plans = (file.parent for file in directory.glob("*/study.json"))
    return sorted(study for study in plans if not study.name.startswith("."))

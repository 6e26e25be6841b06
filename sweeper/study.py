"""A study's own file: its name, what launched it, and which trials belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from sweeper.json_files import SCHEMA, read_json, read_versioned, write_json
from sweeper.trial import Trial
from sweeper.wrong_input import WrongInput

FILE = "study.json"
LOCK = ".study.json.lock"
STARTING = ".starting.lock"
# Descriptions of trials whose jobs outlive the command: who watches them later need not compose them again.
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
                **({"scheduler": before["scheduler"]} if "scheduler" in before else {}),
            }
            write_json(self.directory / FILE, content)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold off other commands of this study, so that no two start the same trial."""
        with FileLock(self.directory / STARTING):
            yield

    def remember(self, trials: Sequence[Trial]) -> None:
        """Keep what describes trials that may be watched by another command, and the launcher of their jobs."""
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
        """Keep why trials were given up whose records cannot tell; a later command of the study begins anew."""
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

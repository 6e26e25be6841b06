"""A study's own file: its name, what launched it, and which trials belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from sweeper.record import SCHEMA, read_versioned, write_json
from sweeper.trial import Trial, WrongInput

FILE = "study.json"
LOCK = ".study.json.lock"


@dataclass(frozen=True)
class Study:
    """The trials that one comparison is made of, and how the command at hand wants them run."""

    name: str
    directory: Path
    tracking_uri: str | None
    launcher: Mapping[str, Any]
    fresh: bool = False

    def describe(self, trials: Sequence[Trial], command: str) -> None:
        """Write study.json: the trials of this command, and every command so far."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WrongInput(f"{self.directory} cannot be made: {error.strerror}\nset outputs=DIR") from error
        with FileLock(self.directory / LOCK):  # two commands of one study may start at once
            before = read_versioned(self.directory / FILE) or {}
            commands = [*(known for known in before.get("commands", []) if known != command), command]
            content = {
                "schema": SCHEMA,
                "name": self.name,
                "commands": commands,
                "launcher": dict(self.launcher),
                "tracking": {"uri": self.tracking_uri},
                "trials": {trial.name: trial.id for trial in trials},
            }
            write_json(self.directory / FILE, content)

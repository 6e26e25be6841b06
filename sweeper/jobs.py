"""The jobs that a study has left with a scheduler, seen by commands that did not start them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from sweeper.backend import Backend, JobState
from sweeper.json_files import read_versioned
from sweeper.record import Record
from sweeper.restore import trial_of
from sweeper.study import FILE, Study, described
from sweeper.trial import Trial
from sweeper.wrong_input import WrongInput


def study_at(directory: Path) -> Study:
    """Return a study as its last command described it."""
    content = read_versioned(directory / FILE) or {}
    tracking = content.get("tracking", {}).get("uri")
    # The launcher that left jobs behind, although a later command may have run on this machine.
    launcher = content.get("scheduler", content.get("launcher", {}))
    return Study(content.get("name", directory.resolve().name), directory, tracking, launcher)


def backend_of(study: Study, trials: list[Trial]) -> Backend:
    """Return a backend like the one that a study's last command used, which stays until its jobs have ended.

    Raises WrongInput when that launcher is not installed, or when its jobs end with their command.
    """
    settings: dict[str, Any] = {key: value for key, value in study.launcher.items() if key != "_target_"}
    module, _, name = str(study.launcher.get("_target_", "")).rpartition(".")
    try:
        launcher = getattr(import_module(module), name)(
            **settings | ({"detach": False} if "detach" in settings else {})
        )
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise WrongInput(f"{study.directory}: its launcher {module}.{name} cannot be loaded: {error}") from error
    threads = max((trial.train.threads for trial in trials), default=1)
    preload = dict.fromkeys(name for trial in trials for name in trial.framework.preload)
    backend: Backend = launcher.backend(
        threads=threads, preload=list(preload), name=study.name, directory=study.directory
    )
    if not backend.outlives:
        raise WrongInput(
            f"{study.directory} was run on this machine: its trials end with their command\n"
            "run the same command again to go on, or stop it by Ctrl-C"
        )
    return backend


def job_states(study: Study) -> Mapping[str, JobState]:
    """Return the states of a study's jobs that wait or run, by trial; of none where its last command left none.

    Raises WrongInput where the scheduler does not tell.
    """
    content = read_versioned(study.directory / FILE) or {}
    if not content.get("jobs"):
        return {}
    with closing(backend_of(study, [])) as backend:
        backend.attach()
        return backend.poll()


def trials_of(study: Study) -> list[Trial]:
    """Return the trials of a study's last command, from their records or from what it left of them.

    Raises WrongInput where they are not known.
    """
    content = read_versioned(study.directory / FILE) or {}
    known = described(study.directory)
    cache = study.directory.absolute().parent / "cache"
    found = []
    for name in content.get("trials", {}):
        description = Record(study.directory / name).description() or known.get(name)
        if description is None:
            raise WrongInput(
                f"{study.directory}: nothing is known of {name} but its name\nrun the command again that planned it"
            )
        found.append(trial_of(description, cache))
    return found

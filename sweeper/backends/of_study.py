"""The jobs that a study has left with a scheduler, seen by commands that did not start them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from typing import Any

from sweeper.backends import Backend, JobState
from sweeper.errors import WrongInput
from sweeper.records.files import read_versioned
from sweeper.records.study import FILE, Study
from sweeper.trial.trial import Trial


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
    if not backend.traits.outlives:
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

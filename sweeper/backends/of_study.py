"""The jobs that a study has left with a scheduler, seen by commands that did not start them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sweeper.backends import Backend, JobState
from sweeper.errors import WrongInput
from sweeper.records.classes import check_module
from sweeper.records.files import read_versioned
from sweeper.records.study import FILE, Study
from sweeper.trial.trial import Trial

# Entry points of installed launchers whose jobs outlive their command: the launcher's `_target_`, and a function
# (settings, threads=, preload=, name=, directory=) -> Backend. What study.json names is looked up here, never run.
GROUP = "sweeper.backends"
LAUNCHERS = "hydra_plugins.sweeper_launchers"
OWN = {f"{LAUNCHERS}.slurm.SlurmLauncher": "sweeper.backends.of_study:slurm_backend"}


def backend_of(study: Study, trials: list[Trial]) -> Backend:
    """Return a backend like the one that a study's last command used, which stays until its jobs have ended.

    Raises WrongInput when no such launcher is installed, or when its jobs end with their command.
    """
    target = str(study.launcher.get("_target_", ""))
    if target == f"{LAUNCHERS}.local.LocalLauncher":
        raise WrongInput(
            f"{study.directory} was run on this machine: its trials end with their command\n"
            "run the same command again to go on, or stop it by Ctrl-C"
        )
    make = _registered(target, study)
    settings = {key: value for key, value in study.launcher.items() if key not in ("_target_", "detach")}
    threads = max((trial.train.threads for trial in trials), default=1)
    preload = dict.fromkeys(name for trial in trials for name in trial.framework.preload)
    try:
        return make(settings, threads=threads, preload=list(preload), name=study.name, directory=study.directory)
    except WrongInput:
        raise
    except (TypeError, ValueError, AttributeError) as error:  # values of another kind than they are written with
        raise WrongInput(f"{study.directory / FILE}: its launcher's settings cannot be read: {error}") from error


def slurm_backend(settings: Mapping[str, Any], **where: Any) -> Backend:
    """Return SLURM's backend by a study's settings. Raises WrongInput for settings that cannot work."""
    from sweeper.backends.slurm.backend import checked_backend
    from sweeper.backends.slurm.settings import SlurmSettings

    return checked_backend(SlurmSettings(**settings), **where)


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


def _registered(target: str, study: Study) -> Callable[..., Backend]:
    """Return what makes a backend in place of a launcher; nothing that lies with the study is imported for it."""
    points = [EntryPoint(name, value, GROUP) for name, value in OWN.items()] + [*entry_points(group=GROUP)]
    for point in points:
        if point.name == target:
            check_module(point.module, study.directory, f"{study.directory / FILE}: launcher {target}")
            make: Callable[..., Backend] = point.load()
            return make
    raise WrongInput(
        f"{study.directory / FILE} names a launcher that is not installed: {target[:200]!r}\n"
        f"known: {', '.join(point.name for point in points)}\nuse the installation that its command ran in"
    )

"""hydra/launcher=local: a process a trial on this machine."""

# No `from __future__ import annotations`: Hydra runs plugin modules before they are in sys.modules, where a
# dataclass would look its string annotations up.
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore

from hydra_plugins.sweeper_launchers.launching import BackendLauncher
from sweeper.backends import Backend
from sweeper.backends.machine import modules_to_preload
from sweeper.errors import WrongInput

# Processes at a time that a machine can be asked for: the greater of these
MOST_JOBS, JOBS_A_CORE = 64, 4


@dataclass
class LocalLauncherConfig:
    """Settings of the local launcher."""

    _target_: str = "hydra_plugins.sweeper_launchers.local.LocalLauncher"
    # Trials at a time; null: one a visible GPU, else as many as there are cores for
    jobs: int | None = None
    # How often a trial whose process died leaving no outcome is started again
    retries: int = 0
    # Modules that are imported once, for all trials; null: those of training, and what the frameworks name
    preload: list[str] | None = None


ConfigStore.instance().store(group="hydra/launcher", name="local", node=LocalLauncherConfig, provider="sweeper")


class LocalLauncher(BackendLauncher):
    """Runs jobs on this machine, forked from a server that has imported `preload`."""

    def __init__(self, jobs: int | None = None, retries: int = 0, preload: Sequence[str] | None = None) -> None:
        self.jobs = jobs
        self.retries = retries
        self.preload = preload

    def backend(
        self,
        threads: int,
        preload: Sequence[str] = (),
        *,
        name: str = "",  # noqa: ARG002  for backends that keep files
        directory: Path = Path(),  # noqa: ARG002
    ) -> Backend:
        """Return a new backend whose jobs use so many threads each; WrongInput for settings that cannot work."""
        most = max(MOST_JOBS, JOBS_A_CORE * (os.cpu_count() or 1))
        if self.jobs is not None and not 1 <= self.jobs <= most:
            allowed = f"1 or more, {most} or fewer on this machine, or null for what it can take"
            raise WrongInput(f"hydra.launcher.jobs={self.jobs}\nallowed: {allowed}")
        if self.retries < 0:
            raise WrongInput(f"hydra.launcher.retries={self.retries}\nallowed: 0 or more")
        modules = modules_to_preload(self.preload, preload)

        from sweeper.backends.local.backend import LocalBackend

        return LocalBackend(threads=threads, jobs=self.jobs, retries=self.retries, preload=modules)

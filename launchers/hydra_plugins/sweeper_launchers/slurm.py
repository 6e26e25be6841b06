"""hydra/launcher=slurm: a job of a SLURM cluster for every trial, or for several."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from hydra_plugins.sweeper_launchers.launching import BackendLauncher
from sweeper.backends import Backend
from sweeper.backends.slurm.settings import SlurmSettings
from sweeper.config.schema import writable

ConfigStore.instance().store(
    group="hydra/launcher", name="slurm", node=writable(OmegaConf.structured(SlurmSettings)), provider="sweeper"
)


class SlurmLauncher(BackendLauncher):
    """Submits jobs through submitit and follows them, or leaves them to themselves."""

    def __init__(self, **settings: Any) -> None:
        plain: dict[str, Any] = {
            key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            for key, value in settings.items()
        }
        self.settings = SlurmSettings(**plain)

    def backend(self, threads: int, preload: Sequence[str] = (), *, name: str, directory: Path) -> Backend:
        """Return a new backend whose jobs use so many threads each; WrongInput for settings that cannot work."""
        from sweeper.backends.slurm.backend import checked_backend

        return checked_backend(self.settings, threads=threads, preload=preload, name=name, directory=directory)

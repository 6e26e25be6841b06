"""What Hydra writes by itself: nothing for a plan, and nothing where it cannot be written.

Trials have directories of their own; Hydra's stay empty unless hydra.run.dir and the like ask for more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from sweeper.errors import WrongInput
from sweeper.records.files import check_can_be_made

NO_LOGGING = {"version": 1, "root": None, "disable_existing_loggers": False}
NOWHERE = {"run": ".", "sweep": "${sweeper_scratch:}"}
_refused: list[WrongInput] = []


class HydraFiles(Callback):
    """Hydra calls it before it makes the directory of a command; what it raises there becomes a warning."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Look at hydra.run.dir."""
        _settle(config, "run")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Look at hydra.sweep.dir."""
        _settle(config, "sweep")


def refuse() -> None:
    """Raise WrongInput for a directory of Hydra's that cannot be made."""
    if _refused:
        raise _refused[0]


def _settle(config: DictConfig, kind: str) -> None:
    directory = str(config.hydra[kind].dir)
    try:
        check_can_be_made(
            f"hydra.{kind}.dir={directory}", Path(directory), "leave it out: trials lie under outputs=DIR"
        )
    except WrongInput as error:
        _refused.append(error)
    if _refused or OmegaConf.select(config, "plan"):
        with open_dict(config.hydra):
            config.hydra[kind].dir = NOWHERE[kind]
            config.hydra.output_subdir = None
            config.hydra.job_logging = NO_LOGGING

"""The command: python -m sweeper.run [-m] KEY=VALUE …

Hydra composes; every composed config becomes a trial; the driver runs them all. With -m Hydra's sweeper hands the
combinations to the launcher, which hands them to `drive`; without it `drive` gets the one combination.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from sweeper.config import study_of, to_trial
from sweeper.door import leave
from sweeper.refusal import explain, null_group
from sweeper.schema import CONFIG_DIRECTORY, register
from sweeper.sweep import run_sweep
from sweeper.trial import WrongInput

exit_codes: list[int] = []
errors: list[Exception] = []


def compose_one(config: DictConfig) -> None:
    """Run the one trial of a command without -m; Hydra's task function.

    What it raises is kept for `main`: Hydra would print its own lines about it first.
    """
    launcher = HydraConfig.get().launcher
    try:
        if launcher._target_.startswith("hydra._internal."):
            raise WrongInput("hydra/launcher=basic is Hydra's own and runs no trials\nallowed: local")
        drive([config], instantiate(launcher))
    except Exception as error:
        errors.append(error)


def drive(configs: Sequence[DictConfig], launcher: Any) -> Sequence[JobReturn]:
    """Run every composed config as a trial through a launcher's backend."""
    # What is out of range is refused with everything else, in `to_trial`; it needs to know the backend's device.
    backend = launcher.backend(threads=max(1, *(config.train.threads for config in configs)))
    hydra_configs = [config.hydra if "hydra" in config else HydraConfig.get() for config in configs]
    choices = [known.runtime.choices for known in hydra_configs]
    trials = [to_trial(config, choice, backend.device) for config, choice in zip(configs, choices, strict=True)]
    study = study_of(configs, choices, hydra_configs[0].launcher)
    exit_codes.append(run_sweep(study, trials, backend))
    return [JobReturn(_return_value=None, status=JobStatus.COMPLETED) for _ in configs]


compose_one.drive = drive  # type: ignore[attr-defined]


def check_options() -> None:
    """Raise WrongInput for an option that Hydra lacks: its parser would print all that it has."""
    _, unknown = get_args_parser().parse_known_args()
    if unknown:
        raise WrongInput(
            f"{unknown[0]}: unknown option\nsettings are KEY=VALUE without dashes; --help lists what there is"
        )


def main() -> int:
    """Run the command; returns its exit code."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    check_options()
    register()
    try:
        hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name="config")(compose_one)()
        for error in errors:
            raise error
    except (HydraException, OmegaConfBaseException) as error:
        raise WrongInput(explain(error)) from error
    except ValueError as error:
        if not str(error).startswith("Config group override must be"):
            raise
        raise WrongInput(null_group(sys.argv[1:])) from error
    return max(exit_codes, default=0)


if __name__ == "__main__":
    leave(main)

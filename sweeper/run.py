"""The command: python -m sweeper.run [-m] KEY=VALUE …

Hydra composes; every composed config becomes a trial; the driver runs them all. With -m Hydra's sweeper hands the
combinations to the launcher, which hands them to `drive`; without it `drive` gets the one combination.
`sweeper.pretrain` is this command with another drive and other defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from omegaconf import DictConfig

from sweeper.config.command import main, planned
from sweeper.driver.sweep import run_sweep
from sweeper.errors import run_and_exit


def drive(configs: Sequence[DictConfig], launcher: Any) -> int:
    """Run every composed config as a trial through a launcher's backend; returns the exit code."""
    study, trials, backend = planned(configs, launcher)
    return run_sweep(study, trials, backend)


if __name__ == "__main__":
    run_and_exit(partial(main, drive))

"""Trials as commands compose them; a test that uses it initializes Hydra."""

from __future__ import annotations

from hydra import compose
from hydra.core.hydra_config import HydraConfig

from sweeper.config.composed import to_trial
from sweeper.config.fitted import fitted
from sweeper.pretrain import without_destination
from sweeper.trial.trial import Trial


def trial(*overrides: str, device: str = "cpu", name: str = "config") -> Trial:
    """Return the trial that a command with these arguments means."""
    config = compose(name, [*overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    if name == "pretrain":
        config = without_destination(config)
    return to_trial(config, config.hydra.runtime.choices, device)


def fitted_trial(*overrides: str) -> tuple[Trial, tuple[str, ...]]:
    """Return the trial that a command means whose settings are fitted to its data, and the sentences that say so."""
    config = compose("config", [*overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    found = fitted(config, config.hydra)
    return to_trial(found.config, config.hydra.runtime.choices, "cpu"), found.sentences

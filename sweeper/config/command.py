"""A command that Hydra composes: options checked, configs made into trials, errors told in a line or two."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.types import TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sweeper.analysis.factors import trial_settings
from sweeper.analysis.roles import checked
from sweeper.backends import Backend
from sweeper.config import hydra_files
from sweeper.config.arguments import as_list, check_arguments
from sweeper.config.composed import study_of, to_trial
from sweeper.config.fitted import Fitted, fitted
from sweeper.config.hydra_errors import explain, null_group
from sweeper.config.schema import register
from sweeper.config.sources import CONFIG_DIRECTORY, DEFAULT_ARCH
from sweeper.config.unused import unused_settings
from sweeper.driver.other_code import accepted
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.records.importing import own_failures_told
from sweeper.records.study import Study
from sweeper.trial.trial import Trial

Drive = Callable[[Sequence[DictConfig], Any], int]
exit_codes: list[int] = []
errors: list[Exception] = []


def _task(drive: Drive) -> TaskFunction:
    # Without -m Hydra calls it with the one config; with -m a launcher of Sweeper's calls its attribute `drive`.

    def several(configs: Sequence[DictConfig], launcher: Any) -> Sequence[JobReturn]:
        hydra_files.refuse()
        if not configs:
            raise WrongInput(
                "this sweep has no combination\nneeded: a value or more for each setting; is a range empty?"
            )
        exit_codes.append(drive(configs, launcher))
        return [JobReturn(_return_value=None, status=JobStatus.COMPLETED) for _ in configs]

    def one(config: DictConfig) -> None:
        launcher = HydraConfig.get().launcher
        try:
            if launcher._target_.startswith("hydra._internal."):
                raise WrongInput("hydra/launcher=basic is Hydra's own and runs no trials\nallowed: local, slurm")
            several([config], instantiate(launcher))
        except Exception as error:
            errors.append(error)  # for `main`: Hydra would print its own lines about it first

    one.drive = several  # type: ignore[attr-defined]
    return one


def planned(configs: Sequence[DictConfig], launcher: Any) -> tuple[Study, list[Trial], Backend]:
    """Return the study and the trials that composed configs mean, and what they are to run on."""
    for config in configs:
        _expand_home(config)
    # What is out of range is refused with everything else, in `to_trial`; it needs to know the backend's device.
    threads = max(1, *(config.train.threads for config in configs))
    preload = dict.fromkeys(name for config in configs for name in OmegaConf.select(config, "framework.preload") or ())
    hydra_configs = [config.hydra if "hydra" in config else HydraConfig.get() for config in configs]
    choices = [known.runtime.choices for known in hydra_configs]
    study = study_of(configs, choices, hydra_configs[0].launcher)
    backend = launcher.backend(threads=threads, preload=list(preload), name=study.name, directory=study.directory)
    free = _free_archs(configs, hydra_configs)
    fits = [fitted(config, known) for config, known in zip(configs, hydra_configs, strict=True)]
    trials = [
        to_trial(fit.config, choice, backend.traits.device, arch_is_free=is_free)
        for fit, choice, is_free in zip(fits, choices, free, strict=True)
    ]
    _check_verbalisers(hydra_configs, trials)
    backend.check(planning=study.plan)
    typed = [_typed(known) for known in hydra_configs]
    study = replace(study, taken=_sentences(fits), unused=unused_settings(trials, typed))
    if study.question.typed:
        described = [trial.description() for trial in trials]
        settings = [trial_settings(item["choices"], item["config"]) for item in described]
        study = replace(study, question=checked(study.question, settings))
    return study, accepted(study, trials), backend


def _sentences(fits: Sequence[Fitted]) -> tuple[str, ...]:
    """Return what was taken for trials that nobody set, each once, and whose it is where frameworks differ in it."""
    frameworks = list(dict.fromkeys(str(fit.config.framework.name) for fit in fits))
    of: dict[str, set[str]] = {}
    for fit in fits:
        for sentence in fit.sentences:
            of.setdefault(sentence, set()).add(str(fit.config.framework.name))
    return tuple(
        sentence if len(own) == len(frameworks) else f"framework={','.join(sorted(own))}: {sentence}"
        for sentence, own in of.items()
    )


def _typed(known: Any) -> dict[str, str]:
    parts = (override.lstrip("+").partition("=") for override in known.overrides.task)
    return {key: value for key, equals, value in parts if equals}


def _check_verbalisers(hydra_configs: Sequence[Any], trials: Sequence[Trial]) -> None:
    """Raise WrongInput for words of classes that no trial of the command reads."""
    given = [override for known in hydra_configs for override in known.overrides.task if "data.verbalisers" in override]
    if given and not any("verbalisers" in trial.digests for trial in trials):
        raise WrongInput(
            f"{given[0][:80]} has no effect: framework={trials[0].framework.name} tells classes by a head, not by words"
            "\nleave it out, or set framework=lora with a causal language model"
        )


def _free_archs(configs: Sequence[DictConfig], hydra_configs: Sequence[Any]) -> list[bool]:
    """Tell of each config whether its architecture may be that of model.path: none is chosen, and weights are read.

    A random model takes the shape of the pretrained one that it stands beside, and none where it stands alone.
    """
    read = [config.model.path for config in configs if config.model.pretrained]
    chosen = [
        known.runtime.choices.get("arch") != DEFAULT_ARCH
        or any(override.lstrip("+~").startswith("arch") for override in known.overrides.task)
        for known in hydra_configs
    ]
    return [
        config.model.path is not None and not is_chosen and config.model.path in read
        for config, is_chosen in zip(configs, chosen, strict=True)
    ]


def _expand_home(config: DictConfig) -> None:
    if config.get("outputs") == "":
        raise WrongInput("outputs= is empty\nset outputs=DIR, or leave it out to have its default")
    for key in ("outputs", "tokenizer.path", "tokenizer.count_on"):
        path = OmegaConf.select(config, key)
        full = expanded(key, path) if isinstance(path, str) else None
        if full is not None and path.startswith("~"):
            OmegaConf.update(config, key, str(full))


def main(drive: Drive, config_name: str = "config") -> int:
    """Run a command that Hydra composes from conf/`config_name`; returns its exit code."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    sys.argv[1:] = [as_list(argument) for argument in sys.argv[1:]]
    check_arguments(sys.argv[1:])
    register()
    try:
        with own_failures_told():
            hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name=config_name)(_task(drive))()
            for error in errors:
                raise error
    except (HydraException, OmegaConfBaseException) as error:
        raise WrongInput(explain(error)) from error
    except YAMLError as error:
        raise WrongInput(f"a configuration file is not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise WrongInput(
            f"{str(error.filename)[:60]}… cannot be a path: {error.strerror}\nset a shorter one"
        ) from error
    except ValueError as error:
        if not str(error).startswith("Config group override must be"):
            raise
        raise WrongInput(null_group(sys.argv[1:])) from error
    return max(exit_codes, default=0)

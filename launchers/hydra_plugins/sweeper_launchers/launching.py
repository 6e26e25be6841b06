"""What the launchers share: Hydra asks for jobs, a backend runs them."""

from __future__ import annotations

import logging
import pickle
import sys
import time
import traceback
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from sweeper.backends import Backend, Job, JobState, living
from sweeper.records.files import write_file

POLL_SECONDS = 0.05
log = logging.getLogger(__name__)


class BackendLauncher(Launcher):
    """A Hydra launcher over a backend.

    A task function with an attribute `drive`, a callable (configs, launcher) -> job returns, is handed all
    composed configurations and this launcher, to ask it for a `backend`. Any other task function is called once
    for each configuration, each in another job.
    """

    hydra_context: HydraContext
    task_function: TaskFunction
    config: DictConfig
    _composed: dict[tuple[str, ...], DictConfig]

    @abstractmethod
    def backend(self, threads: int, preload: Sequence[str] = (), *, name: str, directory: Path) -> Backend:
        """Return a new backend whose jobs use so many threads each; needs no `setup`.

        `preload` names modules that jobs will import, for a backend that can do so once for all. A scheduler calls
        the jobs by `name`; the backend may keep files in `directory`, which it makes when it starts some.
        """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra hands over."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config
        self._composed = _remember_compositions(hydra_context.config_loader)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Compose all jobs, then run them."""
        setup_globals()
        configs = [self._compose(overrides, initial_job_idx + i) for i, overrides in enumerate(job_overrides)]
        _forget_compositions(self.hydra_context.config_loader)
        if drive := getattr(self.task_function, "drive", None):
            returns: Sequence[JobReturn] = drive(configs, self)
            return returns
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        directory = Path(str(self.config.hydra.sweep.dir)).absolute()
        with closing(self.backend(threads=1, name=str(self.config.hydra.job.name), directory=directory)) as backend:
            return self._run(configs, backend)

    def _compose(self, overrides: Sequence[str], number: int) -> DictConfig:
        config = self._composed.pop(tuple(overrides), None)
        if config is None:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = f"{config.hydra.job.name}_{number}"
            config.hydra.job.num = number
        return config

    def _run(self, configs: Sequence[DictConfig], backend: Backend) -> list[JobReturn]:
        """Call the task function once a configuration, a job each; a job that dies fails alone."""
        singletons = Singleton.get_state()
        results, jobs = [], []
        for config in configs:
            number = config.hydra.job.num
            directory = _output_directory(config)
            results.append(directory / f".job_return_{number}.pickle")
            call = partial(_run_task, self.hydra_context, self.task_function, config, singletons, results[-1])
            jobs.append(Job(str(number), call, directory / "output.log"))
            log.info("#%s : %s", number, " ".join(filter_overrides(config.hydra.overrides.task)))
        backend.start(jobs)
        while living(states := backend.poll()):
            time.sleep(min(POLL_SECONDS, backend.traits.poll_seconds))
        ended = zip(configs, results, jobs, strict=True)
        return [_job_return(config, result, job, states[job.key]) for config, result, job in ended]


def _remember_compositions(loader: ConfigLoader) -> dict[tuple[str, ...], DictConfig]:
    """Keep each job's configuration that a loader composes, by its overrides; returns where they are kept.

    Hydra's sweepers compose every job to see whether that can be done, and throw it away; composing once more is half
    of the time that a sweep takes to start.
    """
    composed: dict[tuple[str, ...], DictConfig] = {}
    compose = loader.load_sweep_config

    def remembering(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        config = compose(master_config, sweep_overrides)
        composed[tuple(sweep_overrides)] = config
        return config

    vars(loader)["load_sweep_config"] = remembering
    return composed


def _forget_compositions(loader: ConfigLoader) -> None:
    # The loader is pickled with the jobs.
    vars(loader).pop("load_sweep_config", None)


def _output_directory(config: DictConfig) -> Path:
    """Return a composed job's directory, absolute: its interpolations may ask for any of Hydra's values."""
    HydraConfig.instance().set_config(config)
    return Path(str(config.hydra.sweep.dir), str(config.hydra.sweep.subdir)).absolute()


def _run_task(
    hydra_context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
    singletons: Any,
    result: Path,
) -> None:
    """Run one of Hydra's jobs in this process and leave its JobReturn, pickled, in a file."""
    import cloudpickle

    setup_globals()
    Singleton.set_state(singletons)
    returned = run_job(
        hydra_context=hydra_context,
        task_function=task_function,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    if returned.status is JobStatus.FAILED:
        traceback.print_exception(returned._return_value, file=sys.stderr)
    write_file(result, cloudpickle.dumps(returned), alone=True)


def _job_return(config: DictConfig, result: Path, job: Job, state: JobState) -> JobReturn:
    """Fetch what a job left, once; one that died before that has failed with the reason."""
    if result.exists():
        returned: JobReturn = pickle.loads(result.read_bytes())
        result.unlink()
        return returned
    reason = state.reason or "ended without a result"
    failed = JobReturn(overrides=list(config.hydra.overrides.task), status=JobStatus.FAILED)
    failed.return_value = RuntimeError(f"job {job.key}: {reason}; see {job.log}")
    return failed

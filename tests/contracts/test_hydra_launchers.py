from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from hydra.utils import instantiate
from omegaconf import DictConfig

from hydra_plugins.sweeper_launchers.launching import BackendLauncher
from hydra_plugins.sweeper_launchers.local import LocalLauncherConfig
from sweeper.errors import WrongInput

# A new launcher joins by being listed: its name and what keeps it quick here
SETTINGS = {
    "local": ["hydra.launcher.preload=[]", "hydra.launcher.jobs=2"],
    "slurm": ["hydra.launcher.preload=[]", "hydra.launcher.retries=0", "hydra.launcher.longest_interval_s=1"],
}
MARKS = {"slurm": [pytest.mark.slurm]}
LAUNCHERS = [pytest.param(name, settings, marks=MARKS.get(name, []), id=name) for name, settings in SETTINGS.items()]
flags = [
    pytest.param({}, ["-m", f"hydra/launcher={name}", *settings], marks=MARKS.get(name, []), id=name)
    for name, settings in SETTINGS.items()
]


@pytest.mark.parametrize("name", SETTINGS)
def test_hydra_finds_the_launcher(name: str) -> None:
    assert f"{name.capitalize()}Launcher" in [plugin.__name__ for plugin in Plugins.instance().discover(Launcher)]


@pytest.mark.parametrize(("launcher_name", "overrides"), LAUNCHERS)
class TestLauncher(LauncherTestSuite):
    pass


@pytest.mark.parametrize(("task_launcher_cfg", "extra_flags"), flags)
class TestLauncherIntegration(IntegrationTestSuite):
    pass


@pytest.mark.usefixtures("hydra_restore_singletons")
@pytest.mark.parametrize(("launcher_name", "overrides"), LAUNCHERS)
class TestOurLauncher:
    def sweep(self, runner: Any, launcher: str, overrides: list[str], task: Any, directory: Path) -> Any:
        return runner(
            calling_file=None,
            calling_module="hydra.test_utils.a_module",
            task_function=task,
            config_path="configs",
            config_name="compose",
            overrides=[f"hydra/launcher={launcher}", *overrides, "+a=0,1,2"],
            temp_dir=directory,
        )

    def test_a_job_that_dies_fails_alone(
        self, hydra_sweep_runner: Any, launcher_name: str, overrides: list[str], tmp_path: Path
    ) -> None:
        def task(config: DictConfig) -> None:
            if config.a == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if config.a == 1:
                raise LookupError("no such word")
            print(os.getpid())

        # Hydra's sweeper raises what the first failed job returned
        with (
            pytest.raises(RuntimeError, match=r"job 0: killed by SIGKILL .*; see .*/0/output\.log"),
            self.sweep(hydra_sweep_runner, launcher_name, overrides, task, tmp_path),
        ):
            pass
        raised, done = ((tmp_path / number / "output.log").read_text() for number in "12")
        assert "Traceback" in raised
        assert raised.endswith("LookupError: no such word\n")
        assert int(done.split()[-1]) != os.getpid()
        left = {path.name for number in "012" for path in (tmp_path / number).iterdir()}
        assert left == {".hydra", "a_module.log", "output.log"}

    def test_an_exception_comes_back(
        self, hydra_sweep_runner: Any, launcher_name: str, overrides: list[str], tmp_path: Path
    ) -> None:
        def task(config: DictConfig) -> None:
            raise LookupError(f"no such word: {config.a}")

        with (
            pytest.raises(LookupError, match="no such word: 0"),
            self.sweep(hydra_sweep_runner, launcher_name, overrides, task, tmp_path),
        ):
            pass

    def test_a_task_that_drives_gets_all_configurations(
        self, hydra_sweep_runner: Any, launcher_name: str, overrides: list[str], tmp_path: Path
    ) -> None:
        def drive(configs: Sequence[DictConfig], launcher: BackendLauncher) -> list[JobReturn]:
            assert [config.a for config in configs] == [0, 1, 2]
            assert [config.hydra.job.num for config in configs] == [0, 1, 2]
            with closing(launcher.backend(threads=1, name="test", directory=tmp_path)) as backend:
                assert backend.traits.device in ("cpu", "cuda")
                assert backend.traits.retries == 0
                assert backend.poll() == {}
            return [JobReturn(overrides=["driven"], status=JobStatus.COMPLETED)]

        sweep = self.sweep(hydra_sweep_runner, launcher_name, overrides, None, tmp_path)
        sweep.drive = drive
        with sweep:
            assert [returned.overrides for returned in sweep.returns[0]] == [["driven"]]


def test_local_refuses_less_than_one_job() -> None:
    launcher = instantiate(LocalLauncherConfig(jobs=0))
    with pytest.raises(WrongInput, match=r"hydra\.launcher\.jobs=0"):
        launcher.backend(threads=1)


def test_plugins_import_nothing_heavy() -> None:
    code = "import sys, hydra.core.plugins as p; p.Plugins.instance(); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    modules = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    assert "hydra_plugins.sweeper_launchers.local" in modules.split()
    assert not {"torch", "transformers", "mlflow", "submitit", "cloudpickle"} & set(modules.split())

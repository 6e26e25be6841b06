from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from omegaconf import DictConfig

from hydra_plugins.sweeper_launchers.launching import BackendLauncher

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
    @pytest.fixture
    def sweep(self, hydra_sweep_runner: Any, launcher_name: str, overrides: list[str], tmp_path: Path) -> Any:
        return partial(
            hydra_sweep_runner,
            calling_file=None,
            calling_module="hydra.test_utils.a_module",
            config_path="configs",
            config_name="compose",
            overrides=[f"hydra/launcher={launcher_name}", *overrides, "+a=0,1,2"],
            temp_dir=tmp_path,
        )

    def test_a_job_that_dies_fails_alone(self, sweep: Any, tmp_path: Path) -> None:
        def task(config: DictConfig) -> None:
            if config.a == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if config.a == 1:
                raise LookupError("no such word")
            print(os.getpid())

        # Hydra's sweeper raises what the first failed job returned
        said = r"job 0: killed by SIGKILL .*; see .*/0/output\.log"
        with pytest.raises(RuntimeError, match=said), sweep(task_function=task):
            pass
        raised, done = ((tmp_path / number / "output.log").read_text() for number in "12")
        assert "Traceback" in raised
        assert raised.endswith("LookupError: no such word\n")
        assert int(done.split()[-1]) != os.getpid()
        left = {path.name for number in "012" for path in (tmp_path / number).iterdir()}
        assert left == {".hydra", "a_module.log", "output.log"}

    def test_an_exception_comes_back(self, sweep: Any) -> None:
        def task(config: DictConfig) -> None:
            raise LookupError(f"no such word: {config.a}")

        with pytest.raises(LookupError, match="no such word: 0"), sweep(task_function=task):
            pass

    def test_a_task_that_drives_gets_all_configurations(self, sweep: Any, tmp_path: Path) -> None:
        def drive(configs: Sequence[DictConfig], launcher: BackendLauncher) -> list[JobReturn]:
            assert [config.a for config in configs] == [0, 1, 2]
            assert [config.hydra.job.num for config in configs] == [0, 1, 2]
            with closing(launcher.backend(threads=1, name="test", directory=tmp_path)) as backend:
                assert backend.traits.device in ("cpu", "cuda")
                assert backend.traits.retries == 0
                assert backend.poll() == {}
            return [JobReturn(overrides=["driven"], status=JobStatus.COMPLETED)]

        driven = sweep(task_function=None)
        driven.drive = drive
        with driven:
            assert [returned.overrides for returned in driven.returns[0]] == [["driven"]]


def test_plugins_import_nothing_heavy() -> None:
    code = "import sys, hydra.core.plugins as p; p.Plugins.instance(); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    modules = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    assert "hydra_plugins.sweeper_launchers.local" in modules.split()
    assert not {"torch", "transformers", "mlflow", "submitit", "cloudpickle"} & set(modules.split())

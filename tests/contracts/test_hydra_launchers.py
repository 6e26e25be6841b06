from __future__ import annotations

from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite

# A new launcher joins by being listed: its name and what keeps it quick here
LAUNCHERS = [("local", ["hydra.launcher.preload=[]", "hydra.launcher.jobs=2"])]
flags = [pytest.param({}, ["-m", f"hydra/launcher={name}", *overrides], id=name) for name, overrides in LAUNCHERS]


@pytest.mark.parametrize("name", [name for name, _ in LAUNCHERS])
def test_hydra_finds_the_launcher(name: str) -> None:
    assert f"{name.capitalize()}Launcher" in [plugin.__name__ for plugin in Plugins.instance().discover(Launcher)]


@pytest.mark.parametrize(("launcher_name", "overrides"), LAUNCHERS)
class TestLauncher(LauncherTestSuite):
    pass


@pytest.mark.parametrize(("task_launcher_cfg", "extra_flags"), flags)
class TestLauncherIntegration(IntegrationTestSuite):
    pass

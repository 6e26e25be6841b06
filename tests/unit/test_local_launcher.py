from __future__ import annotations

import pytest

from hydra_plugins.sweeper_launchers.local import LocalLauncher
from sweeper.backends.machine import TRAINING, modules_to_preload
from sweeper.errors import WrongInput
from sweeper.frameworks import MOVED
from sweeper.records.classes import module_specs


@pytest.mark.parametrize(
    ("launcher", "said"),
    [
        (LocalLauncher(jobs=0), r"hydra\.launcher\.jobs=0\nallowed: 1 or more"),
        (LocalLauncher(retries=-1), r"hydra\.launcher\.retries=-1\nallowed: 0 or more"),
        (LocalLauncher(preload=["json", "nope"]), r"hydra\.launcher\.preload: no module nope\nallowed: "),
    ],
)
def test_settings_that_cannot_work_are_refused(launcher: LocalLauncher, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        launcher.backend(threads=1)


def test_modules_of_frameworks_are_preloaded_unless_others_are_named() -> None:
    with pytest.raises(WrongInput, match=r"framework\.preload: no module nope\nallowed: "):
        LocalLauncher().backend(threads=1, preload=["json", "nope"])
    LocalLauncher(preload=["json"]).backend(threads=1, preload=["nope"]).close()


def test_modules_by_the_names_of_earlier_versions_are_todays() -> None:
    old = ["sweeper.frameworks.fairseq_training", "sweeper.frameworks.lora_training"]
    today = ["sweeper.frameworks.fairseq.training", "sweeper.frameworks.lora.classification"]
    assert modules_to_preload(None, old) == [*TRAINING, *today]
    assert modules_to_preload(old, []) == today
    assert all(module_specs(module) for module in MOVED.values())
    assert not any(module_specs(old) for old in MOVED)

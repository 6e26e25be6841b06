from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from hydra_plugins.sweeper_launchers.local import LocalLauncher
from sweeper.backends.machine import TRAINING, modules_to_preload, visible_gpus
from sweeper.errors import WrongInput
from sweeper.frameworks import MOVED
from sweeper.records.classes import module_specs

WHOLE = "GPU 0: NVIDIA H100 (UUID: GPU-aa-1)\nGPU 1: NVIDIA H100 (UUID: GPU-bb-2)\n"
DIVIDED = "GPU 0: NVIDIA H100 (UUID: GPU-aa-1)\n  MIG 1g.10gb     Device  0: (UUID: MIG-cc-3)\n"


@pytest.mark.parametrize(
    ("listing", "torch", "chosen", "gpus"),
    [
        (WHOLE, "2.13.0", None, ["GPU-aa-1", "GPU-bb-2"]),
        (WHOLE, "2.13.0+cu130", "1, 0", ["1", "0"]),
        (WHOLE, "2.13.0", "1,-1,0", ["1"]),
        (WHOLE, "2.13.0", "", []),
        (WHOLE, "2.13.0+cpu", None, []),
        (DIVIDED, "2.13.0", None, ["MIG-cc-3"]),
        ("No devices were found\n", "2.13.0", "0", []),
    ],
    ids=["all", "some chosen", "until -1", "none chosen", "torch without CUDA", "MIG", "no device"],
)
def test_finds_gpus(
    listing: str,
    torch: str,
    chosen: str | None,
    gpus: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "listing").write_text(listing)
    command = tmp_path / "nvidia-smi"
    command.write_text(f'#!/bin/sh\n[ "$*" = -L ] && cat {tmp_path}/listing\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(importlib.metadata, "version", {"torch": torch}.__getitem__)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus() == gpus


@pytest.mark.parametrize("module", ["sys", "json", "json.decoder", "transformers.trainer", "sweeper.frameworks.hf"])
def test_modules_that_are_there(module: str) -> None:
    before = set(sys.modules)
    assert module_specs(module)
    assert set(sys.modules) == before, "nothing is imported"


@pytest.mark.parametrize("module", ["", "nope", "json.nope", "json.decoder.nope", "sys.nope", "nope.json", ".json"])
def test_modules_that_are_not(module: str) -> None:
    assert not module_specs(module)


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

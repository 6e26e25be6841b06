from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from sweeper.backends.machine import visible_gpus
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

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.checkpoints.pickled_tensors import pickle_shapes
from sweeper.errors import WrongInput

UNREADABLE = "is corrupt, or cannot be read without running it: "


class Calls:
    """Unpickling it calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def archive(file: Path, content: bytes, name: str = "archive/data.pkl") -> None:
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr(name, content)
        opened.writestr("archive/version", "3")


def refusal(file: Path) -> str:
    with pytest.raises(WrongInput) as refused:
        pickle_shapes([file])
    assert len(str(refused.value).splitlines()) == 2
    assert "safetensors" in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("old", [False, True])
def test_shapes_are_torch_s(old: bool, tmp_path: Path) -> None:
    shared = torch.zeros(4, 3)
    held = {
        "weight": torch.zeros(2, 3),
        "half": torch.zeros(5, dtype=torch.bfloat16),
        "ids": torch.arange(7),
        "scalar": torch.tensor(1.0),
        "view": shared[1:],
        "tied": shared,
        "parameter": torch.nn.Parameter(torch.zeros(6)),
    }
    if not old:  # the old form has no names for these
        held |= {"small": torch.zeros(3, dtype=torch.float8_e4m3fn), "unsigned": torch.zeros(8, dtype=torch.uint16)}
    torch.save(held, tmp_path / "a.bin", _use_new_zipfile_serialization=not old)
    assert pickle_shapes([tmp_path / "a.bin"]) == {name: tuple(value.shape) for name, value in held.items()}


def test_a_process_without_torch_reads_the_same_and_stays_without(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2, 3)}, tmp_path / "a.bin")
    torch.save({"b": torch.zeros(4)}, tmp_path / "b.bin", _use_new_zipfile_serialization=False)
    torch.save({"c": Calls(os.system, "touch harmed")}, tmp_path / "c.bin")
    code = """if True:
        import sys
        from pathlib import Path
        from sweeper.checkpoints.pickled_tensors import pickle_shapes
        from sweeper.errors import WrongInput
        print(pickle_shapes([Path("a.bin"), Path("b.bin")]))
        try:
            pickle_shapes([Path("a.bin"), Path("c.bin")])
        except WrongInput as error:
            print(error)
        print("torch" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    shapes, said, _, imported = run.stdout.splitlines()
    assert shapes == "{'a': (2, 3), 'b': (4,)}"
    assert said == "c.bin would run posix.system when loaded; refused"
    assert imported == "False"
    assert not (tmp_path / "harmed").exists()


def test_a_module_s_state_is_read(tmp_path: Path) -> None:
    state = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    assert isinstance(state, OrderedDict) and hasattr(state, "_metadata")
    torch.save(state, tmp_path / "a.bin")
    assert pickle_shapes([tmp_path / "a.bin"]) == {name: tuple(value.shape) for name, value in state.items()}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch harmed",), "posix.system"),
        (eval, ("open('harmed', 'w')",), "eval"),
        (shutil.copyfile, ("a.bin", "harmed"), "shutil.copyfile"),
        (getattr, (OrderedDict, "fromkeys"), "getattr"),
        (torch.nn.Linear, (1, 1), "torch.nn.modules.linear.Linear"),
        (torch.load, ("x",), "torch.serialization.load"),
    ],
)
def test_what_would_be_called_is_refused_and_never_called(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    name: str,
    protocol: int,
    old: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    held = {"weight": Calls(function, *arguments)}
    torch.save(held, tmp_path / "a.bin", pickle_protocol=protocol, _use_new_zipfile_serialization=not old)
    said = refusal(tmp_path / "a.bin")
    # torch writes protocol 2, and reads no more than a part of the others
    assert f"a.bin would run {name} when loaded; refused" in said or (protocol not in (2, 3) and UNREADABLE in said)
    assert not (tmp_path / "harmed").exists()


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), tmp_path / "a.bin")
    assert "would run torch.nn.modules.linear.Linear when loaded" in refusal(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda file: file.write_bytes(b"weights"), UNREADABLE),
        (lambda file: file.write_bytes(b""), "is cut off or corrupt"),
        (lambda file: archive(file, b"", "archive/other"), "is cut off or corrupt"),
        (lambda file: archive(file, b"\x80"), "is cut off or corrupt"),
        (lambda file: archive(file, pickle.dumps([1], 2)), "holds something else than tensors"),
        (lambda file: torch.save({"model": {"a": torch.zeros(1)}, "epoch": 1}, file), "holds something else than"),
        (lambda file: torch.save([torch.zeros(1)], file), "holds something else than"),
        (lambda file: torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file), "is a program (TorchScript)"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, write: Callable[[Path], object], said: str) -> None:
    write(tmp_path / "a.bin")
    assert said in refusal(tmp_path / "a.bin")


def test_what_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.bin", tmp_path / "cut.bin"
    torch.save({"a": torch.zeros(1000)}, whole)
    cut.write_bytes(whole.read_bytes()[:-100])
    assert "is cut off or corrupt" in refusal(cut)


@pytest.mark.parametrize("content", [None, b"1234"])
def test_numbers_that_are_missing_are_refused(tmp_path: Path, content: bytes | None) -> None:
    whole, cut = tmp_path / "whole.bin", tmp_path / "cut.bin"
    torch.save({"a": torch.zeros(1000)}, whole)
    with zipfile.ZipFile(whole) as read, zipfile.ZipFile(cut, "w") as written:
        for name in read.namelist():
            if not name.endswith("data/0"):
                written.writestr(name, read.read(name))
            elif content is not None:
                written.writestr(name, content)
    assert "is cut off or corrupt" in refusal(cut)

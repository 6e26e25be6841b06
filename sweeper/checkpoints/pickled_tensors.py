"""What files of torch.save hold, as torch reads them without running what they ask for.

Its `weights_only` knows the names that rebuild tensors, and refuses any other before it is called. A process of its own
reads, so that planning does not import torch.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sweeper.errors import WrongInput

if TYPE_CHECKING:
    from torch import Tensor

REMEDY = "save it as safetensors: from_pretrained(…).save_pretrained(DIR), on a machine that may run it"
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Pickled:
    """The shapes of a file's tensors, and fairseq's arguments where it is fairseq's; None for what it holds not."""

    shapes: Shapes | None
    arguments: Mapping[str, Any] | None
    is_half_precision: bool = False  # numbers of 16 bits are among them


def pickle_shapes(files: Sequence[Path]) -> Shapes:
    """Return the shapes of all tensors in some files. Raises WrongInput for one that is no whole state dict."""
    shapes: Shapes = {}
    for file, found in zip(files, read_pickles(files), strict=True):
        if found.shapes is None or found.arguments is not None:
            raise WrongInput(f"{file} holds something else than tensors by name\n{REMEDY}")
        shapes |= found.shapes
    return shapes


def read_pickles(files: Sequence[Path], remedy: str = REMEDY) -> list[Pickled]:
    """Return what files hold. Raises WrongInput for one that is damaged or would run something."""
    states = [file.stat() for file in files]
    answers = _answers(*((file, state.st_size, state.st_mtime_ns) for file, state in zip(files, states, strict=True)))
    for file, answer in zip(files, answers, strict=True):
        if "refused" in answer:
            raise WrongInput(f"{file} {answer['refused']}\n{remedy}")
    return [Pickled(_tuples(answer["shapes"]), answer["arguments"], answer["half"]) for answer in answers]


@cache
def _answers(*states: tuple[Path, int, int]) -> list[dict[str, Any]]:
    files = [str(file) for file, _size_bytes, _modified_ns in states]
    if not files:
        return []
    if "torch" in sys.modules:  # another process would have to import it once more
        return [_answer(file) for file in files]
    command = [sys.executable, "-m", __name__, *files]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        last = child.stderr.strip().rpartition("\n")[2]
        return [{"refused": f"cannot be read: python ends with {child.returncode} {last}"}] * len(files)
    answers: list[dict[str, Any]] = json.loads(child.stdout)
    return answers


def _tuples(shapes: Mapping[str, Sequence[int]] | None) -> Shapes | None:
    return None if shapes is None else {name: tuple(shape) for name, shape in shapes.items()}


def _answer(file: str) -> dict[str, Any]:
    import torch

    try:
        with torch.serialization.safe_globals([Namespace]), warnings.catch_warnings(action="ignore"):
            content = torch.load(file, map_location="meta", weights_only=True)  # "meta": without the numbers
        arguments = _arguments(content) if isinstance(content, dict) else None
        state = content if arguments is None else content.get("model")
        shapes = _shapes(state, file)
        half = shapes is not None and any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in state.values())
    except Exception as error:  # a broken file may raise anything
        return {"refused": _reason(error)}
    return {"shapes": shapes, "arguments": arguments, "half": half}


def _shapes(state: Any, file: str) -> dict[str, Sequence[int]] | None:
    import torch

    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        return None
    if zipfile.is_zipfile(file):
        _check_numbers(list(state.values()), file)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _check_numbers(tensors: Sequence[Tensor], file: str) -> None:
    # torch finds where in the archive a storage begins, and doesn't ask whether as many bytes are there.
    storages = [tensor.untyped_storage() for tensor in tensors]
    needed = {storage._checkpoint_offset: storage.nbytes() for storage in storages}
    with zipfile.ZipFile(file) as archive:
        members = [item for item in archive.infolist() if PurePosixPath(item.filename).parent.name == "data"]
    if sum(needed.values()) > sum(member.file_size for member in members):
        raise EOFError("numbers are missing")


def _arguments(held: Mapping[str, Any]) -> dict[str, Any] | None:
    cfg = held.get("cfg")
    found = cfg.get("model") if held.get("args") is None and isinstance(cfg, dict) else held.get("args")
    found = vars(found) if isinstance(found, Namespace) else found
    return found if isinstance(found, dict) else None


def _reason(error: Exception) -> str:
    said = str(error)
    if name := re.search(r"GLOBAL (\S+)", said):
        return f"would run {name[1]} when loaded; refused"
    if "TorchScript" in said:
        return "is a program (TorchScript), no tensors by name"
    if reason := re.search(r"WeightsUnpickler error:(.{,150})", said):
        return f"is corrupt, or cannot be read without running it: {reason[1].strip() or 'its pickle breaks off'}"
    return f"is cut off or corrupt: {type(error).__name__}"


if __name__ == "__main__":
    print(json.dumps([_answer(file) for file in sys.argv[1:]], default=str, skipkeys=True))

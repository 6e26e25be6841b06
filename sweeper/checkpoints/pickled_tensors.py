"""Shapes of the tensors in a file of torch.save, read without running what it asks for.

Such a file is a zip archive: data.pkl, a pickle that rebuilds tensors from storages, and a member for each storage.
A pickle can call anything that can be imported. Here each name it asks for is looked up in a short list of stand-ins,
and any other is refused before it is called (docs.python.org/3/library/pickle.html, "Restricting Globals").
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from sweeper.trial import WrongInput

REMEDY = "save it as safetensors: from_pretrained(…).save_pretrained(DIR), on a machine that may run it"
LARGEST_PICKLE_BYTES = 100_000_000  # of a hundred thousand tensors' names and shapes
BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}


@dataclass(frozen=True)
class Storage:
    """Numbers that tensors are views of: the archive's member and how many bytes are to be there."""

    member: str
    size_bytes: int


@dataclass(frozen=True)
class Tensor:
    """What is known of a tensor without its numbers."""

    storage: Storage
    shape: tuple[int, ...]


def pickle_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape. Raises WrongInput for anything that is not a state dict saved as a zip archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            tensors, root = read_tensors(file, archive)
            sizes = {member.filename: member.file_size for member in archive.infolist()}
    except zipfile.BadZipFile as error:
        with file.open("rb") as stream:
            cut = stream.read(2) == b"PK"
        said = "is cut off or corrupt" if cut else "is a pickle of the old kind, which is not looked into"
        raise WrongInput(f"{file} {said}\n{REMEDY}") from error
    for name, tensor in tensors.items():
        if sizes.get(str(root / "data" / tensor.storage.member), -1) < tensor.storage.size_bytes:
            refuse(file, f"is corrupt: the numbers of {name} are not all there")
    return {name: tensor.shape for name, tensor in tensors.items()}


def read_tensors(file: Path, archive: zipfile.ZipFile) -> tuple[dict[str, Tensor], PurePosixPath]:
    """Return the tensors of an archive, and the folder in it that all lies in."""
    members = [member for member in archive.infolist() if PurePosixPath(member.filename).name == "data.pkl"]
    if len(members) != 1 or members[0].file_size > LARGEST_PICKLE_BYTES:
        refuse(file, "is no file of torch.save")
    try:
        found = TensorReader(file, archive.read(members[0])).load()
    except WrongInput:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise WrongInput(f"{file} is corrupt: {type(error).__name__} when reading its data.pkl\n{REMEDY}") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        refuse(file, "holds something else than tensors by name")
    return dict(found), PurePosixPath(members[0].filename).parent


class TensorReader(pickle.Unpickler):
    """Unpickles tensors as what is known of them; refuses every name that they do not need."""

    def __init__(self, file: Path, content: bytes):
        super().__init__(BytesIO(content))
        self.file = file

    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in for a name that tensors need. Raises WrongInput for any other."""
        stand_ins = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): rebuilt_tensor,
            ("torch._utils", "_rebuild_tensor"): rebuilt_tensor,
            ("torch._utils", "_rebuild_parameter"): rebuilt_parameter,
        }
        if module == "torch" and name in BYTES:
            return name
        if (module, name) not in stand_ins:
            raise WrongInput(f"{self.file} would run {module}.{name} when loaded; refused\n{REMEDY}")
        return stand_ins[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        """Return a storage for ("storage", its type, its member, where it was, how many numbers)."""
        _, kind, member, _, count = pid
        return Storage(str(member), BYTES[kind] * int(count))


def rebuilt_tensor(storage: Storage, _offset: int, shape: tuple[int, ...], *_: Any) -> Tensor:
    """Stand in for torch._utils._rebuild_tensor and its second version."""
    assert isinstance(storage, Storage) and math.prod(shape) >= 0
    return Tensor(storage, tuple(shape))


def rebuilt_parameter(tensor: Tensor, *_: Any) -> Tensor:
    """Stand in for torch._utils._rebuild_parameter."""
    return tensor


def refuse(file: Path, said: str) -> NoReturn:
    """Raise WrongInput with what is wrong with a file."""
    raise WrongInput(f"{file} {said}\n{REMEDY}")

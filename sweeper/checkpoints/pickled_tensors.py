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
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO, Any, NoReturn

from sweeper.errors import WrongInput

REMEDY = "save it as safetensors: from_pretrained(…).save_pretrained(DIR), on a machine that may run it"
StandIns = Mapping[tuple[str, str], Any]  # (module, name) -> what takes its place
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
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
COUNT_BYTES = 8


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


@dataclass(frozen=True)
class Pickled:
    """What a file's pickle holds, tensors as `Tensor`, and how many bytes of each storage's numbers are there."""

    file: Path
    content: Any
    stored_bytes: Mapping[str, int]
    remedy: str

    def shapes(self, tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of some of its tensors. Raises WrongInput when the numbers of one are not all there."""
        for name, tensor in tensors.items():
            if self.stored_bytes.get(tensor.storage.member, -1) < tensor.storage.size_bytes:
                refuse(self.file, f"is corrupt: the numbers of {name} are not all there", self.remedy)
        return {name: tensor.shape for name, tensor in tensors.items()}


def pickle_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape. Raises WrongInput for anything that is not a state dict saved as a zip archive."""
    if not is_zip(file):
        refuse(file, "is a pickle of the old kind, which is not looked into")
    found = read_zip(file)
    if not is_state(found.content):
        refuse(file, "holds something else than tensors by name")
    return found.shapes(found.content)


def is_zip(file: Path) -> bool:
    """Whether a file begins as a zip archive, cut off or not."""
    with file.open("rb") as stream:
        return stream.read(2) == b"PK"


def is_state(content: Any) -> bool:
    """Whether something is a state dict: tensors by name."""
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


def read_zip(file: Path, others: StandIns = MappingProxyType({}), remedy: str = REMEDY) -> Pickled:
    """Read what torch.save wrote since 1.6. Raises WrongInput for names that neither tensors nor `others` need."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if PurePosixPath(member.filename).name == "data.pkl"]
            if len(members) != 1 or members[0].file_size > LARGEST_PICKLE_BYTES:
                refuse(file, "is no file of torch.save", remedy)
            content = TensorReader(file, BytesIO(archive.read(members[0])), others, remedy).read()
            folder = PurePosixPath(members[0].filename).parent / "data"
            members = [member for member in archive.infolist() if PurePosixPath(member.filename).parent == folder]
    except zipfile.BadZipFile as error:
        raise WrongInput(f"{file} is cut off or corrupt\n{remedy}") from error
    return Pickled(file, content, {PurePosixPath(item.filename).name: item.file_size for item in members}, remedy)


class TensorReader(pickle.Unpickler):
    """Unpickles tensors as what is known of them; refuses every name that they and `others` do not need."""

    def __init__(self, file: Path, stream: IO[bytes], others: StandIns, remedy: str):
        super().__init__(stream)
        self.file = file
        self.others = others
        self.remedy = remedy
        self.storages: dict[str, Storage] = {}

    def read(self) -> Any:
        """Return the next thing that is pickled. Raises WrongInput where it cannot be."""
        try:
            return self.load()
        except WrongInput:
            raise
        except Exception as error:  # a broken pickle may raise anything
            raise WrongInput(
                f"{self.file} is corrupt: its pickle breaks off, {type(error).__name__}\n{self.remedy}"
            ) from error

    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in for a name that is needed. Raises WrongInput for any other."""
        stand_ins = TENSOR_STAND_INS | self.others
        if module == "torch" and name in BYTES:
            return name
        if (module, name) not in stand_ins:
            raise WrongInput(f"{self.file} would run {module}.{name} when loaded; refused\n{self.remedy}")
        return stand_ins[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        """Return a storage for ("storage", its type, its member, where it was, how many numbers, …)."""
        _, kind, member, _, count, *_ = pid
        self.storages[str(member)] = Storage(str(member), BYTES[kind] * int(count))
        return self.storages[str(member)]


def rebuilt_tensor(storage: Storage, _offset: int, shape: tuple[int, ...], *_: Any) -> Tensor:
    """Stand in for torch._utils._rebuild_tensor and its second version."""
    assert isinstance(storage, Storage) and math.prod(shape) >= 0
    return Tensor(storage, tuple(shape))


def rebuilt_parameter(tensor: Tensor, *_: Any) -> Tensor:
    """Stand in for torch._utils._rebuild_parameter."""
    return tensor


TENSOR_STAND_INS = MappingProxyType(
    {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): rebuilt_tensor,
        ("torch._utils", "_rebuild_tensor"): rebuilt_tensor,
        ("torch._utils", "_rebuild_parameter"): rebuilt_parameter,
    }
)


def refuse(file: Path, said: str, remedy: str = REMEDY) -> NoReturn:
    """Raise WrongInput with what is wrong with a file."""
    raise WrongInput(f"{file} {said}\n{remedy}")


def read_old(file: Path, others: StandIns, remedy: str) -> Pickled:
    """Read such a file. Raises WrongInput for names that neither tensors nor `others` need, and when it is cut off."""
    with file.open("rb") as stream:
        reader = TensorReader(file, stream, others, remedy)
        if reader.read() != MAGIC_NUMBER:
            refuse(file, "is no file of torch.save", remedy)
        _version, _sizes, content, keys = (reader.read() for _ in range(4))
        end = stream.tell()
    if not isinstance(keys, list) or not all(str(key) in reader.storages for key in keys):
        refuse(file, "is corrupt: it lists numbers that no tensor is of", remedy)
    stored = {str(key): reader.storages[str(key)].size_bytes for key in keys}
    end += sum(COUNT_BYTES + size for size in stored.values())
    if file.stat().st_size < end:
        refuse(file, f"is cut off: its tensors end at {end} bytes, it has {file.stat().st_size}", remedy)
    return Pickled(file, content, stored, remedy)

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sweeper.checkpoints.weight_files import safetensors_shapes
from sweeper.errors import WrongInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    types: dict[str, type[np.generic]] = {"a": np.float32, "b": np.int64, "none": np.float16}
    shapes = {"a": (2, 3), "b": (5,), "none": (0, 4)}
    held = {name: np.zeros(shapes[name], kind) for name, kind in types.items()}
    save_file(held, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path / "model.safetensors"


def with_header(file: Path, header: object, numbers: bytes = b"") -> None:
    content = json.dumps(header).encode()
    file.write_bytes(len(content).to_bytes(8, "little") + content + numbers)


def entry(begin: int, end: int, **changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [(end - begin) // 4], "data_offsets": [begin, end], **changes}


def test_shapes_are_those_that_were_saved(file: Path) -> None:
    assert safetensors_shapes(file) == {"a": (2, 3), "b": (5,), "none": (0, 4)}


def test_types_that_numpy_lacks_are_read(file: Path) -> None:
    with_header(file, {"a": entry(0, 3, dtype="F6_E2M3", shape=[4])}, bytes(3))
    assert safetensors_shapes(file) == {"a": (4,)}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"weights"),
        lambda file: file.write_bytes(b"some text that is long enough"),
        lambda file: file.write_bytes(file.read_bytes()[:20]),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes() + b"\0"),
        lambda file: file.write_bytes((3).to_bytes(8, "little") + b"{{{"),
        lambda file: with_header(file, []),
        lambda file: with_header(file, {"a": 1}),
        lambda file: with_header(file, {"a": {"shape": [1]}}),
        lambda file: with_header(file, {"a": entry(0, 8, shape=[3])}, bytes(8)),
        lambda file: with_header(file, {"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
        lambda file: with_header(file, {"a": entry(4, 8)}, bytes(8)),
    ],
)
def test_what_is_not_whole_is_refused(file: Path, spoil: Callable[[Path], object]) -> None:
    spoil(file)
    with pytest.raises(WrongInput, match=r"/model\.safetensors is cut off or no safetensors file: ") as refused:
        safetensors_shapes(file)
    assert len(str(refused.value).splitlines()) == 2

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

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


def test_shapes_are_the_library_s(file: Path) -> None:
    with safe_open(file, framework="numpy") as opened:
        names = list(opened.keys())
        assert safetensors_shapes(file) == {name: tuple(opened.get_slice(name).get_shape()) for name in names}
    assert set(names) == {"a", "b", "none"}


def test_types_that_are_not_known_here_are_taken_as_they_are(file: Path) -> None:
    with_header(file, {"a": entry(0, 3, dtype="F6_E2M3", shape=[4])}, bytes(3))
    assert safetensors_shapes(file) == {"a": (4,)}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b""), "is no safetensors file"),
        (lambda file: file.write_bytes(b"weights"), "is no safetensors file"),
        (lambda file: file.write_bytes(b"some text that is long enough"), "is no safetensors file"),
        (lambda file: file.write_bytes(file.read_bytes()[:20]), "is cut off: its header alone has"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is cut off: its tensors have 64 bytes, 63 are there"),
        (lambda file: file.write_bytes(file.read_bytes() + b"\0"), "is corrupt: its tensors"),
        (lambda file: file.write_bytes((3).to_bytes(8, "little") + b"{{{"), "header that cannot be read"),
        (lambda file: with_header(file, []), "header that cannot be read"),
        (lambda file: with_header(file, {"a": 1}), "header that cannot be read"),
        (lambda file: with_header(file, {"a": {"shape": [1]}}), "header that cannot be read"),
        (lambda file: with_header(file, {"a": entry(0, 8, shape=[3])}, bytes(8)), "is corrupt: a and its header"),
        (lambda file: with_header(file, {"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "is corrupt: its tensors"),
        (lambda file: with_header(file, {"a": entry(4, 8)}, bytes(8)), "is corrupt: its tensors"),
    ],
)
def test_what_is_not_whole_is_refused(file: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(file)
    with pytest.raises(WrongInput) as refused:
        safetensors_shapes(file)
    assert said in str(refused.value) and str(file) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 2
    with pytest.raises(Exception, match=r"header|Header|Metadata|metadata|deserializing"):  # the library's judgement
        load_file(file)

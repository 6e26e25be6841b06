from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.identity import recipe_digest, weights_digest
from sweeper.checkpoints.weight_files import safetensors_shapes, weight_files
from sweeper.errors import WrongInput
from sweeper.trial.settings import ArchSettings, PretrainingSettings, setting
from tests.checkpoint_files import write_checkpoint, write_split
from tests.records import trial

ARCH = ArchSettings("tiny")


def checkpoint(directory: Path) -> Checkpoint:
    return Checkpoint("given", directory)


def test_equal_files_elsewhere_are_the_same_weights(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    shutil.copytree(one, tmp_path / "two")
    assert weights_digest(checkpoint(tmp_path / "two")) == weights_digest(checkpoint(one))
    (tmp_path / "two" / "README.md").write_text("not weights")
    assert weights_digest(checkpoint(tmp_path / "two")) == weights_digest(checkpoint(one))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_one_byte_makes_other_weights(tmp_path: Path, name: str) -> None:
    one = write_checkpoint(tmp_path / "one")
    before = weights_digest(checkpoint(one))
    content = bytearray((one / name).read_bytes())
    content[-1] ^= 1
    (one / name).write_bytes(content)
    os.utime(one / name, ns=(1, 1))  # no clock is too coarse for this test
    assert weights_digest(checkpoint(one)) != before


def test_every_part_of_split_weights_counts(tmp_path: Path) -> None:
    one = write_split(tmp_path / "one")
    assert len(weight_files(one)) == 2
    before = weights_digest(checkpoint(one))
    (one / "model-00002-of-00002.safetensors").write_bytes(b"trap")
    assert weights_digest(checkpoint(one)) != before


def test_safetensors_are_taken_before_a_pickle(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    before = weights_digest(checkpoint(one))
    (one / "pytorch_model.bin").write_bytes(b"pickle")
    assert [file.name for file in weight_files(one)] == ["model.safetensors"]
    assert weights_digest(checkpoint(one)) == before


def test_weights_to_be_made_are_known_by_all_that_makes_them() -> None:
    def known(arch: ArchSettings = ARCH, data: str = "data", tokenizer: str = "tokenizer", threads: int = 1) -> str:
        return recipe_digest(arch, data, tokenizer, threads)

    others = [
        known(replace(ARCH, pretraining=PretrainingSettings(updates=7))),
        known(replace(ARCH, layers=3)),
        known(threads=2),
        known(data="other"),
        known(tokenizer="other"),
    ]
    assert len({known(), *others}) == 6
    assert known() == known()


def with_a_later_setting(settings: Any, **given: Any) -> Any:
    """Settings as a newer version would have them, with a field more."""
    kind = make_dataclass("Newer", [("later", str, setting("as ever", since=2))], bases=(type(settings),), frozen=True)
    return kind(**{item.name: getattr(settings, item.name) for item in fields(settings)}, **given)


@pytest.mark.parametrize("part", ["train", "model", "arch", "task", "tokenizer", "data", "framework", "lora"])
def test_a_setting_that_came_later_counts_only_where_it_is_set(part: str) -> None:
    made = trial(framework="lora")
    own = made.framework.lora if part == "lora" else getattr(made, part)

    def newer(**given: Any) -> str:
        settings = with_a_later_setting(own, **given)
        if part == "lora":
            return replace(made, framework=replace(made.framework, lora=settings)).id
        return replace(made, **{part: settings}).id

    assert newer() == newer(later="as ever") == made.id
    assert newer(later="otherwise") != made.id


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

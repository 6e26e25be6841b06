from __future__ import annotations

import os
import shutil
from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.identity import recipe_digest, weights_digest
from sweeper.checkpoints.weight_files import weight_files
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

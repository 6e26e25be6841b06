from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.checkpoints.weights import (
    check_weights,
    checkpoint_rows,
    looks_local,
    weight_files,
    weights_identity,
)
from sweeper.trial import ArchSettings, PretrainingSettings, WrongInput
from tests import checkpoint_shape

ARCH = ArchSettings("tiny", layers=2, width=64, heads=2, feed_forward=128, positions=62)
CONFIG = {**checkpoint_shape.CONFIG, "vocab_size": 500}


def checkpoint(directory: Path, weights: str = "model.safetensors", shape: Mapping[str, object] = CONFIG) -> str:
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(shape))
    (directory / weights).write_bytes(b"weights")
    return str(directory)


def identity(path: str | None, arch: ArchSettings = ARCH, threads: int = 1) -> str:
    return weights_identity(path, arch, "data", "tokenizer", threads)


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_checkpoint_that_fits_is_accepted(tmp_path: Path, weights: str) -> None:
    path = checkpoint(tmp_path / "one", weights)
    check_weights(path, ARCH)
    check_weights(path, replace(ARCH, vocabulary_size=500))
    assert checkpoint_rows(path) == 500


def test_a_hub_name_is_left_to_the_hub() -> None:
    check_weights("owner/name", ARCH)
    assert checkpoint_rows("owner/name") is None
    assert identity("owner/name") == "hub:owner/name"


@pytest.mark.parametrize(
    ("path", "local"), [("owner/name", False), ("name", False), ("./name", True), ("/a", True), ("a/b/c", True)]
)
def test_what_means_a_directory(path: str, local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert looks_local(path) is local


def test_a_directory_that_is_there_is_no_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert looks_local("owner/name")


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("model_type", "roberta-prelayernorm", "arch.encoder.model_type=roberta-prelayernorm"),
        ("num_hidden_layers", 3, "arch.encoder.layers=3"),
        ("hidden_size", 128, "arch.encoder.width=128"),
        ("num_attention_heads", 4, "arch.encoder.heads=4"),
        ("intermediate_size", 256, "arch.encoder.feed_forward=256"),
        ("max_position_embeddings", 514, "arch.encoder.positions=512"),
        ("vocab_size", 400, "arch.encoder.vocabulary_size=400"),
    ],
)
def test_another_shape_is_refused_with_the_setting_that_fits(
    tmp_path: Path, key: str, value: object, remedy: str
) -> None:
    arch = replace(ARCH, vocabulary_size=500)
    with pytest.raises(WrongInput) as refused:
        check_weights(checkpoint(tmp_path / "one", shape={**CONFIG, key: value}), arch)
    assert str(refused.value).endswith(f"\nset: {remedy}")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda directory: shutil.rmtree(directory), "no such directory"),
        (lambda directory: (directory / "config.json").unlink(), r"needed there: config\.json and one of"),
        (lambda directory: (directory / "model.safetensors").unlink(), r"one of model\.safetensors"),
        (lambda directory: (directory / "config.json").write_text("{"), r"config\.json is not valid JSON"),
        (lambda directory: (directory / "config.json").write_bytes(b'"\xff"'), r"config\.json is not valid JSON"),
        (lambda directory: (directory / "config.json").write_text("[]"), r"config\.json holds no settings"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    path = checkpoint(tmp_path / "one")
    spoil(Path(path))
    with pytest.raises(WrongInput, match=said) as refused:
        check_weights(path, ARCH)
    assert len(str(refused.value).splitlines()) <= 3


def test_equal_files_elsewhere_are_the_same_weights(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "one")
    shutil.copytree(path, tmp_path / "two")
    assert identity(str(tmp_path / "two")) == identity(path)
    (tmp_path / "two" / "README.md").write_text("not weights")
    assert identity(str(tmp_path / "two")) == identity(path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_one_byte_makes_other_weights(tmp_path: Path, name: str) -> None:
    path = checkpoint(tmp_path / "one")
    before = identity(path)
    content = bytearray((tmp_path / "one" / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / "one" / name).write_bytes(content)
    assert identity(path) != before


def test_every_part_of_split_weights_counts(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "one", "model.safetensors.index.json")
    for number in (1, 2):
        (tmp_path / "one" / f"model-0000{number}-of-00002.safetensors").write_bytes(b"part")
    assert len(weight_files(Path(path))) == 2
    before = identity(path)
    (tmp_path / "one" / "model-00002-of-00002.safetensors").write_bytes(b"trap")
    assert identity(path) != before


def test_safetensors_are_taken_before_a_pickle(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "one")
    before = identity(path)
    (tmp_path / "one" / "pytorch_model.bin").write_bytes(b"pickle")
    assert [file.name for file in weight_files(Path(path))] == ["model.safetensors"]
    assert identity(path) == before


def test_weights_to_be_made_are_known_by_all_that_makes_them() -> None:
    known = identity(None)
    assert identity(None, replace(ARCH, pretraining=PretrainingSettings(updates=7))) != known
    assert identity(None, replace(ARCH, layers=3)) != known
    assert identity(None, threads=2) != known
    assert weights_identity(None, ARCH, "other", "tokenizer", 1) != known
    assert weights_identity(None, ARCH, "data", "other", 1) != known
    assert identity(None) == known

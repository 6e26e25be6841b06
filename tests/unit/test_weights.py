from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.hub import locate, looks_local
from sweeper.checkpoints.weights import check_weights
from sweeper.trial.settings import ArchSettings, Family
from tests.checkpoint_files import tensors, write_bloom, write_checkpoint, write_split
from tests.refusals import refusal_of

ARCH = ArchSettings("tiny", layers=2, width=64, heads=2, feed_forward=128, positions=62)
BLOOM_ARCH = replace(ARCH, model_type="bloom", feed_forward=256)
INDEX = "model.safetensors.index.json"


def check(directory: Path, arch: ArchSettings = ARCH) -> None:
    family = Family.causal_lm if arch.model_type == "bloom" else Family.encoder
    check_weights(Checkpoint(str(directory), directory), arch, family)


def refusal(directory: Path, arch: ArchSettings = ARCH) -> str:
    return refusal_of(check, directory, arch)


def checkpoint(directory: Path) -> Checkpoint:
    return Checkpoint("given", directory)


def test_a_checkpoint_that_fits_is_accepted(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    check(one)
    check(one, replace(ARCH, vocabulary_size=7))
    assert checkpoint(one).rows == 7
    check(write_checkpoint(tmp_path / "without_head", held=tensors(prefix="")))
    check(write_split(tmp_path / "split"))
    check(write_bloom(tmp_path / "bloom"), BLOOM_ARCH)


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
    arch = replace(ARCH, vocabulary_size=7)
    said = refusal(write_checkpoint(tmp_path / "one", {key: value}), arch)
    assert said.endswith(f"\nset arch=of_model, or {remedy}")


def test_another_shape_of_a_bloom(tmp_path: Path) -> None:
    said = refusal(write_bloom(tmp_path / "one"), replace(BLOOM_ARCH, layers=3))
    assert said.endswith("\nset arch=of_model, or arch.causal_lm.layers=2")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("num_hidden_layers", 3, "lack encoder.layer.2.intermediate.dense.weight of a roberta"),
        ("num_hidden_layers", 1, "more layers than its config.json says, 1"),
        ("hidden_size", 32, "embeddings.word_embeddings.weight: [7, 64] in the weights, [7, 32] by config.json"),
        ("intermediate_size", 256, "dense.weight: [128, 64] in the weights, [256, 64] by config.json"),
        ("max_position_embeddings", 66, "position_embeddings.weight: [64, 64] in the weights, [66, 64] by"),
        ("vocab_size", 8, "word_embeddings.weight: [7, 64] in the weights, [8, 64] by config.json"),
    ],
)
def test_weights_of_another_config_are_refused(tmp_path: Path, key: str, value: object, said: str) -> None:
    one = write_checkpoint(tmp_path / "one", {key: value})
    shape = checkpoint(one).shape()
    assert said in refusal(one, replace(ARCH, **shape))


def test_names_that_transformers_would_not_find_are_refused(tmp_path: Path) -> None:
    said = refusal(write_checkpoint(tmp_path / "one", held=tensors(prefix="module.roberta.")))
    assert "lack embeddings.word_embeddings.weight of a roberta" in said
    assert "module.roberta.embeddings" in said


def test_a_bloom_is_no_encoder(tmp_path: Path) -> None:
    said = refusal(write_bloom(tmp_path / "one"))
    assert "is a bloom, of the family causal_lm; this framework trains encoder" in said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda directory: (directory / "config.json").unlink(), "needed there: config.json and one of"),
        (lambda directory: (directory / "model.safetensors").unlink(), "one of model.safetensors"),
        (lambda directory: (directory / "config.json").write_text("{"), "config.json is not valid JSON"),
        (lambda directory: (directory / "config.json").write_bytes(b'"\xff"'), "config.json is not valid JSON"),
        (lambda directory: (directory / "config.json").write_text("[]"), "config.json holds no settings"),
        (lambda directory: (directory / "config.json").write_text("{}"), "model_type=None\nneeded there: "),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    one = write_checkpoint(tmp_path / "one")
    spoil(one)
    assert said in refusal(one)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model_type", "bert", "has another shape than arch=tiny\nset arch=of_model"),
        ("hidden_size", "64", "hidden_size=64\nneeded there: an integer"),
        ("num_hidden_layers", None, "num_hidden_layers=None\nneeded there: an integer"),
        ("hidden_act", "relu", "hidden_act=relu\nallowed: hidden_act=gelu"),
        ("is_decoder", True, "is_decoder=True\nallowed: is_decoder=False"),
    ],
)
def test_what_is_not_built_here_is_refused(tmp_path: Path, key: str, value: object, said: str) -> None:
    assert said in refusal(write_checkpoint(tmp_path / "one", {key: value}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda directory: (directory / "model-00002-of-00002.safetensors").unlink(), "is missing"),
        (lambda directory: (directory / INDEX).write_text("{"), "is no index of weights"),
        (lambda directory: (directory / INDEX).write_text("[]"), "is no index of weights"),
        (lambda directory: (directory / INDEX).write_text('{"weight_map": {"a": "../a"}}'), "is no index of weights"),
        (
            lambda directory: shutil.copy(
                directory / "model-00001-of-00002.safetensors", directory / "model-00002-of-00002.safetensors"
            ),
            "00002-of-00002.safetensors lacks roberta.encoder.layer.0",
        ),
    ],
)
def test_split_weights_that_are_not_all_there(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    one = write_split(tmp_path / "one")
    spoil(one)
    assert said in refusal(one)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("owner/name", False),
        ("name", False),
        ("owner/name@refs/pr/1", False),
        ("./name", True),
        ("/a", True),
        ("~/a", True),
        ("a/b/c", True),
    ],
)
def test_what_means_a_directory(path: str, local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert looks_local(path) is local


def test_a_directory_that_is_there_is_no_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert locate("owner/name", weights=True).directory == Path("owner/name")


def test_a_home_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/weights", weights=True).directory == tmp_path / "weights"


def test_the_settings_that_a_checkpoint_states(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one", {"initializer_range": 0.05, "hidden_dropout_prob": 0.0})
    assert checkpoint(one).settings() == {
        "model_type": "roberta",
        "layers": 2,
        "width": 64,
        "heads": 2,
        "feed_forward": 128,
        "positions": 62,
        "vocabulary_size": 7,
        "token_types": 1,
        "layer_norm_eps": 1e-5,
        "init_std": 0.05,
        "dropout": 0.0,
        "attention_dropout": 0.1,
    }


def test_the_settings_of_a_bloom_in_its_older_words(tmp_path: Path) -> None:
    one = write_bloom(tmp_path / "one")
    # as in the config.json of bigscience/bloom-560m
    older = {"n_embed": 1024, "n_layer": 24, "num_attention_heads": 16, "vocab_size": 250880, "seq_length": 4096}
    (one / "config.json").write_text(json.dumps({"model_type": "bloom", **older, "attention_dropout": 0.2}))
    settings = checkpoint(one).settings()
    assert (settings["layers"], settings["width"], settings["heads"]) == (24, 1024, 16)
    assert (settings["feed_forward"], settings["positions"], settings["vocabulary_size"]) == (4096, 4096, 250880)
    assert (settings["dropout"], settings["attention_dropout"], settings["init_std"]) == (0.0, 0.2, 0.02)


@pytest.mark.parametrize("pad", [-1, 7, 999])
def test_a_padding_id_that_no_row_has(pad: int, tmp_path: Path) -> None:
    said = refusal(write_checkpoint(tmp_path / "one", {"pad_token_id": pad}))
    assert f"says pad_token_id={pad} of 7 ids and 64 positions" in said and "positions=-" not in said


def test_weights_that_are_integers(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    save_file({name: np.zeros(held.shape, np.int32) for name, held in tensors().items()}, one / "model.safetensors")
    assert "_embeddings.weight as integers" in refusal(one)
    buffers: dict[str, Any] = {"roberta.embeddings.position_ids": np.arange(64)}
    save_file({**tensors(), **buffers}, one / "model.safetensors")
    check(one)

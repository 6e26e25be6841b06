from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.hub import locate, looks_local
from tests.checkpoint_files import write_bloom, write_checkpoint


def checkpoint(directory: Path) -> Checkpoint:
    return Checkpoint("given", directory)


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

"""python -m sweeper.convert SRC DST as a user calls it, on what fairseq itself trained among others."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM

from sweeper.checkpoints.conversion import read_weights
from sweeper.checkpoints.fairseq_directory import checkpoint_in
from sweeper.convert import convert
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import load
from tests.checkpoint_files import Harm, write_bloom, write_checkpoint
from tests.fairseq_files import SYMBOLS, shapes, write_fairseq
from tests.integration.commands import Command
from tests.needs_fairseq import needs_fairseq

SENTENCES = ["bien mal bien", "mal mal", "bien bien bien mal"] * 8


def command(place: Path, arguments: str, module: str = "sweeper.convert") -> Command:
    return Command(["-m", module, *arguments.split()], place)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_there_and_back(tmp_path: Path) -> None:
    write_fairseq(tmp_path / "given", old=True)
    answer = command(tmp_path, "given there").run()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Weights: there: config.json, model.safetensors, tokenizer.json\n")
    assert "model.path=there" in answer.stdout
    assert "model.path=new/back" in command(tmp_path, "there new/back").succeed().stdout
    assert names(tmp_path / "new" / "back") == ["dict.txt", "model.pt", "tokenizer.json"]
    assert names(tmp_path) == ["given", "new", "there"] and names(tmp_path / "new") == ["back"]
    given, back = (read_weights(checkpoint_in(tmp_path / name, name)) for name in ("given", "new/back"))
    copies = {name for name in given if name.endswith(("in_proj_weight", "fc1_bias"))}
    assert back.keys() == given.keys() - copies
    assert (tmp_path / "new" / "back" / "dict.txt").read_text() == "".join(f"{symbol} 1\n" for symbol in SYMBOLS)


@pytest.mark.slow
@needs_fairseq
def test_what_fairseq_trained(tmp_path: Path) -> None:
    """Its own commands' checkpoint: cfg, optimizer, meters and all that a published one does not have."""
    mends = "sweeper.frameworks.fairseq.mends"
    (tmp_path / "text").write_text("\n".join(SENTENCES))
    shutil.copy(write_fairseq(tmp_path / "other") / "dict.txt", tmp_path)
    prepared = "--only-source --trainpref text --validpref text --srcdict dict.txt --destdir data"
    command(tmp_path, f"preprocess {prepared}", mends).succeed()
    shape = "--encoder-layers 2 --encoder-embed-dim 64 --encoder-ffn-embed-dim 128 --encoder-attention-heads 2"
    task = f"data --task masked_lm --criterion masked_lm --arch roberta {shape} --max-positions 62"
    training = "--tokens-per-sample 62 --optimizer adam --lr 1e-3 --batch-size 8 --max-update 2"
    saving = "--no-epoch-checkpoints --save-dir trained --cpu"
    command(tmp_path, f"train {task} {training} {saving}", mends).succeed()
    for file in (tmp_path / "data" / "dict.txt", tmp_path / "other" / "tokenizer.json"):
        shutil.copy(file, tmp_path / "trained")
    (tmp_path / "trained" / "checkpoint_last.pt").unlink()  # checkpoint_best.pt is the only one then
    command(tmp_path, "trained there").succeed()
    given = read_weights(checkpoint_in(tmp_path / "trained", "trained"))
    there, loaded = AutoModelForMaskedLM.from_pretrained(tmp_path / "there", output_loading_info=True)
    assert not any(loaded.values())
    words = given["encoder.sentence_encoder.embed_tokens.weight"]
    assert torch.equal(there.get_output_embeddings().weight, words) and words.abs().max() > 0
    assert load(tmp_path / "there").encode(["mal", "bien"], 9) == [[0, 5, 2], [0, 4, 2]]


def test_a_body_without_a_head_gets_the_one_that_fairseq_needs(tmp_path: Path) -> None:
    write_fairseq(tmp_path / "given")
    convert(tmp_path / "given", tmp_path / "there")
    there = AutoModelForMaskedLM.from_pretrained(tmp_path / "there")
    there.base_model.save_pretrained(tmp_path / "body")
    load(tmp_path / "there").save(tmp_path / "body")
    convert(tmp_path / "body", tmp_path / "back")
    held = read_weights(checkpoint_in(tmp_path / "back", "back"))
    assert {name: tuple(tensor.shape) for name, tensor in held.items()} == {
        name: extents for name, extents in shapes().items() if not name.endswith(("in_proj_weight", "fc1_bias"))
    }
    assert torch.equal(held["encoder.lm_head.dense.weight"], torch.eye(64))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nowhere new", "nowhere: no such directory"),
        ("file new", "file: no such directory"),
        ("fairseq full", "full holds something already"),
        ("fairseq file", "file: file is a file"),
        ("fairseq file/new", "file is a file"),
        ("fairseq fairseq", "fairseq holds something already"),
        ("bloom new", "bloom is a bloom\n  allowed: roberta, "),
        ("empty new", "empty holds no checkpoint of Transformers or fairseq"),
        ("no_tokenizer new", "no_tokenizer must hold one tokenizer; found: none"),
        ("parts new", "parts: the weights lack embeddings.token_type_embeddings.weight"),
        ("eps two/new", "eps: its config.json says layer_norm_eps=1e-12\n  allowed: 1e-05"),
        ("padding new", "padding has 7 rows and pad_token_id=2, its tokenizer 7 ids and <pad> 1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_created(arguments: str, said: str, tmp_path: Path) -> None:
    write_fairseq(tmp_path / "fairseq")
    write_bloom(tmp_path / "bloom")
    write_checkpoint(tmp_path / "parts")
    write_checkpoint(tmp_path / "eps", {"layer_norm_eps": 1e-12})
    write_checkpoint(tmp_path / "padding", {"pad_token_id": 2})
    (write_checkpoint(tmp_path / "no_tokenizer") / "tokenizer.json").unlink()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    shutil.copytree(tmp_path / "empty", tmp_path / "full")
    (tmp_path / "full" / "notes").touch()
    before = sorted(tmp_path.rglob("*"))
    answer = command(tmp_path, arguments).run()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr and answer.stderr.startswith("sweeper: ")
    assert len(answer.stderr.splitlines()) <= 3
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_may_be_there(tmp_path: Path) -> None:
    write_fairseq(tmp_path / "given")
    (tmp_path / "there").mkdir()
    answer = command(tmp_path / "there", "../given .").run()
    assert answer.returncode == 2 and ". is where the command runs" in answer.stderr
    convert(tmp_path / "given", tmp_path / "there")
    assert "model.safetensors" in names(tmp_path / "there")


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_that_runs_something_is_refused_here_and_by_torch(
    old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = write_fairseq(tmp_path / "given", others={"extra_state": Harm()}, old=old)
    with pytest.raises(WrongInput, match=r"would run posix\.system when loaded; refused"):
        convert(given, tmp_path / "there")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        read_weights(checkpoint_in(given, "given"))
    assert names(tmp_path) == ["given"]

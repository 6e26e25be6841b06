"""What Transformers itself writes is what the door lets in, and what it loads is what was written."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from sweeper.checkpoints.architecture import transformers_config
from sweeper.checkpoints.checkpoint import ENCODERS, PREFIXES, Checkpoint
from sweeper.checkpoints.weight_files import tensor_shapes
from sweeper.checkpoints.weights import check_weights, expected_tensors
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.trial.settings import ArchSettings
from tests.checkpoint_files import BLOOM_PIECES, PIECES, Harm, write_tokenizer

ROBERTA = {
    "vocab_size": 11,
    "num_hidden_layers": 3,
    "hidden_size": 8,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 22,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "hidden_dropout_prob": 0.05,
}
BLOOM = {"vocab_size": 11, "n_layer": 3, "hidden_size": 8, "n_head": 4, "pad_token_id": 3, "hidden_dropout": 0.05}


def model(model_type: str, head: bool = True) -> PreTrainedModel:
    """A tiny model of Transformers' own making."""
    config = AutoConfig.for_model(model_type, **(ROBERTA if model_type in ENCODERS else BLOOM))
    if not head:
        return AutoModel.from_config(config)
    return (AutoModelForMaskedLM if model_type in ENCODERS else AutoModelForCausalLM).from_config(config)


def tokenizer(model_type: str, place: Path) -> Tokenizer:
    return load(write_tokenizer(place / "tokenizer.json", PIECES if model_type in ENCODERS else BLOOM_PIECES))


def checked(directory: Path) -> ArchSettings:
    """The shape of a checkpoint that the door lets in."""
    checkpoint = Checkpoint(str(directory), directory)
    arch = ArchSettings(**{"name": "given", **checkpoint.settings()})
    check_weights(checkpoint, arch, checkpoint.family)
    return arch


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("model_type", PREFIXES)
def test_what_is_written_is_what_is_loaded(model_type: str, head: bool, tmp_path: Path) -> None:
    written = model(model_type, head)
    written.save_pretrained(tmp_path / "one")
    arch = checked(tmp_path / "one")
    assert (arch.layers, arch.width, arch.heads, arch.vocabulary_size, arch.dropout) == (3, 8, 4, 11, 0.05)
    config = transformers_config(arch, tokenizer(model_type, tmp_path), labels=("no", "yes"))
    loaded, info = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "one", config=config, output_loading_info=True
    )
    assert all(name.startswith(("classifier.", "score.")) for name in info["missing_keys"])
    held = {name: held for name, held in written.base_model.state_dict().items() if not name.startswith("pooler.")}
    got = loaded.base_model.state_dict()
    assert got.keys() == held.keys()
    for name, numbers in held.items():
        assert torch.equal(got[name], numbers)


@pytest.mark.parametrize("model_type", PREFIXES)
def test_the_tensors_that_are_looked_at_are_those_of_such_a_model(model_type: str, tmp_path: Path) -> None:
    written = model(model_type, head=False)
    written.save_pretrained(tmp_path / "one")
    checkpoint = Checkpoint("one", tmp_path / "one")
    names = {name.removeprefix(PREFIXES[model_type]) for name in tensor_shapes(tmp_path / "one")}
    assert expected_tensors(checkpoint, checkpoint.shape()).keys() <= names
    assert PREFIXES[model_type] == f"{written.base_model_prefix}."


@pytest.mark.parametrize("model_type", ["roberta", "bloom"])
def test_split_weights_and_pickles(model_type: str, tmp_path: Path) -> None:
    written = model(model_type)
    written.save_pretrained(tmp_path / "split", max_shard_size="2KB")
    assert len(list((tmp_path / "split").glob("model-*.safetensors"))) > 1
    written.config.save_pretrained(tmp_path / "pickled")
    torch.save(written.state_dict(), tmp_path / "pickled" / "pytorch_model.bin")
    assert checked(tmp_path / "split") == checked(tmp_path / "pickled")


@pytest.mark.parametrize("model_type", ["roberta", "bloom"])
def test_another_model_s_weights_are_refused(model_type: str, tmp_path: Path) -> None:
    model(model_type).save_pretrained(tmp_path / "one")
    config = AutoConfig.from_pretrained(tmp_path / "one")
    config.vocab_size = 12
    config.save_pretrained(tmp_path / "one")
    with pytest.raises(WrongInput, match=r"word_embeddings\.weight: \[11, 8\] in the weights, \[12, 8\] by config"):
        checked(tmp_path / "one")


def test_positions_are_counted_from_the_tokenizer_s_padding(tmp_path: Path) -> None:
    pieces = {"<unk>": 0, "<s>": 1, "</s>": 2, "x": 3, "<pad>": 4}
    made = load(write_tokenizer(tmp_path / "tokenizer.json", pieces))
    arch = ArchSettings("a", layers=1, width=8, heads=2, feed_forward=8, positions=9)
    encoder = AutoModel.from_config(transformers_config(arch, made))
    longest = torch.full((1, arch.positions), made.bos)
    assert encoder(longest).last_hidden_state.shape == (1, 9, 8)  # the last position has a row
    assert encoder.embeddings.position_embeddings.num_embeddings == 9 + made.pad + 1  # and there is none besides


def test_a_bloom_of_a_shape(tmp_path: Path) -> None:
    arch = ArchSettings("a", "bloom", layers=2, width=8, heads=2, feed_forward=32, dropout=0.2, attention_dropout=0.3)
    config = transformers_config(replace(arch, vocabulary_size=9), tokenizer("bloom", tmp_path), labels=("a", "b", "c"))
    assert (config.n_layer, config.hidden_size, config.n_head, config.vocab_size, config.num_labels) == (2, 8, 2, 9, 3)
    assert (config.hidden_dropout, config.attention_dropout) == (0.2, 0.3)
    assert (config.bos_token_id, config.pad_token_id, config.eos_token_id) == (1, 3, 2)
    made = AutoModel.from_config(config)
    assert made.h[0].mlp.dense_h_to_4h.weight.shape == (arch.feed_forward, arch.width)


def test_a_pickle_that_runs_something_is_refused_here_and_by_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = model("roberta")
    written.config.save_pretrained(tmp_path / "one")
    torch.save({**written.state_dict(), "extra": Harm()}, tmp_path / "one" / "pytorch_model.bin")
    with pytest.raises(WrongInput, match=r"would run posix\.system when loaded; refused"):
        checked(tmp_path / "one")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        AutoModelForMaskedLM.from_pretrained(tmp_path / "one")
    assert not Path("harmed").exists()

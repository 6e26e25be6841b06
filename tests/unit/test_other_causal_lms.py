"""Causal language models that are built as their config.json says: what is known of them without a library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import save_file

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.weights import check_weights
from sweeper.errors import WrongInput
from sweeper.frameworks.lora.checks import check_names, known_layers, matrices
from sweeper.trial.settings import ArchSettings, Family
from tests.checkpoint_files import zeros

# Of config.json as the hub has them, what matters here.
GPT2 = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12,
    "n_positions": 1024, "n_inner": None, "vocab_size": 50257, "resid_pdrop": 0.1, "attn_pdrop": 0.1,
    "initializer_range": 0.02,
}  # fmt: skip
OPT = {
    "architectures": ["OPTForCausalLM"], "model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12,
    "num_attention_heads": 12, "ffn_dim": 3072, "max_position_embeddings": 2048, "vocab_size": 50272, "dropout": 0.1,
    "attention_dropout": 0.0, "init_std": 0.02,
}  # fmt: skip
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 22,
    "num_attention_heads": 32, "intermediate_size": 5632, "max_position_embeddings": 2048, "vocab_size": 32000,
}  # fmt: skip
# Names that few have.
MPT = {
    "architectures": ["MptForCausalLM"], "model_type": "mpt", "d_model": 2048, "n_heads": 16, "n_layers": 24,
    "expansion_ratio": 4, "max_seq_len": 1024, "vocab_size": 50368,
}  # fmt: skip
XGLM = {
    "architectures": ["XGLMForCausalLM"], "model_type": "xglm", "d_model": 1024, "num_layers": 24,
    "attention_heads": 16, "ffn_dim": 4096, "max_position_embeddings": 2048, "vocab_size": 256008, "init_std": 0.02,
    "dropout": 0.1, "attention_dropout": 0.1,
}  # fmt: skip


def write(directory: Path, config: dict[str, Any]) -> Checkpoint:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    return Checkpoint(directory.name, directory)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (GPT2, ("gpt2", 12, 768, 12, 3072, 1024, 50257, 0.02, 0.1, 0.1)),
        (OPT, ("opt", 12, 768, 12, 3072, 2048, 50272, 0.02, 0.1, 0.0)),
        (LLAMA, ("llama", 22, 2048, 32, 5632, 2048, 32000, 0.02, 0.0, 0.0)),
        (MPT, ("mpt", 24, 2048, 16, 8192, 1024, 50368, 0.02, 0.0, 0.0)),
        (XGLM, ("xglm", 24, 1024, 16, 4096, 2048, 256008, 0.02, 0.1, 0.1)),
    ],
    ids=lambda value: value.get("model_type") if isinstance(value, dict) else "",
)
def test_shape_by_the_usual_names(config: dict[str, Any], expected: tuple[Any, ...], tmp_path: Path) -> None:
    checkpoint = write(tmp_path / "model", config)
    assert checkpoint.family is Family.causal_lm
    assert checkpoint.is_built_by_config
    arch = ArchSettings(**checkpoint.settings())
    assert (
        arch.model_type, arch.layers, arch.width, arch.heads, arch.feed_forward, arch.positions, arch.vocabulary_size,
        arch.init_std, arch.dropout, arch.attention_dropout,
    ) == expected  # fmt: skip


def test_a_size_that_config_json_leaves_out_is_the_default_of_its_class(tmp_path: Path) -> None:
    checkpoint = write(tmp_path / "model", {key: value for key, value in GPT2.items() if key != "n_layer"})
    assert checkpoint.settings()["layers"] == 12


@pytest.mark.parametrize("value", ["twelve", -1, True])
def test_a_size_that_is_none_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=rf"says n_layer={value}\nneeded there: a positive integer"):
        write(tmp_path / "model", {**GPT2, "n_layer": value}).settings()


@pytest.mark.parametrize("names", [None, [], ["GPT2Model"], ["GPT2ForSequenceClassification"]])
def test_the_type_tells_where_the_classes_do_not(names: Any, tmp_path: Path) -> None:
    assert write(tmp_path / "model", {**GPT2, "architectures": names}).family is Family.causal_lm


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"model_type": "xlnet", "architectures": ["XLNetLMHeadModel"]}, Family.encoder),
        ({"model_type": "xlnet", "architectures": ["XLNetLMHeadModel"], "attn_type": "uni"}, Family.causal_lm),
        ({"model_type": "xlm", "architectures": ["XLMWithLMHeadModel"]}, Family.encoder),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, Family.encoder),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": True}, Family.causal_lm),
        ({"model_type": "bert"}, Family.encoder),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}, Family.causal_lm),
    ],
)
def test_the_family_is_the_model_s_own(config: dict[str, Any], family: Family, tmp_path: Path) -> None:
    assert write(tmp_path / "model", config).family is family


def test_an_encoder_under_a_causal_head_is_an_encoder(tmp_path: Path) -> None:
    checkpoint = write(tmp_path / "model", {"model_type": "roberta", "architectures": ["RobertaForCausalLM"]})
    assert checkpoint.family is Family.encoder
    assert not checkpoint.is_built_by_config


@pytest.fixture
def held(tmp_path: Path) -> Checkpoint:
    small = {**GPT2, "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9}
    checkpoint = write(tmp_path / "model", small)
    shapes = {"transformer.wte.weight": (9, 8), "transformer.h.0.attn.c_attn.weight": (8, 24)}
    others = {"transformer.h.0.attn.c_attn.bias": (24,), "transformer.ln_f.weight": (8,)}
    save_file(zeros({**shapes, **others}), checkpoint.directory / "model.safetensors")
    return checkpoint


def test_its_weights_are_looked_at_as_far_as_they_are_known(held: Checkpoint) -> None:
    arch = ArchSettings(name="of_model", **held.settings())
    check_weights(held, arch, Family.causal_lm)
    file = held.directory / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(WrongInput, match="cut off"):
        check_weights(held, arch, Family.causal_lm)


def test_target_modules_are_looked_for_among_its_matrices(held: Checkpoint) -> None:
    assert matrices(held.directory) == ["transformer.h.0.attn.c_attn"]
    arch = ArchSettings(**held.settings())
    names = known_layers(arch, str(held.directory)) or []
    check_names(["c_attn"], names, "gpt2")
    check_names(["h.0.attn.c_attn"], names, "gpt2")
    with pytest.raises(WrongInput, match=r"\[c_attn,attn\]: model_type=gpt2 has no layer attn\nallowed: c_attn$"):
        check_names(["c_attn", "attn"], names, "gpt2")
    (held.directory / "model.safetensors").unlink()
    assert known_layers(arch, str(held.directory)) is None  # it must be built


def test_blooms_layers_are_known(tmp_path: Path) -> None:
    bloom = ArchSettings(model_type="bloom", layers=2)
    names = known_layers(bloom, None) or []
    check_names(["query_key_value", "h.1.mlp.dense_4h_to_h", "self_attention.dense"], names, "bloom")
    for wrong in ("key_value", "h.2.mlp.dense_4h_to_h", "lm_head", "word_embeddings"):
        with pytest.raises(WrongInput, match=f"no layer {wrong}\nallowed: query_key_value, dense, dense_h_to_4h"):
            check_names([wrong], names, "bloom")
    assert len(names) == 8


def test_names_match_as_peft_matches_them() -> None:
    check_names(["b"], ["a.b"], "x")
    check_names(["a.b"], ["a.b"], "x")
    with pytest.raises(WrongInput):
        check_names(["b"], ["ab"], "x")

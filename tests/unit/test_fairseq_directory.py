from __future__ import annotations

import os
import zipfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.fairseq_directory import FairseqCheckpoint, checkpoint_in
from sweeper.checkpoints.hub import locate
from sweeper.checkpoints.identity import weights_digest
from sweeper.checkpoints.weights import check_weights
from sweeper.trial.settings import ArchSettings, Family
from tests.checkpoint_files import Harm, write_checkpoint
from tests.fairseq_files import ARGUMENTS, SYMBOLS, shapes, write_dict, write_fairseq
from tests.refusals import refusal_of

ARCH = ArchSettings("tiny", layers=2, width=64, heads=2, feed_forward=128, positions=62)
BODY = "encoder.sentence_encoder."


def check(directory: Path, arch: ArchSettings = ARCH) -> None:
    check_weights(checkpoint_in(directory, str(directory)), arch, Family.encoder)


def refusal(directory: Path, arch: ArchSettings = ARCH) -> str:
    return refusal_of(check, directory, arch)


@pytest.mark.parametrize("old", [False, True])
def test_a_directory_that_fits_is_accepted(old: bool, tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one", old=old)
    check(one)
    found = locate(str(one), weights=True)
    assert isinstance(found, FairseqCheckpoint)
    assert (found.rows, found.pad_id, found.family, found.symbols[4:]) == (7, 1, Family.encoder, SYMBOLS)
    assert ArchSettings("tiny", **found.settings()) == replace(ARCH, vocabulary_size=7)


def test_a_pre_norm_model(tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one", {"encoder_normalize_before": True}, shapes(pre_norm=True))
    check(one, replace(ARCH, model_type="roberta-prelayernorm"))
    assert refusal(one).endswith("set arch=of_model, or arch.encoder.model_type=roberta-prelayernorm")


def test_the_only_checkpoint_of_a_training_is_taken(tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one")
    (one / "model.pt").rename(one / "checkpoint_best.pt")
    check(one)
    (one / "checkpoint_last.pt").touch()
    assert "holds several checkpoints of fairseq: checkpoint_best.pt, checkpoint_last.pt" in refusal(one)


def test_a_config_json_makes_it_transformers_s(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    (one / "model.pt").touch()
    assert type(locate(str(one), weights=True)) is Checkpoint


def test_the_shape_may_be_in_a_cfg(tmp_path: Path) -> None:
    for name, model in {
        "space": Namespace(**ARGUMENTS),
        "plain": {**ARGUMENTS, "_name": "roberta", "arch": None},
    }.items():
        cfg = {"model": model, "common": {"seed": 1}, "optimization": {"lr": [1e-4]}}
        check(write_fairseq(tmp_path / name, others={"args": None, "cfg": cfg}))


def test_defaults_are_the_architecture_s(tmp_path: Path) -> None:
    left_out = dict.fromkeys(
        ("encoder_layers", "encoder_embed_dim", "encoder_ffn_embed_dim", "encoder_attention_heads")
    )
    for arch, expected in {"roberta_base": (12, 768, 3072, 12), "roberta_large": (24, 1024, 4096, 16)}.items():
        one = write_fairseq(
            tmp_path / arch, {**left_out, "arch": arch, "max_positions": None, "tokens_per_sample": 512}
        )
        shape = checkpoint_in(one, "one").shape()
        assert tuple(shape[name] for name in ("layers", "width", "feed_forward", "heads")) == expected
        assert shape["positions"] == 512


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("encoder_layers", 3, "arch.encoder.layers=3"),
        ("encoder_embed_dim", 128, "arch.encoder.width=128"),
        ("encoder_attention_heads", 4, "arch.encoder.heads=4"),
        ("encoder_ffn_embed_dim", 256, "arch.encoder.feed_forward=256"),
        ("max_positions", 512, "arch.encoder.positions=512"),
    ],
)
def test_another_shape_is_refused_with_the_setting_that_fits(
    name: str, value: object, remedy: str, tmp_path: Path
) -> None:
    assert refusal(write_fairseq(tmp_path / "one", {name: value})).endswith(f"set arch=of_model, or {remedy}")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("activation_fn", "gelu_accurate", "gelu"),
        ("pooler_activation_fn", "relu", "tanh"),
        ("adaptive_input", True, False),
        ("encoder_layerdrop", 0.2, 0),
        ("encoder_layers_to_keep", "0,2", None),
        ("quant_noise_pq", 0.1, 0),
        ("layernorm_embedding", False, True),
        ("encoder_learned_pos", False, True),
        ("no_scale_embedding", False, True),
    ],
)
def test_what_transformers_s_model_is_not_is_refused(name: str, value: object, allowed: object, tmp_path: Path) -> None:
    assert refusal(write_fairseq(tmp_path / "one", {name: value})).endswith(
        f": its args say {name}={value}\nallowed: {name}={allowed}"
    )


def test_fairseq_s_own_pre_norm_has_no_norm_of_the_embeddings(tmp_path: Path) -> None:
    assert "layernorm_embedding=False" in refusal(write_fairseq(tmp_path / "one", {"arch": "roberta_prenorm"}))
    assert "arch=bart_base\nallowed: roberta, " in refusal(write_fairseq(tmp_path / "two", {"arch": "bart_base"}))
    assert "arch=None\nallowed: roberta, " in refusal(write_fairseq(tmp_path / "three", {"arch": None}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"{BODY}layers.1.fc2.bias": None}, f"model.pt lacks {BODY}layers.1.fc2.bias"),
        ({f"{BODY}embed_tokens.weight": None}, f"model.pt lacks {BODY}embed_tokens.weight"),
        ({"encoder.lm_head.bias": None}, "model.pt lacks encoder.lm_head.bias"),
        ({f"{BODY}layers.2.fc1.weight": (1,)}, f"model.pt lacks {BODY}layers.2.self_attn.q_proj.weight"),
        ({"encoder.regression_head.weight": (1,)}, "model.pt holds encoder.regression_head.weight\nallowed: RoBERTa"),
        ({f"{BODY}embed_positions.weight": (66, 64)}, "[66, 64] in the weights, [64, 64] by model.pt"),
        ({f"{BODY}layers.0.fc1.weight": (256, 64)}, "[256, 64] in the weights, [128, 64] by model.pt"),
    ],
)
def test_weights_that_are_other_ones_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    held = {name: extents for name, extents in {**shapes(), **changes}.items() if extents is not None}
    assert said in refusal(write_fairseq(tmp_path / "one", held=held))


def test_more_layers_than_the_args_say_are_refused(tmp_path: Path) -> None:
    assert "have more layers than its model.pt says, 2" in refusal(
        write_fairseq(tmp_path / "one", held=shapes(layers=3))
    )


def test_a_pre_norm_model_that_fairseq_would_cut_is_refused(tmp_path: Path) -> None:
    held = shapes(pre_norm=True)
    del held[f"{BODY}version"]
    one = write_fairseq(tmp_path / "one", {"encoder_normalize_before": True}, held)
    assert f"lacks {BODY}version" in refusal(one, replace(ARCH, model_type="roberta-prelayernorm"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda one: write_dict(one / "dict.txt", SYMBOLS[1:]),
            "stands for 6 rows, the embedding in its model.pt has 7",
        ),
        (lambda one: write_dict(one / "dict.txt", (*SYMBOLS, "x")), "stands for 8 rows, the embedding in its"),
        (lambda one: (one / "dict.txt").unlink(), "holds no dict.txt\nneeded there beside model.pt"),
        (lambda one: (one / "dict.txt").write_text("{"), "dict.txt, line 1 is no line of a dictionary"),
        (lambda one: (one / "model.pt").write_text("weights"), "is corrupt, or cannot be read"),
        (lambda one: (one / "model.pt").write_bytes(b""), "is cut off or corrupt"),
        (lambda one: (one / "model.pt").unlink(), "holds no checkpoint of Transformers or fairseq"),
        (lambda one: torch.save([1], one / "model.pt"), "holds no model"),
        (lambda one: torch.save({"model": {"a": 1}}, one / "model.pt"), "holds no model"),
    ],
)
def test_what_is_no_fairseq_directory_is_refused(spoil: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one")
    spoil(one)
    assert said in refusal(one)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_what_is_cut_off_is_refused(share: float, old: bool, tmp_path: Path) -> None:
    file = write_fairseq(tmp_path / "one", old=old) / "model.pt"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert "is cut off" in refusal(tmp_path / "one")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "others",
    [
        {"extra_state": Harm()},
        {"args": Namespace(**ARGUMENTS, x=Harm())},
        {"cfg": {"model": Harm()}},
        {"model": Harm()},
    ],
)
def test_what_would_be_run_is_named_and_never_run(
    others: dict[str, Any], old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(write_fairseq(tmp_path / "one", others=others, old=old))
    assert "model.pt would run posix.system when loaded; refused" in said
    assert not (tmp_path / "harmed").exists()


def test_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    said = refusal(write_fairseq(tmp_path / "one", others={"criterion": torch.nn.Linear(1, 1)}))
    assert "would run torch.nn.modules.linear.Linear when loaded; refused" in said


def test_a_class_that_is_allowed_cannot_be_changed(tmp_path: Path) -> None:
    one = write_fairseq(tmp_path / "one")
    with zipfile.ZipFile(one / "model.pt", "w") as archive:  # setattr(Namespace, "harm", 1), in the pickle's language
        archive.writestr("archive/version", "3")
        archive.writestr("archive/data.pkl", b"\x80\x02cargparse\nNamespace\n(N}X\x04\x00\x00\x00harmK\x01stb.")
    assert "is corrupt, or cannot be read without running it" in refusal(one)
    assert not hasattr(Namespace, "harm")


def test_content_names_the_weights(tmp_path: Path) -> None:
    one, two = write_fairseq(tmp_path / "one"), write_fairseq(tmp_path / "two")
    assert weights_digest(checkpoint_in(one, "one")) == weights_digest(checkpoint_in(two, "two"))
    write_dict(two / "dict.txt", SYMBOLS[::-1])
    os.utime(two / "dict.txt", ns=(1, 1))
    assert weights_digest(checkpoint_in(one, "one")) != weights_digest(checkpoint_in(two, "two"))

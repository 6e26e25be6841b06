"""python -m sweeper.parameters: every part of a built model is what its closed formula gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSequenceClassification

from sweeper.checkpoints.parameter_count import count
from sweeper.checkpoints.parameter_formula import Part, Shape
from sweeper.frameworks.hf import HuggingFace
from sweeper.frameworks.lora.model import adapted
from sweeper.parameters import position_offset
from sweeper.trial.settings import ArchSettings, LoraSettings, TrainedBias
from sweeper.trial.trial import Trial, plain
from tests.integration.commands import Command
from tests.needs_fairseq import needs_fairseq

OWN = "tests.integration.test_parameters"  # where a command finds the frameworks below


class WithCopy(HuggingFace):
    """A framework whose model holds a parameter that nothing counts."""

    def build(self, trial: Trial) -> nn.Module:
        model = super().build(trial)
        model.register_parameter("dead_copy", nn.Parameter(torch.zeros(7)))
        return model


class Stranger(HuggingFace):
    """A framework of one's own with a model of one's own."""

    def build(self, trial: Trial) -> nn.Module:
        return nn.Linear(3, 2)


def command(place: Path, *arguments: str) -> Command:
    return Command(["-m", "sweeper.parameters", *arguments], place)


def rows(said: str) -> dict[str, list[str]]:
    """Numbers at the end of each row of the table."""
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        name, _, rest = line.strip().partition("  ")
        found.setdefault(name, rest.split())
    return found


ENCODERS = ("roberta", "roberta-prelayernorm", "camembert", "xlm-roberta")
MODELS = (
    *((name, head) for name in ENCODERS for head in (AutoModelForSequenceClassification, AutoModelForMaskedLM)),
    ("bloom", AutoModelForSequenceClassification),
    ("bloom", AutoModelForCausalLM),
)


@pytest.mark.parametrize(("model_type", "head"), MODELS)
def test_every_model_that_is_built_here_is_what_the_formulas_give(model_type: str, head: Any) -> None:
    bloom = model_type == "bloom"
    arch = ArchSettings("x", model_type, layers=3, width=32, heads=4, feed_forward=128 if bloom else 48, positions=20)
    own = {"n_layer": 3, "n_head": 4} if bloom else {"num_hidden_layers": 3, "num_attention_heads": 4}
    config = AutoConfig.for_model(
        model_type,
        vocab_size=100,
        hidden_size=32,
        pad_token_id=3,
        num_labels=5,
        **own,
        **({} if bloom else {"intermediate_size": 48, "max_position_embeddings": 24, "type_vocab_size": 1}),
    )
    with torch.device("meta"):
        model = head.from_config(config)
    shape = Shape.of(arch, 100, position_offset(model), classes=5)
    counts = count(model)
    assert shape.offset == (0 if bloom else 4)
    assert counts.mismatches(shape) == []
    assert counts.total == sum(parameter.numel() for parameter in model.parameters())
    assert set(counts.parts) >= {Part.WORDS, Part.LAYER_NORMS}


@pytest.mark.parametrize(
    "targets", [["query_key_value"], ["dense"], ["mlp.dense_4h_to_h", "dense_h_to_4h"], ["self_attention.dense"]]
)
@pytest.mark.parametrize("bias", ["none", "all", "lora_only"])
def test_an_adapter_is_what_its_formula_gives(targets: list[str], bias: str) -> None:
    config = AutoConfig.for_model("bloom", vocab_size=100, hidden_size=32, n_layer=3, n_head=4)
    with torch.device("meta"):
        model = adapted(
            AutoModelForCausalLM.from_config(config),
            LoraSettings(r=5, target_modules=tuple(targets), bias=TrainedBias(bias)),
        )
    arch = ArchSettings("x", "bloom", layers=3, width=32, heads=4, feed_forward=128, positions=20)
    shape = replace(Shape.of(arch, 100, 0, classes=0), rank=5, adapted=tuple(targets))
    counts = count(model)
    assert counts.mismatches(shape) == []
    assert counts.parts[Part.ADAPTER] > 0
    assert counts.total == sum(parameter.numel() for parameter in model.parameters())
    trainable, total = model.get_nb_trainable_parameters()
    assert (counts.total - counts.total_frozen, counts.total) == (trainable, total)


def test_lora_at_its_published_size(tmp_path: Path) -> None:
    answer = command(tmp_path, "framework=lora", "arch=bloom_560m").succeed()
    assert answer.stderr == ""
    found = rows(answer.stdout)
    assert found["adapter"][-1] == found["trainable"][-1] == "1,572,864"
    assert found["as trained"] == ["560,787,456"]
    assert found["share trained"] == ["0.28%"]
    assert "  alpha=32: scale: the product counts alpha / r times" in answer.stdout.splitlines()
    settings = [
        line.split("=")[0].strip() for line in answer.stdout.splitlines() if line.startswith("  ") and ":" in line
    ]
    assert [name for name in settings if name in plain(LoraSettings())] == list(plain(LoraSettings()))


@pytest.mark.slow
@needs_fairseq
def test_the_published_counts_in_both_frameworks_from_nothing(tmp_path: Path) -> None:
    wanted = ["framework=hf,fairseq", "arch=roberta_small_fr", "framework.hf.match_fairseq=true"]
    answer = command(tmp_path, "-m", *wanted, "seed=1,2", "model=pt,rd").succeed()
    found = rows(answer.stdout)
    assert found["part"] == ["formula", "hf", "fairseq"]
    assert found["published convention"] == ["22,807,552"] * 2
    assert found["with biases and norms"] == ["22,829,056"] * 2
    assert found["as trained"] == ["23,093,250", "23,092,738"]
    assert found["trainable"] == ["23,092,738"] * 2
    assert found["frozen"] == ["512", "0"]
    assert "= 22,807,552" in answer.stdout and "MISMATCH" not in answer.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_several_shapes_have_a_table_each(tmp_path: Path) -> None:
    answer = command(
        tmp_path, "-m", "arch=roberta_tiny,roberta_prenorm_small", "framework.hf.match_fairseq=true,false"
    ).succeed()
    lines = answer.stdout.splitlines()
    titles = [line for line in lines if line.startswith("Parameters of")]
    assert titles == [
        "Parameters of arch=roberta_tiny (roberta)",
        "Parameters of arch=roberta_prenorm_small (roberta-prelayernorm)",
    ]
    heads = "part formula hf match_fairseq true hf match_fairseq false".split()
    assert [line.split() for line in lines].count(heads) == 2
    assert [line.split()[-2:] for line in lines if line.strip().startswith("frozen  ")] == [["64", "0"], ["256", "0"]]


@pytest.mark.slow
def test_a_model_that_holds_more_than_the_formula_is_told(tmp_path: Path) -> None:
    answer = command(tmp_path, "arch=roberta_tiny", f"framework._target_={OWN}.WithCopy").run()
    assert answer.returncode == 1, answer.stderr
    assert "MISMATCH, hf: dead_copy: 7 in the model, in no formula" in answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("arch=xx", "allowed: bloom_560m, bloom_tiny, of_model"),
        ("arch.encoder.layers=0", "at least 1"),
        ("arch=roberta_tiny,tiny", "-m"),
        (
            f"framework._target_={OWN}.Stranger",
            "no formula is known for the framework's model: it has weight, bias",
        ),
    ],
)
def test_wrong_input(arguments: str, words: str, tmp_path: Path) -> None:
    answer = command(tmp_path, *arguments.split()).run()
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert words in answer.stderr
    assert 1 <= len(answer.stderr.strip().splitlines()) <= 3

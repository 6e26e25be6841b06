"""What framework=fairseq refuses, and the arguments that it means a trial by."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.errors import WrongInput
from sweeper.frameworks.fairseq.arguments import arguments
from tests.composed import trial
from tests.needs_fairseq import needs_fairseq

pytestmark = [needs_fairseq, pytest.mark.usefixtures("composing")]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("task=qa data=qa_demo", r"framework=fairseq does not do task=qa\nallowed: classification"),
        ("arch.encoder.model_type=bert", r"does not do model_type=bert of arch=roberta_tiny\nallowed: roberta, "),
        ("arch.encoder.layer_norm_eps=1e-12", r"layer_norm_eps=1e-12 of arch=roberta_tiny\nallowed: 1e-05"),
        ("train.precision=fp16", r"train\.precision=fp16 needs a GPU\nallowed on a CPU: fp32, bf16"),
        ("data_seed=4294967295", r"data_seed=4294967295 leaves fairseq no room .*\nallowed: at most 4294967290"),
    ],
)
def test_what_fairseq_cannot_do_is_refused(setting: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        trial("framework=fairseq", "model=rd", *setting.split())


def test_looking_for_fairseq_imports_nothing_heavy(tmp_path: Path) -> None:
    command = ["-X", "importtime", "-m", "sweeper.run", "framework=fairseq", "model=rd", "train.precision=fp16"]
    run = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
    assert "needs a GPU" in run.stderr + run.stdout
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert "sweeper" in loaded
    assert loaded.isdisjoint({"fairseq", "torch", "transformers", "numpy"})


def value(given: list[str], name: str) -> str:
    return given[given.index(f"--{name}") + 1]


def test_a_trial_in_fairseqs_own_terms() -> None:
    settings = ["seed=3", "train.batch_size=16", "train.epochs=4", "train.learning_rate=2e-4", "train.warmup_ratio=0.1"]
    given = arguments(trial("framework=fairseq", "model=rd", *settings), 99, Path("data"), Path("here"), Path("file"))
    assert given[0] == "data"
    expected = {
        "task": "sentence_prediction", "num-classes": "2", "init-token": "0", "valid-subset": "valid,test",
        "batch-size": "16", "encoder-layers": "2", "encoder-embed-dim": "64", "encoder-attention-heads": "2",
        "encoder-ffn-embed-dim": "128", "max-positions": "62", "dropout": "0.1", "pooler-dropout": "0.1",
        "lr": "0.0002", "warmup-updates": "9", "total-num-update": "99", "power": "1.0", "max-epoch": "4",
        "max-update": "99", "seed": "3", "save-dir": "here", "finetune-from-model": "file", "adam-betas": "(0.9, 0.98)",
    }  # fmt: skip
    assert {name: value(given, name) for name in expected} == expected
    assert "--cpu" in given
    assert not {"--fp16", "--bf16", "--encoder-normalize-before"} & set(given)


@pytest.mark.parametrize(
    ("setting", "switch"),
    [
        ("train.precision=bf16", "--bf16"),
        ("arch.encoder.model_type=roberta-prelayernorm", "--encoder-normalize-before"),
    ],
)
def test_switches(setting: str, switch: str) -> None:
    assert switch in arguments(trial("framework=fairseq", "model=rd", setting), 1, Path(), Path())


def test_a_gpu_is_used_where_there_is_one() -> None:
    gpu = trial("framework=fairseq", "model=rd", "train.precision=fp16", device="cuda")
    given = arguments(gpu, 1, Path(), Path())
    assert "--fp16" in given
    assert "--cpu" not in given


def test_options_of_fairseq_are_part_of_its_trials_alone() -> None:
    own = "framework.fairseq.initialization=own"
    assert trial("framework=fairseq", "model=rd", own).id != trial("framework=fairseq", "model=rd").id
    assert trial("framework=hf", "model=rd", own).id == trial("framework=hf", "model=rd").id
    preload = "framework.preload=[json]"
    assert trial("framework=fairseq", "model=rd", preload).id == trial("framework=fairseq", "model=rd").id

"""What the command writes, says and refuses, with a framework that trains nothing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.identity import weights_digest
from sweeper.export import main
from sweeper.trial.outcome import Metric, Status
from sweeper.trial.settings import FrameworkSettings, ModelSettings
from tests.checkpoint_files import write_bloom
from tests.records import STEPS_PER_EPOCH, trial, write
from tests.refusals import refusal_of

NOOP = FrameworkSettings("noop", _target_="tests.noop.Noop")


def recorded(study: Path, architecture: str = "BloomForCausalLM") -> Path:
    more = [Metric("test", "perplexity", 2.5, 1, STEPS_PER_EPOCH)]
    record = write(study, replace(trial(), framework=NOOP), [0.75], [0.5], more=more)
    record.best.mkdir()
    (record.best / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (record.best / "tokenizer_config.json").write_text("{}")
    return record.path


def refusal(directory: Path, destination: Path) -> str:
    before = sorted(destination.parent.rglob("*"))
    said = refusal_of(main, [str(directory), str(destination)])
    assert sorted(destination.parent.rglob("*")) == before
    return said


@pytest.mark.parametrize(
    ("architecture", "loader"),
    [
        ("BloomForCausalLM", "AutoModelForCausalLM"),
        ("GPT2LMHeadModel", "AutoModelForCausalLM"),
        ("RobertaForSequenceClassification", "AutoModelForSequenceClassification"),
        ("RobertaForMaskedLM", "AutoModelForMaskedLM"),
        ("SomethingElse", "AutoModel"),
    ],
)
def test_what_is_written_and_said(
    architecture: str, loader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, destination = recorded(tmp_path / "study", architecture), tmp_path / "new" / "weights"
    assert main([str(directory), str(destination)]) == 0
    assert [path.name for path in destination.parent.iterdir()] == ["weights"]
    assert sorted(path.name for path in destination.iterdir()) == ["config.json", "tokenizer_config.json"]
    assert capsys.readouterr().out.splitlines() == [
        f"Weights: {destination}, of epoch 1, step 25: test/accuracy 50.0 %, test/perplexity 2.5",
        f"  load: transformers.{loader}.from_pretrained('{destination}')",
        f"        transformers.AutoTokenizer.from_pretrained('{destination}')",
        "  not measured on validation texts: how framework=noop reads them is its own affair",
    ]


def test_an_empty_directory_is_filled_and_a_full_one_refused(tmp_path: Path) -> None:
    directory, destination = recorded(tmp_path / "study"), tmp_path / "weights"
    destination.mkdir()
    assert main([str(directory), str(destination)]) == 0
    assert "holds something already" in refusal(directory, destination)
    assert "is a file" in refusal(directory, destination / "config.json" / "deeper")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    assert "cannot be written" in refusal(recorded(tmp_path / "study"), tmp_path / "closed" / "weights")


def test_what_is_no_finished_trial_is_refused(tmp_path: Path) -> None:
    failed = write(tmp_path / "study", trial(seed=2), [0.5], [0.5], Status.FAILED)
    running = write(tmp_path / "study", trial(seed=3), [0.5], [0.5], None)
    lost = write(tmp_path / "study", trial(seed=4), [0.5], [0.5])
    assert "is failed, not done\nrun its command again" in refusal(failed.path, tmp_path / "x")
    assert "is interrupted, not done" in refusal(running.path, tmp_path / "x")
    assert "best is missing" in refusal(lost.path, tmp_path / "x")
    for nothing in (tmp_path / "study", tmp_path / "nowhere"):
        assert "is no trial's directory" in refusal(nothing, tmp_path / "x")


def test_an_adapter_needs_the_weights_that_it_was_trained_beside(tmp_path: Path) -> None:
    base = write_bloom(tmp_path / "base")
    digests = {"data": "d" * 64, "tokenizer": "t" * 64, "weights": weights_digest(Checkpoint(str(base), base))}
    described = replace(trial(digests=digests), framework=NOOP, model=ModelSettings("pt", True, str(base)))
    record = write(tmp_path / "study", described, [0.5], [0.5])
    record.best.mkdir()
    (record.best / "adapter_config.json").write_text("{}")
    assert main([str(record.path), str(tmp_path / "one")]) == 0
    (base / "config.json").write_text((base / "config.json").read_text() + " ")
    assert f"{base} holds other weights than" in refusal(record.path, tmp_path / "two")
    base.rename(tmp_path / "moved")
    said = refusal(record.path, tmp_path / "two")
    assert f"is an adapter to the weights in {base}, which are not there\nbring them back there" in said

"""The demo's questions as a user's command trains on them: what tuning brings, and what pretraining."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sweeper.backends import Backend
from sweeper.driver.execute import Recorder
from sweeper.frameworks import inputs
from sweeper.frameworks.lora.model import build
from sweeper.frameworks.lora.questions import trainer_of
from sweeper.records.record import Record
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import Laboratory
from tests.records import best_metrics

WHOLE = (
    "task=qa",
    "data=qa_demo",
    "data.limit=null",
    "train.epochs=5",
    "arch.causal_lm.pretraining.updates=900",
)


@pytest.fixture(scope="module")
def laboratory(outputs: Path, backend: Backend) -> Laboratory:
    return Laboratory(outputs, backend, "lora")


@pytest.mark.slow
def test_tuning_halves_the_perplexity_and_pretraining_helps(laboratory: Laboratory, tmp_path: Path) -> None:
    trials = {model: laboratory.trial(*WHOLE, f"model={model}") for model in ("pt", "rd")}
    inputs.prepare(trials["pt"])
    directories = dict(zip(trials, laboratory.run(trials), strict=True))
    after = {model: best_metrics(directory) for model, directory in directories.items()}
    for model, trial in trials.items():
        before = untuned(trial, tmp_path / model)
        assert after[model]["test/perplexity"] <= before["eval_test_perplexity"] / 2
        assert after[model]["test/exact_match"] > before["eval_test_exact_match"]
    assert after["pt"]["test/exact_match"] >= after["rd"]["test/exact_match"] + 0.1
    assert after["pt"]["test/token_f1"] > after["pt"]["test/exact_match"], "some answers are partly right"


def untuned(trial: Trial, directory: Path) -> Mapping[str, float]:
    """Metrics of a trial's model before its first update."""
    with Record(directory).writing() as writer:
        return trainer_of(trial, directory, Recorder(writer, trial), build(trial)).evaluate()

"""What the command exports of every framework's trials, wherever they lie by now."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sweeper.backends.local.backend import LocalBackend
from sweeper.backends.machine import TRAINING
from sweeper.errors import WrongInput
from sweeper.export import main
from sweeper.frameworks import inputs
from sweeper.records.record import Record
from tests.contracts.frameworks import PARAMETERS, Laboratory
from tests.contracts.test_frameworks import evaluate


@pytest.fixture(scope="module")
def backend() -> Iterator[LocalBackend]:
    with closing(LocalBackend(jobs=2, preload=TRAINING)) as backend:
        yield backend


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.mark.parametrize("model", ["pt", "rd"])
@pytest.mark.parametrize("framework", PARAMETERS)
def test_plain_weights_give_the_recorded_accuracy(
    framework: str, model: str, outputs: Path, backend: LocalBackend, tmp_path: Path
) -> None:
    laboratory = Laboratory(outputs, backend, framework)
    trial = laboratory.trial(f"model={model}", "train.learning_rate=2e-3")
    inputs.prepare(trial)
    (directory,) = laboratory.run({model: trial})
    moved = tmp_path / "elsewhere"
    shutil.copytree(outputs, moved)
    assert main([str(moved / framework / model), str(tmp_path / "plain")]) == 0
    outcome = Record(directory).outcome()
    assert outcome is not None and outcome.best is not None
    accuracy, loss = evaluate(trial, tmp_path / "plain", "test")
    assert outcome.best.metrics["test/accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert outcome.best.metrics["test/loss"] == pytest.approx(loss, rel=1e-5)
    config = json.loads((tmp_path / "plain" / "config.json").read_text())
    assert not {"peft_type", "adapter_config.json"} & {*config, *(path.name for path in (tmp_path / "plain").iterdir())}


def test_a_random_base_that_is_drawn_otherwise_is_refused(outputs: Path, backend: LocalBackend, tmp_path: Path) -> None:
    laboratory = Laboratory(outputs, backend, "lora")
    (directory,) = laboratory.run({"rd": laboratory.trial("model=rd", "train.learning_rate=2e-3")})
    copied = tmp_path / "study" / "trial"
    shutil.copytree(outputs / "cache", tmp_path / "cache")
    shutil.copytree(directory, copied)
    described = json.loads((copied / "trial.json").read_text())
    described["config"]["seed"] = 99
    (copied / "trial.json").write_text(json.dumps(described))
    with pytest.raises(WrongInput, match="belongs to a random base that this machine does not draw again"):
        main([str(copied), str(tmp_path / "plain")])
    assert not (tmp_path / "plain").exists()

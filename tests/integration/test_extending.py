"""What a user adds lies in the user's own directory: YAML and modules, and nothing of the package is touched.

tests/own/ is such a directory: a framework, an architecture, a model and a data set.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sweeper.records.record import records
from sweeper.trial.outcome import Status
from tests.integration.commands import Command
from tests.records import best_metrics

OWN = Path(__file__).parents[1] / "own"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    directory = tmp_path / "own"
    shutil.copytree(OWN, directory, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


@pytest.mark.slow
def test_a_framework_an_arch_a_model_and_a_data_set_of_ones_own(own: Path) -> None:
    sweep = ["-m", "sweeper.run", "--config-dir", "conf", "-m", "framework=bag_of_words,hf", "arch=roberta_wide"]
    sweep += ["model=rd_small_start", "data=shouting", "train.epochs=2", "tracking=none"]
    run = Command(sweep, own).succeed()
    found = {record.path.name.split("-s1-")[0]: record for record in records(own / "outputs" / "shouting")}
    assert set(found) == {"bag_of_words-rd_small_start-shouting", "hf-rd_small_start-shouting"}
    for record in found.values():
        assert record.status() is Status.DONE
        assert {"valid/accuracy", "test/macro_f1"} <= {metric.key for metric in record.metrics()}
    assert "bag_of_words" in run.stdout and "2 of 2" not in run.stdout
    path = found["bag_of_words-rd_small_start-shouting"].path
    export = Command(["-m", "sweeper.export", str(path), "exported"], own).run()
    assert export.returncode == 0, export.stderr
    assert "not measured on validation texts: how framework=bag_of_words reads them" in export.stdout


@pytest.mark.slow
def test_words_alone_learn_the_demo(own: Path) -> None:
    sweep = ["-m", "sweeper.run", "--config-dir", "conf", "framework=bag_of_words", "model=rd", "tracking=none"]
    Command([*sweep, "train.epochs=10"], own).succeed()
    (record,) = records(own / "outputs" / "demo")
    # Much better than chance; but a third of the test's opinion words never occurs with a label.
    assert 0.8 < best_metrics(record.path)["test/accuracy"] < 0.96


def test_what_it_cannot_do_it_refuses_itself(own: Path) -> None:
    run = Command(["-m", "sweeper.run", "--config-dir", "conf", "framework=bag_of_words", "model=pt"], own).run()
    assert run.returncode == 2 and "framework=bag_of_words does not do model=pt" in run.stderr
    assert not (own / "outputs").exists()

"""fairseq beside Transformers in one sweep and in one process, and beside its own command."""

from __future__ import annotations

import logging
import math
import os
import pickle
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.backends.local.backend import LocalBackend
from sweeper.backends.machine import TRAINING
from sweeper.errors import WrongInput
from sweeper.frameworks import load_framework
from tests.contracts.frameworks import Laboratory, best_weights, events, make_trial, run
from tests.contracts.in_process import Silent
from tests.contracts.interruptions import KILLED, run_until
from tests.integration.commands import RUN, Command, record
from tests.needs_fairseq import needs_fairseq
from tests.records import best_metrics
from tests.shared_data import REVIEWS, needs

pytestmark = needs_fairseq

PRELOAD = [*TRAINING, "sweeper.frameworks.fairseq.training"]


@pytest.fixture(scope="module")
def laboratory(outputs: Path) -> Iterator[Laboratory]:
    with closing(LocalBackend(jobs=2, preload=PRELOAD)) as backend:
        yield Laboratory(outputs, backend, "fairseq")


def alone(laboratory: Laboratory) -> dict[str, Path]:
    """A trial of each framework that had a process to itself."""
    trials = {name: make_trial(laboratory.outputs, f"framework={name}") for name in ("hf", "fairseq")}
    directories = laboratory.run({f"{name} alone": trial for name, trial in trials.items()})
    return dict(zip(trials, directories, strict=True))


def state_of_others() -> dict[str, Any]:
    """What fairseq has of its own and others share with it."""
    from hydra.core.config_store import ConfigStore

    root = logging.getLogger()
    return {
        "argv": list(sys.argv),
        "handlers": list(root.handlers),
        "level": root.level,
        "store": sorted(ConfigStore.instance().repo),
    }


def test_frameworks_take_turns_in_one_process(laboratory: Laboratory) -> None:
    expected = alone(laboratory)
    turns = ["hf", "fairseq", "hf", "fairseq"]
    places = [laboratory.place / f"turn {number} {name}" for number, name in enumerate(turns)]
    trials = [make_trial(laboratory.outputs, f"framework={name}") for name in turns]

    def call() -> None:
        before = state_of_others()
        for trial, place in zip(trials, places, strict=True):
            run(trial, place)()
        assert state_of_others() == before

    assert laboratory.call({"turns": call}) == {"turns": ""}, laboratory.log("turns").read_text()
    for name, trial, place in zip(turns, trials, places, strict=True):
        assert events(place) == events(expected[name])
        assert best_weights(trial, place) == best_weights(trial, expected[name])


@pytest.mark.slow
def test_frameworks_take_turns_in_one_sweep(laboratory: Laboratory, place: Path) -> None:
    quick = ["model=rd", "data.limit=44", "train.batch_size=8", "train.epochs=3", "tracking=none"]
    sweep = Command([*RUN, "-m", *quick, "seed=1,2", "framework=hf,fairseq", "study=turns"], place).succeed()
    assert set(re.findall(r"^rd (\w+) +seed 1  done", sweep.stdout, re.MULTILINE)) == {"hf", "fairseq"}
    for name, directory in alone(laboratory).items():
        (found,) = (place / "outputs/turns").glob(f"{name}-rd-demo-s1-*")
        assert events(found) == events(directory)
        (other,) = (place / "outputs/turns").glob(f"{name}-rd-demo-s2-*")
        assert events(other) != events(directory)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "settings", [[], ["framework.fairseq.initialization=own", "train.schedule=cosine"]], ids=["paired", "own"]
)
def test_the_numbers_are_those_of_fairseqs_own_command(
    settings: list[str], outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[dict[str, float]] = []

    class Report(Silent):
        def epoch(self, epoch: int, step: int, metrics: Any) -> bool:
            measured.append(dict(metrics))
            return False

    trial = make_trial(outputs, "framework=fairseq", *settings)
    load_framework(trial).train(trial, tmp_path, Report())
    said = capsys.readouterr().out
    (line,) = re.findall("fairseq's own command: python (.*)", said)
    command = [str(tmp_path / "again") if part == str(tmp_path / "checkpoint") else part for part in shlex.split(line)]
    again = subprocess.run(
        [sys.executable, *command], env=Command([], tmp_path).environment, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    for split in ("valid", "test"):
        lines = re.findall(rf"valid on '{split}' subset \| loss ([\d.]+) .*\| accuracy ([\d.]+)", again.stdout)
        assert [(float(loss), float(accuracy)) for loss, accuracy in lines] == [
            (round(found[f"{split}/loss"] / math.log(2), 3), round(100 * found[f"{split}/accuracy"], 1))
            for found in measured
        ]
    assert (tmp_path / "again/checkpoint_best.pt").exists(), "it is fairseq's own command indeed"


class Code:
    """What a checkpoint that was tampered with may hold."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.trace),)


def test_code_in_a_checkpoint_is_refused_and_not_executed(outputs: Path, tmp_path: Path) -> None:
    from sweeper.frameworks.fairseq.training import LAST

    trial, trace, file = make_trial(outputs, "framework=fairseq"), tmp_path / "trace", tmp_path / "checkpoint" / LAST
    file.parent.mkdir()
    torch.save({"model": {}, "optimizer_history": [{"num_updates": Code(trace)}]}, file)
    with pytest.raises(WrongInput, match=rf"{file} is no checkpoint of fairseq: .*posix\.mkdir.*\nfresh=true"):
        load_framework(trial).train(trial, tmp_path, Silent())
    from fairseq import checkpoint_utils

    with pytest.raises(pickle.UnpicklingError, match=r"posix\.mkdir"):
        checkpoint_utils.load_checkpoint_to_cpu(str(file))
    assert not trace.exists()


def test_half_precision_resumes_from_the_weights_in_full(laboratory: Laboratory) -> None:
    """fairseq itself would go on from the model's halves, and the metrics that are on record could not come again."""
    trial = laboratory.trial("train.precision=bf16")
    (undisturbed,) = laboratory.run({"bf16": trial})
    directory = laboratory.place / "bf16 killed"
    killed = run_until(trial, directory, "killed after epoch 2's metrics")
    assert laboratory.call({directory.name: killed}) == {directory.name: KILLED}
    assert laboratory.call({directory.name: run(trial, directory)}) == {directory.name: ""}
    laboratory.check_same(trial, directory, undisturbed)


@pytest.mark.slow
@needs(REVIEWS)
def test_the_published_experiment_begins(place: Path) -> None:
    settings = ["experiment=pt_vs_rd_cls_books", f"data.path={REVIEWS}", "data.limit=80", "train.max_steps=10"]
    study = [*settings, "framework=fairseq", "model=rd", "seed=1", "tracking=none", "study=books"]
    Command([*RUN, *study], place).succeed()
    found = record(place, "books", 1)
    assert [(metric.key, metric.epoch, metric.step) for metric in found.metrics() if metric.key == "test/loss"] == [
        ("test/loss", 1, 10)
    ]
    assert best_metrics(found.path)["test/loss"] == pytest.approx(math.log(2), abs=0.1)
    assert "num. shared model params" in found.log.read_text()

"""The whole command, as a user runs it: what it trains, what it leaves alone, and how it ends."""

from __future__ import annotations

import json
import re
import resource
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from sweeper.data import SPLITS
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from tests.integration.commands import NOOP, RUN, Command, epochs, launches, record, sweep
from tests.records import best_metrics


@pytest.mark.slow
def test_a_study_from_nothing_to_its_tables_and_on(place: Path) -> None:
    quick = ["data.limit=40", "train.epochs=2", "arch.encoder.pretraining.updates=20"]
    first = Command([*RUN, "-m", "model=pt,rd", "seed=1,2", *quick], place).run()
    assert (first.returncode, first.stderr) == (0, "")
    said = first.stdout.splitlines()
    assert "\x1b" not in first.stdout
    assert said[0] == "demo: 0 of 4 trials are done (4 planned)."
    assert said[1].startswith("data=demo: 40 / 40 / 40 texts (train / validation / test); negative 50 %, positive 50 %")
    for line in ("pt hf seed 2  done", "pretraining roberta_tiny on demo: started"):
        assert line in said
    assert any(line.startswith("rd hf seed 1  epoch 2/2  step 10/10  loss ") for line in said)
    assert "Groups, each trial at its best epoch: mean ± standard deviation over seeds" in said
    assert any(re.fullmatch(r" pt − rd  hf .* 2, 2 *", line) for line in said)
    study = place / "outputs/demo"
    assert {"report.html", "report.md", "report.json", "tables.tex", "trials.csv", "figures"} <= {
        path.name for path in (study / "report").iterdir()
    }
    records = {path.name: Record(path) for path in study.glob("hf-*")}
    assert {(name[:5], known.status(), launches(known)) for name, known in records.items()} == {
        ("hf-pt", Status.DONE, 1),
        ("hf-rd", Status.DONE, 1),
    }
    assert len(records) == 4
    for known in records.values():
        description = known.description()
        assert description is not None
        assert description["facts"]["data"]["class_counts"] == {split: [20, 20] for split in SPLITS}
        assert description["facts"]["splits"]["test"]["examples"] == 40
    with sqlite3.connect(place / "outputs/mlflow.db") as store:
        ended = store.execute("select status, count(*) from runs group by status").fetchall()
    assert ended == [("FINISHED", 5)], "four trials and their study"

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = Command(["-X", "importtime", *RUN, "-m", "model=pt,rd", "seed=1,2", *quick], place).run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert again.returncode == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 6
    imported = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
    assert "hydra" in imported
    assert imported.isdisjoint({"torch", "transformers", "datasets", "mlflow", "scipy.stats", "matplotlib"})
    assert again.stdout.startswith("demo: 4 of 4 trials are done (4 done).\nTrials, each at its best epoch\n")
    tables = first.stdout[first.stdout.index("Trials, each at its best epoch") :]
    assert tables == again.stdout[again.stdout.index("Trials, each at its best epoch") :]
    assert {launches(known) for known in records.values()} == {1}

    more = Command([*RUN, "-m", "model=rd", "seed=1,2,3", *quick], place).succeed()
    assert more.stdout.startswith("demo: 2 of 3 trials are done (")
    assert launches(record(place, "demo/", 3)) == 1
    assert {launches(known) for known in records.values()} == {1}

    old = next(known for name, known in records.items() if name.startswith("hf-rd-demo-s1"))
    numbers = [(metric.key, metric.value) for metric in old.metrics()]
    fresh = Command([*RUN, "model=rd", "seed=1", "fresh=true", *quick], place).succeed()
    assert "rd hf seed 1  done" in fresh.stdout.splitlines()
    assert [(metric.key, metric.value) for metric in old.metrics()] == numbers, "the same seed, the same numbers"
    (shelved,) = (study / ".superseded").iterdir()
    assert shelved.name.startswith(old.path.name)
    assert Record(shelved).status() is Status.DONE


@pytest.mark.slow
def test_a_trial_that_fails_or_is_killed_fails_alone_and_is_tried_again(place: Path, tmp_path: Path) -> None:
    wishes = [
        "+framework.options.raises=2",
        "+framework.options.dies=3",
        f"+framework.options.once={tmp_path / 'once'}",
    ]
    command = ["-m", *NOOP, "seed=1,2,3,4", "train.epochs=3", *wishes]
    run = sweep(place, "mishaps", *command).run()
    assert run.returncode == 1
    records = {seed: record(place, "mishaps", seed) for seed in (1, 2, 3, 4)}
    expected = {1: Status.DONE, 2: Status.FAILED, 3: Status.INTERRUPTED, 4: Status.DONE}
    assert {seed: known.status() for seed, known in records.items()} == expected
    lines = run.stdout.splitlines()
    for seed, words in {2: "RuntimeError: as the test wished", 3: "killed by SIGKILL (out of memory?)"}.items():
        name = records[seed].path.name
        (position,) = (number for number, line in enumerate(lines) if line.startswith(f"{name} {expected[seed]}: "))
        assert words in lines[position]
        assert str(records[seed].log.relative_to(place)) in lines[position + 1]
    assert "in mishap" in records[2].log.read_text(), "the log has the traceback"

    again = sweep(place, "mishaps", *command).succeed()
    assert again.stdout.startswith("mishaps: 2 of 4 trials are done (")
    assert {seed: launches(known) for seed, known in records.items()} == {1: 1, 2: 2, 3: 2, 4: 1}
    assert [epochs(known) for known in records.values()] == [[1, 2, 3]] * 4


@pytest.mark.slow
def test_a_trial_that_dies_is_started_again_when_the_launcher_allows(place: Path, tmp_path: Path) -> None:
    wishes = ["+framework.options.dies=1", f"+framework.options.once={tmp_path / 'once'}"]
    sweep(place, "retries", "-m", *NOOP, "seed=1,2", "train.epochs=3", "hydra.launcher.retries=1", *wishes).succeed()
    assert launches(record(place, "retries", 1)) == 2
    assert epochs(record(place, "retries", 1)) == [1, 2, 3]


@pytest.mark.slow
def test_one_trial_without_multirun(place: Path) -> None:
    run = sweep(place, "one", *NOOP, "seed=0", "train.epochs=2").succeed()
    assert run.stdout.startswith("one: 0 of 1 trials are done (1 planned).\n")
    assert record(place, "one", 0).status() is Status.DONE
    described = json.loads((place / "outputs/one/study.json").read_text())
    assert described["launcher"]["_target_"].endswith("LocalLauncher")


@pytest.mark.slow
def test_a_trial_that_a_sweep_names_twice_is_trained_once(place: Path) -> None:
    run = sweep(place, "repeated", "-m", *NOOP, "seed=1,2,1", "train.epochs=2").succeed()
    said = "1 of 3 combinations are the same trial as another; each is trained once.\n"
    assert run.stdout.startswith(said + "repeated: 0 of 2 trials are done (2 planned).\n")
    assert launches(record(place, "repeated", 1)) == launches(record(place, "repeated", 2)) == 1
    assert len(json.loads((place / "outputs/repeated/study.json").read_text())["trials"]) == 2


@pytest.mark.slow
def test_tracking_that_is_down_harms_nothing(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # an address that takes no connection
        uri = f"tracking.uri=http://127.0.0.1:{taken.getsockname()[1]}"
        run = sweep(place, "untracked", *NOOP, "tracking=sqlite", uri, "seed=1", "train.epochs=2").run()
    assert run.returncode == 0
    assert record(place, "untracked", 1).status() is Status.DONE
    assert "python -m sweeper.sync outputs/untracked" in run.stdout


@pytest.mark.slow
def test_a_report_lies_beside_the_records_and_its_failure_harms_nothing(place: Path) -> None:
    run = sweep(place, "reported", *NOOP, "seed=1", "train.epochs=2").run()
    assert (run.returncode, run.stderr) == (0, "")
    report = place / "outputs/reported/report"
    assert "Report: outputs/reported/report/report.html" in run.stdout.splitlines()
    assert "noop" in (report / "report.html").read_text()
    assert (report / "figures/test_accuracy.pdf").exists()
    written = (report / "report.html").stat().st_mtime_ns
    again = sweep(place, "reported", *NOOP, "seed=1", "train.epochs=2").run()
    assert (again.returncode, (report / "report.html").stat().st_mtime_ns) == (0, written)
    shutil.rmtree(report)
    report.write_text("in the way")
    blocked = sweep(place, "reported", "-m", *NOOP, "seed=1,2", "train.epochs=2").succeed()
    assert record(place, "reported", 2).status() is Status.DONE
    (warning,) = (line for line in blocked.stdout.splitlines() if line.startswith("The report was not written ("))
    assert warning.endswith("later: python -m sweeper.report outputs/reported --write")


OWN = """
class Own:
    def check(self, trial): pass
    def build(self, trial): raise NotImplementedError
    def train(self, trial, directory, report):
        (directory / "best").mkdir(exist_ok=True)
        report.epoch(1, 10, {"train/loss": 1.0, "valid/accuracy": 0.75, "test/accuracy": 0.5})
    def export(self, directory, destination): pass
"""


@pytest.mark.slow
def test_a_users_own_framework_lies_in_the_working_directory(place: Path) -> None:
    (place / "own_framework.py").write_text(OWN)
    (place / "own_conf/framework").mkdir(parents=True)
    (place / "own_conf/framework/own.yaml").write_text("name: own\n_target_: own_framework.Own\n")
    settings = ["model=rd", "data.limit=20", "tracking=none", "hydra.launcher.preload=[torch]", "seed=1,2"]
    sweep(place, "own", "-m", "--config-dir", "own_conf", "framework=own", *settings).succeed()
    assert best_metrics(record(place, "own", 2).path)["test/accuracy"] == 0.5

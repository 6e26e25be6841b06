"""Records in real MLflow stores: an SQLite file, and a server process with its artefact proxy."""

from __future__ import annotations

import json
import math
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from sweeper.analysis.grouping import compare_study
from sweeper.records.files import write_json
from sweeper.records.record import Record, records, supersede
from sweeper.records.study import open_study
from sweeper.report.directory import write_report
from sweeper.tracking.mlflow import synchronise
from sweeper.tracking.runs import GROUPS_SHOWN, Overview
from sweeper.tracking.state import TrackingError, pending, runs_address, study_address, ui_command
from sweeper.trial.outcome import Best, Failure, Metric, Outcome, Status
from tests.contracts.processes import DEADLINE_SECONDS, PROMPT_SECONDS, wait_until
from tests.integration.mlflow_server import free_port, mlflow_server
from tests.records import epochs, trial, write, write_demo


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as uri:
        yield uri


@pytest.fixture(params=["sqlite", "server"])
def uri(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    # The stores outlive a test: every study has a name, and so an experiment, of its own.
    directory = tmp_path / f"study-{tmp_path.parent.name}-{tmp_path.name}"
    write_demo(directory)
    return directory


def overview(study: Path) -> Overview:
    return Overview.of(compare_study(open_study(study)), partial(write_report, study))


def runs_of(study: Path, uri: str) -> list[Run]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def split(runs: list[Run]) -> tuple[Run, dict[str, Run]]:
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    trials = {run.info.run_name: run for run in runs if run is not parent}
    assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in trials.values())
    assert len(trials) == len(runs) - 1
    return parent, trials


def history(uri: str, run: Run, key: str) -> list[tuple[int, int, float]]:
    points = MlflowClient(uri).get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.timestamp, point.value) for point in points)


def snapshot(study: Path, uri: str) -> dict[str, Any]:
    return {
        run.info.run_id: (
            dict(run.info),
            run.data.params,
            run.data.tags,
            {key: history(uri, run, key) for key in run.data.metrics},
        )
        for run in runs_of(study, uri)
    }


def artefact(uri: str, run: Run, path: str, target: Path) -> str:
    target.mkdir(exist_ok=True)
    return Path(MlflowClient(uri).download_artifacts(run.info.run_id, path, str(target))).read_text()


def sync(*arguments: str | Path, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweeper.sync", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False, **options
    )


def plan_with(study: Path, tracking: Mapping[str, str | None]) -> None:
    write_json(study / "study.json", {"schema": 1, "name": study.name, "tracking": tracking})


def test_runs_say_what_the_records_say(study: Path, uri: str, tmp_path: Path) -> None:
    record = Record(study / trial("pt", seed=2).name)
    record.log.write_text("epoch 1\n")
    record.answers.write_text('{"question": "qui ?"}\n')
    synchronise(study, uri, overview(study))
    parent, trials = split(runs_of(study, uri))
    assert sorted(trials) == [record.path.name for record in records(study)]
    run, description = trials[record.path.name], record.description()
    assert description is not None
    expected = {"model": "pt", "framework": "hf", "data": "demo", "seed": "2", "status": "done", "current": "true"}
    expected |= {"group": "pt"}
    assert expected.items() <= run.data.tags.items()
    assert run.data.tags["sweeper.id"] == description["id"]
    parameters = {"seed": "2", "train.learning_rate": "0.001", "train.betas": "[0.9, 0.98]", "model.pretrained": "true"}
    assert parameters.items() <= run.data.params.items()
    assert not [name for name in run.data.params if name.startswith(("framework.lora", "framework.fairseq", "digests"))]
    assert "framework.hf.match_fairseq" in run.data.params
    assert json.loads(artefact(uri, run, "settings.json", tmp_path / "fetched")) == description["config"]
    # tests.records: the curve 0.82, 0.87, 0.92, 0.92, 0.90 at 1000 s + the epoch, 25 steps each; the first tie wins.
    stored = history(uri, run, "valid/accuracy")
    assert [(step, stamp) for step, stamp, _ in stored] == [(25 * n, 1_000_000 + 1000 * n) for n in range(1, 6)]
    assert [value for _, _, value in stored] == pytest.approx([0.82, 0.87, 0.92, 0.92, 0.90])
    best = {"best/valid/accuracy": 0.92, "best/test/accuracy": 0.90, "best/epoch": 3, "best/step": 75}
    assert {key: run.data.metrics[key] for key in best} == pytest.approx(best)
    assert run.info.status == "FINISHED"
    assert run.info.start_time == round(description["created"] * 1000)
    assert run.info.end_time == round((record.path / "outcome.json").stat().st_mtime * 1000)
    assert artefact(uri, run, "train.log", tmp_path / "fetched") == "epoch 1\n"
    assert artefact(uri, run, "answers.jsonl", tmp_path / "fetched") == '{"question": "qui ?"}\n'
    assert artefact(uri, run, "trial.json", tmp_path / "fetched") == (record.path / "trial.json").read_text()
    for path in ("report.html", "trials.csv", "figures/test_accuracy.svg"):
        assert artefact(uri, parent, f"report/{path}", tmp_path / "fetched") == (study / "report" / path).read_text()
    assert (parent.info.status, parent.data.tags["trials"]) == ("FINISHED", "6 done")
    assert parent.data.tags["groups"] == "2"
    described = parent.data.tags["mlflow.note.content"]
    assert "pt or rd: which has the better mean test accuracy?" in described
    assert "**pt beats rd by 20.0 points" in described
    assert "| pt | hf | 92.0 ± 1.0 | 90.0 ± 1.0 | 3 |" in described
    (data,) = MlflowClient(uri).get_run(parent.info.run_id).inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("demo", ("demo" * 8)[:36])
    assert "tests.records.Reviews" in data.dataset.source


def test_more_groups_than_a_store_can_draw_are_in_the_report_and_said_to_be(tmp_path: Path) -> None:
    for number in range(GROUPS_SHOWN + 1):
        write(tmp_path, trial(train={"learning_rate": 1e-3 * (number + 1)}), [0.5], [0.4])
    found = Overview.of(compare_study(open_study(tmp_path)))
    assert found.metrics == {}
    assert found.tags["groups"] == "101, more than 100: numbers in the report only"


def test_again_changes_nothing(study: Path, uri: str) -> None:
    assert pending(study, uri)
    synchronise(study, uri, overview(study))
    assert not pending(study, uri)
    before = snapshot(study, uri)
    assert len(before) == 7
    synchronise(study, uri, overview(study))
    synchronise(study, uri, overview(study), changed_only=True)
    assert snapshot(study, uri) == before
    (study / ".mlflow.json").unlink()
    synchronise(study, uri, overview(study))
    assert snapshot(study, uri) == before


def test_the_study_s_run_has_its_groups_numbers(study: Path, uri: str) -> None:
    synchronise(study, uri, overview(study))
    shown = split(runs_of(study, uri))[0].data.metrics
    # Test values 0.89, 0.90, 0.91: sd 0.01, t(2) = 4.3027, so ln(0.9 / 0.1) ± 0.276, turned back.
    expected = {"n": 3, "test_accuracy_mean": 0.9, "test_accuracy_sd": 0.01}
    expected |= {"test_accuracy_low": 0.87227, "test_accuracy_high": 0.92224, "validation_accuracy_mean": 0.92}
    assert {key: shown[f"groups/pt/{key}"] for key in expected} == pytest.approx(expected, abs=1e-5)
    # Another factor gives the groups other names; MLflow forgets no number, so another run takes the study's place.
    write(study, trial("pt", train={"learning_rate": 0.5}), valid=[0.5], test=[0.4])
    synchronise(study, uri, overview(study), changed_only=True)
    parent, trials = split(runs_of(study, uri))
    assert "groups/pt/test_accuracy_mean" not in parent.data.metrics
    assert not any(map(math.isnan, parent.data.metrics.values()))
    assert (study_address(study, uri) or "").partition("?")[0].endswith(f"/runs/{parent.info.run_id}")
    assert parent.data.metrics["groups/pt learning_rate 0.5/test_accuracy_mean"] == 0.4
    groups = sorted(run.data.tags["group"] for run in trials.values())
    assert groups == sorted(["pt learning_rate 0.5", *["pt learning_rate 0.001"] * 3, *["rd learning_rate 0.001"] * 3])
    before = snapshot(study, uri)
    synchronise(study, uri, overview(study))
    assert snapshot(study, uri) == before


def test_a_run_follows_its_trial(study: Path, uri: str) -> None:
    described = trial("pt", seed=9)
    record, name = Record(study / described.name), described.name
    seen = []

    def look() -> Run:
        assert pending(study, uri)
        synchronise(study, uri, Overview(), changed_only=True)
        run = split(runs_of(study, uri))[1][name]
        seen.append((run.data.tags["status"], run.info.status))
        return run

    metrics = epochs([0.5, 0.6], [0.5, 0.6])
    with record.writing() as writer:
        writer.describe(described.description(), {"command": "first"})
        writer.append(metrics[:3])
        look()
    look()
    with record.writing() as writer:
        writer.finish(Outcome(Status.FAILED, None, 1.0, 1, Failure("MemoryError", "too large", "train.log")))
    assert look().data.tags["error"] == "MemoryError: too large"
    with record.writing() as writer:
        writer.forget_failure()
        writer.append(metrics)
        look()
        writer.finish(Outcome(Status.DONE, Best(2, 50, {"valid/accuracy": 0.6}), 2.0, 1))
    last = look()
    assert seen == [
        ("running", "RUNNING"),
        ("interrupted", "KILLED"),
        ("failed", "FAILED"),
        ("running", "RUNNING"),
        ("done", "FINISHED"),
    ]
    assert "error" not in last.data.tags
    assert [step for step, _, _ in history(uri, last, "valid/accuracy")] == [25, 50]


def test_numbers_that_are_none_arrive(study: Path, uri: str) -> None:
    described = trial("rd", seed=9)
    with Record(study / described.name).writing() as writer:
        writer.describe(described.description(), {"command": "first"})
        writer.append(
            Metric("train", "loss", value, step, step) for step, value in enumerate((1.0, math.nan, math.inf))
        )
    synchronise(study, uri, Overview())
    stored = [value for _, _, value in history(uri, split(runs_of(study, uri))[1][described.name], "train/loss")]
    # MLflow's databases hold no infinity: it becomes the largest number.
    assert stored == [1.0, pytest.approx(math.nan, nan_ok=True), sys.float_info.max]


def test_a_trial_made_anew_is_another_run(study: Path, uri: str) -> None:
    synchronise(study, uri, Overview())
    described = trial("pt", seed=1)
    shelved = supersede(Record(study / described.name))
    write(study, described, valid=[0.3], test=[0.3])
    synchronise(study, uri, Overview(), changed_only=True)
    parent, trials = split(runs_of(study, uri))
    old, new = trials.pop(f"old: {described.name}"), trials[described.name]
    assert (old.data.tags["current"], old.data.metrics["best/valid/accuracy"]) == ("false", pytest.approx(0.91))
    assert (new.data.tags["current"], new.data.metrics["best/valid/accuracy"]) == ("true", pytest.approx(0.3))
    assert old.data.tags["sweeper.id"] == new.data.tags["sweeper.id"]
    assert parent.data.tags["trials"] == "6 done"
    # Brought back, it counts again.
    new_place = study / ".superseded" / "new"
    Record(study / described.name).path.rename(new_place)
    shelved.rename(study / described.name)
    synchronise(study, uri, Overview(), changed_only=True)
    _, trials = split(runs_of(study, uri))
    assert trials[described.name].info.run_id == old.info.run_id
    assert trials[described.name].data.tags["current"] == "true"


def test_studies_of_one_name_share_no_run(study: Path, uri: str, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / study.name
    write_demo(other, seeds=(7,))
    synchronise(study, uri, Overview())
    synchronise(other, uri, Overview())
    synchronise(study, uri, Overview())
    runs = runs_of(study, uri)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert sorted(run.data.tags["trials"] for run in parents) == ["2 done", "6 done"]
    assert [run.data.tags["current"] for run in runs] == ["true"] * 10


def test_two_at_once_make_no_duplicates(study: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    command = [sys.executable, "-m", "sweeper.sync", str(study), "--uri", uri]
    processes = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=DEADLINE_SECONDS) for process in processes] == [0, 0]
    assert len(runs_of(study, uri)) == 7


def test_a_lost_store_is_filled_again(study: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    synchronise(study, uri, Overview())
    # Another file: within a process MLflow keeps a connection to the first.
    moved = f"sqlite:///{tmp_path}/moved.db"
    state = (study / ".mlflow.json").read_text()
    (study / ".mlflow.json").write_text(state.replace("mlflow.db", "moved.db"))
    assert pending(study, moved)
    synchronise(study, moved, overview(study), changed_only=True)
    assert len(runs_of(study, moved)) == 7


def test_the_command_is_quiet_and_leaves_nothing_here(study: Path, uri: str, tmp_path: Path) -> None:
    plan_with(study, {"uri": uri})
    here = tmp_path / "here"
    here.mkdir()
    done = sync(study, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith(f"{study} is in MLflow: ")
    assert len(done.stdout.splitlines()) == 2
    assert list(here.iterdir()) == []
    parent, _ = split(runs_of(study, uri))
    listed = {Path(item.path).name for item in MlflowClient(uri).list_artifacts(parent.info.run_id, "report")}
    assert listed == {path.name for path in (study / "report").iterdir()}
    assert {"report.html", "report.md", "report.json", "trials.csv", "figures"} <= listed


def test_who_has_nothing_new_imports_no_mlflow(study: Path, sqlite: str, tmp_path: Path) -> None:
    synchronise(study, sqlite, overview(study))
    code = f"import sys; from sweeper.sync import main; code = main({[str(study), '--uri', sqlite, '--follow']!r})"
    command = [sys.executable, "-c", f"{code}; print(code, 'mlflow' in sys.modules)"]
    run = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert run.stdout == "0 False\n"


def test_following_ends_with_standard_input_only(study: Path, sqlite: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sweeper.sync", str(study), "--uri", sqlite, "--follow"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=tmp_path, text=True, **pipes)
    wait_until(lambda: not pending(study, sqlite, with_report=False))
    process.send_signal(signal.SIGINT)
    write(study, trial("pt", seed=8), valid=[0.5], test=[0.5])
    assert pending(study, sqlite)
    wait_until(lambda: not pending(study, sqlite, with_report=False))
    write(study, trial("pt", seed=9), valid=[0.5], test=[0.5])
    assert process.communicate(timeout=DEADLINE_SECONDS) == ("", "")
    assert process.returncode == 0
    assert not pending(study, sqlite)  # the report came last
    assert len(runs_of(study, sqlite)) == 9


@pytest.mark.parametrize("follow", [False, True])
def test_a_dead_server_is_one_line(study: Path, tmp_path: Path, follow: bool) -> None:
    dead = f"http://name:secret@127.0.0.1:{free_port()}"
    options = ["--follow"] if follow else []
    done = sync(study, "--uri", dead, *options, cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"MLflow at {dead.replace('name:secret@', '')} cannot be written (")
    assert line.endswith(f"later: python -m sweeper.sync {study}")
    assert "refused" in line
    assert "secret" not in line


def test_a_dead_server_answers_soon(study: Path) -> None:
    with socket.socket() as silent:
        # Takes the connection and says nothing.
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(TrackingError, match="timed out"):
            synchronise(study, f"http://127.0.0.1:{silent.getsockname()[1]}", Overview())
    assert time.monotonic() - began < PROMPT_SECONDS


def test_wrong_input(study: Path, tmp_path: Path) -> None:
    plan_with(study, {"uri": None})
    for arguments, culprit in (
        ([tmp_path / "nothing"], "nothing"),
        ([study], "tracking.uri"),
        ([study, "--uri", "mlruns"], "mlruns"),
        ([study, "--uri", "file:///tmp/mlruns"], "file:///tmp/mlruns"),
    ):
        done = sync(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert culprit in done.stderr.splitlines()[0]
        assert len(done.stderr.splitlines()) <= 3


def test_how_to_open_the_runs(study: Path, server: str, sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs_address(study, sqlite) is None
    synchronise(study, server, Overview())
    assert ui_command(server) == server
    address = runs_address(study, server)
    assert address is not None
    experiment = MlflowClient(server).get_experiment_by_name(study.name)
    assert address == f"{server}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
    monkeypatch.chdir(study)
    program, *arguments = shlex.split(ui_command("sqlite:///my results/mlflow.db"))
    assert arguments == ["ui", "--backend-store-uri", f"sqlite:///{study.resolve()}/my results/mlflow.db"]
    subprocess.run([program, "ui", "--help"], check=True, stdout=subprocess.DEVNULL)

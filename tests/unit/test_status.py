from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sweeper.records.record import Record
from sweeper.records.study import Study, open_study
from sweeper.status import main, statuses
from sweeper.trial.outcome import Failure, Metric, Status
from tests.records import trial, write, write_demo, write_plan
from tests.refusals import refusal_of

TELLS = {"epoch": 2, "step": 30, "steps": 125, "loss": 0.5, "started_step": 10, "started": 100.0, "time": 104.0}


def tell(record: Record) -> None:
    record.progress_file.write_text(json.dumps(TELLS))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    trials = [trial(seed=seed) for seed in range(5)]
    done, failed, interrupted, _, _ = trials
    write(tmp_path, done, [0.5], [0.4])
    error = Failure("OutOfMemoryError", "[red]could not\nallocate \x1b[31m", "elsewhere.log")
    record = write(tmp_path, failed, status=Status.FAILED, error=error)
    record.log.write_text("all that was printed")
    tell(write(tmp_path, interrupted, [0.5], [0.4], status=None))
    tell(write(tmp_path, trials[3], [0.5], [0.4], status=None))
    write_plan(tmp_path, trials)
    return tmp_path


def test_says_where_every_trial_stands(study: Path) -> None:
    with Record(study / trial(seed=3).name).writing():
        found = {item.name: item for item in statuses(open_study(study))}
    done, failed, interrupted, running, planned = (found[trial(seed=seed).name] for seed in range(5))
    assert (done.status, planned.status) == (Status.DONE, Status.PLANNED)
    assert (failed.status, failed.error and failed.error.type) == (Status.FAILED, "OutOfMemoryError")
    assert failed.log == str(study / failed.name / "train.log")
    assert (running.status, running.epoch, running.step, running.steps) == (Status.RUNNING, 2, 30, 125)
    assert running.seconds_left == pytest.approx(4 / 20 * 95)
    assert (interrupted.status, interrupted.step) == (Status.INTERRUPTED, 30)
    assert math.isnan(interrupted.seconds_left)


def test_prints_a_row_a_trial_and_the_errors(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(study)]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line for line in printed.splitlines() if "-demo-" in line}
    assert "30/125" in rows[trial(seed=2).name]
    assert "planned" in rows[trial(seed=4).name]
    assert f"{trial(seed=1).name} failed: OutOfMemoryError: [red]could not\n" in printed
    assert "train.log" in printed
    assert "\x1b" not in printed
    assert printed.endswith("1 done · 1 planned · 2 interrupted · 1 failed\n")


def test_names_what_varies_besides_the_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rate in (1e-3, 1e-4):
        write(tmp_path, trial(train={"learning_rate": rate}), [0.5], [0.4])
    main([str(tmp_path)])
    head, *rows = [line for line in capsys.readouterr().out.splitlines() if "trial" in line or "-demo-" in line]
    assert "learning_rate" in head
    assert sorted(row.split()[1] for row in rows) == ["0.0001", "0.001"]


def test_json_holds_everything(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(study), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["study"]) == (1, study.name)
    assert found["counts"]["interrupted"] == 2
    by_status = {item["status"]: item for item in found["trials"]}
    assert by_status["failed"]["error"]["message"].endswith("\x1b[31m")
    assert (by_status["interrupted"]["steps"], by_status["interrupted"]["seconds_left"]) == (125, None)
    keys = "name status factors metric value collapse epoch step steps seconds_left error log reason"
    keys += " job node job_state job_reason"
    assert [*by_status["planned"]] == keys.split()
    assert (by_status["done"]["metric"], by_status["done"]["value"]) == ("test/accuracy", 0.4)
    assert by_status["planned"]["value"] is None


def test_a_done_trial_shows_what_it_measured(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(study)])
    printed = capsys.readouterr().out.splitlines()
    (head,) = (line for line in printed if line.strip().startswith("trial"))
    assert "test accuracy (%)" in head
    by_name = {line.split()[0]: line.split() for line in printed if "-demo-" in line}
    assert by_name[trial(seed=0).name][1:3] == ["done", "40.0"]
    assert by_name[trial(seed=4).name][1:3] == ["planned", "–"]


def test_values_of_several_metrics_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, trial(), [0.5], [0.4])
    write(tmp_path, trial(seed=2), [0.5], [math.inf])
    loss = {"name": "qa", "selection_metric": "loss", "greater_is_better": False}
    write(tmp_path, trial(task=loss), more=[Metric("valid", "loss", 1.5, 1, 25, 1000.0)])
    main([str(tmp_path)])
    printed = capsys.readouterr().out
    assert "40.0 test accuracy (%)" in printed
    assert "1.500 validation loss" in printed
    main([str(tmp_path), "--json"])
    assert "inf" in [item["value"] for item in json.loads(capsys.readouterr().out)["trials"]]


def test_a_wrong_study_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", seeds=(1,))
    refusal = refusal_of(main, [str(tmp_path / "dmo")])
    assert "there is no directory" in refusal and str(tmp_path / "demo") in refusal


def test_why_a_trial_was_given_up_is_remembered_until_the_next_command(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {seed: trial(seed=seed).name for seed in (0, 2, 4)}
    own = Study(study.name, study, None, {})
    own.remember_ends({names[2]: "killed by SIGKILL", names[0]: "an older one", names[4]: "sbatch: no"})
    main([str(study)])
    printed = capsys.readouterr().out
    assert f"{names[2]} interrupted: killed by SIGKILL\n" in printed
    assert f"{names[4]} planned: sbatch: no\n" in printed
    assert "an older one" not in printed, "it is done by now"
    own.describe([], None)
    main([str(study)])
    assert "SIGKILL" not in capsys.readouterr().out

"""What version 0.1.0 misread is trained anew and the reason said; what it read right is done, by the same command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sweeper.driver.superseded import print_reasons
from sweeper.driver.sweep import plan
from sweeper.driver.sweep_trial import with_records
from sweeper.records.study import Study
from sweeper.report.terminal import terminal
from sweeper.trial.mends import MENDS
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.composed import trial
from tests.integration.commands import Command
from tests.misread import CASES, Case, write_inputs

RECORDS = Path(__file__).parents[1] / "data/version_0_1_0/misread"
MISREAD = {name: case for name, case in CASES.items() if case.mends}
TWINS = {name: case for name, case in CASES.items() if not case.mends}


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    shutil.copytree(RECORDS, tmp_path / "outputs")
    return Path("outputs")


def ids(study: Path) -> list[str]:
    return [json.loads(file.read_text())["id"] for file in study.glob("*/trial.json")]


def said(study: Path, wanted: Trial, capsys: pytest.CaptureFixture[str]) -> str:
    print_reasons(study, [wanted], [wanted], terminal())
    return capsys.readouterr().out


@pytest.mark.usefixtures("composing")
@pytest.mark.parametrize("name", MISREAD)
def test_what_was_misread_is_trained_anew_and_why_is_said(
    name: str, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    wanted = trial(*case.arguments, name=case.name)
    assert [item.status for item in with_records(outputs / name, [wanted])] == [Status.PLANNED]
    assert len(ids(outputs / name)) == 1 and wanted.id not in ids(outputs / name)
    reasons = "; ".join(MENDS[mend] for mend in case.mends)
    expected = f"1 trial is trained anew: {reasons} (the older result stays in the study)\n"
    assert said(outputs / name, wanted, capsys) == expected


@pytest.mark.usefixtures("composing")
@pytest.mark.parametrize("name", TWINS)
def test_its_twin_is_done(name: str, outputs: Path) -> None:
    case = CASES[name]
    wanted = trial(*case.arguments, name=case.name)
    assert [item.status for item in with_records(outputs / name, [wanted])] == [Status.DONE]
    assert ids(outputs / name) == [wanted.id]


@pytest.mark.usefixtures("composing")
@pytest.mark.parametrize("name", MISREAD)
def test_the_same_weights_under_another_path_are_the_same(
    name: str, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    arguments = [text.replace("model.path=", f"model.path={Path.cwd()}/") for text in case.arguments]
    assert MENDS[case.mends[0]] in said(outputs / name, trial(*arguments, name=case.name), capsys)


@pytest.mark.usefixtures("composing")
@pytest.mark.parametrize("fresh", [False, True])
def test_the_start_of_a_run_says_it_unless_everything_is_trained_anew(
    fresh: bool, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = trial(*CASES["head"].arguments)
    plan(Study("head", outputs / "head", None, {}, fresh=fresh), [wanted], terminal())
    shown = capsys.readouterr().out
    assert "head: 0 of 1 trials are done" in shown and ("trained anew" in shown) is not fresh


@pytest.mark.parametrize(("name", "module"), [("head", "sweeper.run"), ("fp16_pretraining", "sweeper.pretrain")])
def test_the_plan_says_it(name: str, module: str, outputs: Path) -> None:
    case: Case = CASES[name]
    command = ["-m", module, *case.arguments, f"study={name}", "tracking=none", "plan=true"]
    shown = Command(command, outputs.parent.absolute()).succeed().stdout
    assert shown.count(f"1 trial is trained anew: {MENDS[case.mends[0]]} (") == 1
    assert "To run: 1 of 1 trials" in shown
    fresh = Command([*command, "fresh=true"], outputs.parent.absolute()).succeed().stdout
    assert "anew:" not in fresh

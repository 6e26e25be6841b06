"""Looking at a study runs nothing of it, whatever its files name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands import Command
from tests.records import trial, write

PLANTED = "from pathlib import Path\nPath(__file__).with_name('RAN').touch()\n"
VIEWS = ("status", "report", "sync")
SHELL = {"_target_": "subprocess.Popen", "args": ["/bin/sh", "-c", "touch outputs/RAN"]}
SLURM = {"_target_": "hydra_plugins.sweeper_launchers.slurm.SlurmLauncher"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Return a study with a trial, a job that waits, and a module that tells when it is imported."""
    study = tmp_path / "outputs/s"
    one = trial("pt")
    write(study, one, [0.5], [0.5])
    (study / one.name / "best").mkdir()
    (study / "payload.py").write_text(PLANTED + "class F:\n    check = build = train = export = None\n")
    describe(study, {"jobs": {one.name: "1"}, "trials": {one.name: one.id}, "name": "s", "launcher": SLURM})
    return study


def describe(study: Path, content: dict[str, Any]) -> None:
    file = study / "study.json"
    known = json.loads(file.read_text()) if file.exists() else {"schema": 1}
    file.write_text(json.dumps(known | content))


def shown(command: str, study: Path) -> tuple[int, str]:
    """Run a command on a study, or on its trial, from where it lies; returns exit code and what it prints."""
    (record,) = (path for path in study.iterdir() if (path / "trial.json").exists())
    arguments = {
        "predictions": [str(study), "--make"],
        "export": [str(record), "exported"],
        "sync": [str(study), "--uri", "sqlite:///runs.db"],
    }
    run = Command(["-m", f"sweeper.{command}", *arguments.get(command, [str(study)])], study.parents[1]).run()
    return run.returncode, run.stderr + run.stdout


def refused(command: str, study: Path, culprit: str) -> None:
    code, said = shown(command, study)
    assert code == 2 and culprit in said and "Traceback" not in said
    assert len(said.splitlines()) <= 3


@pytest.mark.parametrize("launcher", [SHELL, {"_target_": "outputs.s.payload.F"}, {"_target_": "os.system"}, {}])
def test_no_launcher_is_called_that_is_not_installed(launcher: dict[str, Any], study: Path) -> None:
    describe(study, {"launcher": launcher})
    for command in ("watch", "cancel"):
        refused(command, study, "names a launcher that is not installed")
    code, said = shown("status", study)
    assert code == 0 and "names a launcher that is not installed" in said and "1 done" in said
    assert not [*study.parent.rglob("RAN")]


@pytest.mark.parametrize("setting", ["framework", "data"])
@pytest.mark.parametrize("target", ["outputs.s.payload.F", "subprocess.Popen", "this.F"])
def test_no_class_is_loaded_that_lies_with_the_study(setting: str, target: str, study: Path) -> None:
    (record,) = study.glob("*/trial.json")
    described = json.loads(record.read_text())
    described["config"][setting]["_target_"] = target
    record.write_text(json.dumps(described))
    for command in ("watch", "cancel", "export"):
        refused(command, study, f"{setting}._target_={target}")
    for command in VIEWS[:2]:
        assert shown(command, study)[0] == 0
    code, said = shown("predictions", study)
    assert code == 2 and f"no predictions are made: {record.parent}/trial.json: {setting}._target_" in said
    assert "Traceback" not in said
    assert not [*study.parent.rglob("RAN")]


def test_nor_is_a_module_that_a_record_would_have_preloaded(study: Path) -> None:
    (record,) = study.glob("*/trial.json")
    described = json.loads(record.read_text())
    described["config"]["framework"]["preload"] = ["outputs.s.payload"]
    record.write_text(json.dumps(described))
    refused("watch", study, "framework.preload=outputs.s.payload")
    assert not [*study.parent.rglob("RAN")]

"""Studies that version 0.1.0 made (tests/data/version_0_1_0) are read and continued, with nothing trained anew."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.integration.commands import Command

STUDIES = Path(__file__).parents[1] / "data/version_0_1_0"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    shutil.copytree(STUDIES, tmp_path, dirs_exist_ok=True)
    return tmp_path


def made_by(study: Path) -> tuple[str, list[str]]:
    """Return the module and the arguments of the command that made a study."""
    (command,) = json.loads((study / "study.json").read_text())["commands"]
    _, _, module, *arguments = shlex.split(command)
    return module, arguments


def results(study: Path) -> dict[str, bytes]:
    return {str(file.relative_to(study)): file.read_bytes() for file in study.glob("*/[eot]*.json*")}


@pytest.mark.parametrize(("name", "trials"), [("three", 6), ("qa", 1), ("pretrain", 1)])
def test_what_is_done_stays_done(name: str, trials: int, here: Path) -> None:
    study = here / "outputs" / name
    module, arguments = made_by(study)
    before = results(study)
    assert len(before) >= 3 * trials
    shown = Command(["-m", module, *arguments], here).run()
    assert f"{name}: {trials} of {trials} trials are done" in shown.stdout, shown.stdout + shown.stderr
    assert shown.returncode == 0 and results(study) == before
    for view in ("sweeper.status", "sweeper.report"):
        Command(["-m", view, f"outputs/{name}"], here).succeed()


def test_what_was_interrupted_goes_on(here: Path) -> None:
    study = here / "outputs/interrupted"
    (trial,) = study.glob("hf-*")
    known = (trial / "events.jsonl").read_text()
    module, arguments = made_by(study)
    Command(["-m", module, *arguments], here).succeed()
    assert (trial / "events.jsonl").read_text().startswith(known)
    assert json.loads((trial / "outcome.json").read_text())["status"] == "done"
    launches = json.loads((trial / "trial.json").read_text())["provenance"]["launches"]
    assert len(launches) == 2 and launches[0]["versions"]["sweeper"] == "0.1.0"
    first = json.loads((trial / "events.jsonl").read_text().splitlines()[len(known.splitlines())])
    assert first["step"] > 137  # of the checkpoint, 100 updates an epoch

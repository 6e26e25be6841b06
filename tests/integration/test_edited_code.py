"""A framework of one's own that is edited: trained anew, said why, kept where that is wanted; jobs compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeper.records.record import records
from sweeper.trial.outcome import Status
from tests.integration.commands import Command
from tests.records import best_metrics

FRAMEWORK = '''
from pathlib import Path
from own_scale import ACCURACY

class Own:
    """The four methods."""

    def check(self, trial):
        if trial.framework.options.get("edits"):  # as a user may while a job waits
            file = Path("own_scale.py")
            file.write_text(file.read_text() + "MORE = 1\\n")

    def build(self, trial): raise NotImplementedError

    def train(self, trial, directory, report):
        (directory / "best").mkdir(exist_ok=True)
        report.epoch(1, 10, {"train/loss": 1.0, "valid/accuracy": ACCURACY, "test/accuracy": ACCURACY})

    def export(self, directory, destination): pass
'''
END = FRAMEWORK.count("\n") + 1


def sweep(place: Path, *arguments: str) -> Command:
    settings = ["framework.name=own", "framework._target_=own_framework.Own", "model=rd", "data.limit=20"]
    settings += ["tracking=none", "hydra.launcher.preload=[torch]", "study=s", "seed=1,2"]
    return Command(["-m", "sweeper.run", "-m", *settings, *arguments], place)


def accuracies(place: Path) -> list[float]:
    found = (record.path for record in records(place / "outputs/s") if record.status() is Status.DONE)
    return sorted(best_metrics(path)["test/accuracy"] for path in found)


@pytest.mark.slow
def test_a_framework_that_is_edited(tmp_path: Path) -> None:
    module, helper = tmp_path / "own_framework.py", tmp_path / "own_scale.py"
    module.write_text(FRAMEWORK)
    helper.write_text("ACCURACY = 0.75\n")
    sweep(tmp_path).succeed()
    assert accuracies(tmp_path) == [0.75, 0.75]

    module.write_text(FRAMEWORK.replace("The four methods.", "What a framework has.") + "# no more\n")
    run = sweep(tmp_path).succeed()
    assert "s: 2 of 2 trials are done" in run.stdout and "other code" not in run.stdout

    helper.write_text("ACCURACY = 0.5\n")
    planned = sweep(tmp_path, "plan=true").succeed()
    assert "2 trials were done by other code of your own than today's; trained anew" in planned.stdout
    assert "To run: 2 of 2 trials" in planned.stdout
    kept = sweep(tmp_path, "accept_code=true").succeed()
    assert "s: 2 of 2 trials are done" in kept.stdout and "and kept (accept_code=true)" in kept.stdout
    assert accuracies(tmp_path) == [0.75, 0.75]
    anew = sweep(tmp_path).succeed()
    assert "s: 0 of 2 trials are done" in anew.stdout
    assert "2 trials were done by other code" in anew.stdout and "accept_code=true" in anew.stdout
    assert accuracies(tmp_path) == [0.5, 0.5, 0.75, 0.75]

    for record in records(tmp_path / "outputs/s"):
        described = json.loads((record.path / "trial.json").read_text())
        assert set(described["config"]["digests"]) == {"data", "tokenizer", "code"}

    failed = sweep(tmp_path, "+framework.options.edits=true").run()
    assert failed.returncode == 1
    assert "the code of own_framework, or what it imports, has changed since the trial was submitted" in failed.stdout
    assert accuracies(tmp_path) == [0.5, 0.5, 0.75, 0.75]


def test_a_framework_that_raises(tmp_path: Path) -> None:
    for raising, place in (("raise RuntimeError('boom')\n" + FRAMEWORK, 1), (FRAMEWORK + "raise SystemExit(0)\n", END)):
        (tmp_path / "own_framework.py").write_text(raising)
        (tmp_path / "own_scale.py").write_text("ACCURACY = 0.75\n")
        run = sweep(tmp_path).run()
        assert (run.returncode, run.stdout, len(run.stderr.splitlines())) == (2, "", 3)
        assert run.stderr.startswith("sweeper: framework._target_=own_framework.Own cannot be loaded: ")
        assert f"at {tmp_path}/own_framework.py:{place}\n" in run.stderr
        assert not (tmp_path / "outputs").exists()

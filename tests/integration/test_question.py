"""A sweep that says what is compared: its end, its report and its study.json."""

from __future__ import annotations

import json
from pathlib import Path

from sweeper.records.study import question_of
from tests.integration.commands import NOOP, RUN, Command

RATES = "train.learning_rate=1e-4,1e-3"


def test_a_sweep_that_is_asked_ends_with_the_answer(tmp_path: Path) -> None:
    sweep = (*RUN, "-m", *NOOP, "study=s", "train.epochs=1", RATES, "seed=1,2,3", "train.batch_size=4,8")
    primary = "primary={train.batch_size:[4,8]}"
    first = Command([*sweep, "select=train.learning_rate", primary], tmp_path).run()
    assert first.returncode == 0, first.stderr
    assert "Primary comparison: train.batch_size 4 against 8, planned" in first.stdout
    assert "Chosen on validation" in first.stdout and "All values that were tried" in first.stdout
    study = tmp_path / "outputs/s"
    asked = question_of(study)
    assert asked.select == ("train.learning_rate",) and asked.primary is not None and asked.primary.planned
    found = json.loads((study / "report/report.json").read_text())
    assert [(row["first"], row["second"], row["is_primary"], row["family"]) for row in found["comparisons"]] == [
        (4, 8, True, 1)
    ]
    # Nothing is left to run, and the question is another one: the report is made anew.
    again = Command([*sweep, "select=[]"], tmp_path).run()
    assert again.returncode == 0 and "Chosen on validation" not in again.stdout
    found = json.loads((study / "report/report.json").read_text())
    assert found["grid"] == [] and len(found["comparisons"]) == 4

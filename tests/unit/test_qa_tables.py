"""What the tables show of a task of questions."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from sweeper.report.__main__ import main
from sweeper.trial.outcome import Metric
from tests.records import STEPS_PER_EPOCH, rendered, trial, write
from tests.unit.test_notes import facts, said


def test_answers_are_judged_by_perplexity_exact_match_and_f1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = facts((20,), (4,), (6,), leaked={"test": 2}, truncated=(0, 0, 3))
    known["data"]["label_names"] = []
    measured = {"loss": 0.5, "perplexity": 1.6487, "exact_match": 0.25, "token_f1": 0.5}
    more = [
        Metric(split, name, value, 1, STEPS_PER_EPOCH)
        for split in ("valid", "test")
        for name, value in measured.items()
    ]
    write(
        tmp_path,
        trial(task={"name": "qa", "selection_metric": "loss", "greater_is_better": False}),
        facts=known,
        more=more,
    )
    main([str(tmp_path)])
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert ["pt", "hf", "done", "1", *["1.649", "25.0", "50.0"] * 2, "25", "1", "12", "s"] in rows
    assert [line for line in text.splitlines() if "perplexity:" in line]
    assert said(tmp_path)[-2:] == [
        "2 of 6 test questions also stand in train or validation",
        "cut to 62 ids: 3 of 6 test questions",
    ]
    row = next(csv.DictReader(io.StringIO(rendered(tmp_path, "csv"))))
    assert (row["metric"], row["test"], row["test_perplexity"]) == ("loss", "0.5", "1.6487")

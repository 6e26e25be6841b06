"""Combinations that are the same trial."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.commands import NOOP, launches, record, sweep


@pytest.mark.slow
def test_a_trial_that_a_sweep_names_twice_is_trained_once(place: Path) -> None:
    run = sweep(place, "repeated", "-m", *NOOP, "seed=1,2,1", "train.epochs=2")
    assert run.returncode == 0, run.stderr
    said = "1 of 3 combinations are the same trial as another; each is trained once.\n"
    assert run.stdout.startswith(said + "repeated: 0 of 2 trials are done (2 planned).\n")
    assert launches(record(place, "repeated", 1)) == launches(record(place, "repeated", 2)) == 1
    assert len(json.loads((place / "outputs/repeated/study.json").read_text())["trials"]) == 2

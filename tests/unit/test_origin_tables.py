from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sweeper.analysis.costs import cost_rows
from sweeper.analysis.variance import spread_rows
from sweeper.checkpoints.parameter_count import count, recorded
from sweeper.report.tables.origin import origin_facts, origin_tables
from sweeper.trial.outcome import Failure, Outcome, ParameterCounts, Status
from tests.records import compared, rendered, trial, write

COUNTS = ParameterCounts(120, 20, {"word embeddings": 90, "adapter": 20})


def finished(study: Path, seconds: float, counts: ParameterCounts | None = COUNTS, **changes: Any) -> None:
    """A done trial with counts of parameters."""
    record = write(study, trial(**changes), [0.5], [0.5], seconds=seconds)
    outcome = record.outcome()
    assert outcome is not None
    with record.writing() as writer:
        writer.finish(Outcome(outcome.status, outcome.best, seconds, 2**30, None, counts))


def test_cost_is_of_all_trials_failed_ones_included(tmp_path: Path) -> None:
    finished(tmp_path, 1800.0, seed=1, device="cuda")
    finished(tmp_path, 3600.0, seed=2, device="cuda")
    failed = trial(seed=3, device="cuda")
    write(tmp_path, failed, status=Status.FAILED, error=Failure("ValueError", "no", "log"), seconds=900.0)
    write(tmp_path, trial(seed=4, device="cuda"), [0.5], [0.5], status=None)
    (row,) = cost_rows(compared(tmp_path))
    assert (row.trials, row.timed, row.seconds) == (4, 3, 2700.0)
    assert (row.hours, row.gpu_hours, row.on_gpu) == (1.75, 1.75, True)
    assert (row.peak_memory_bytes, row.parameters, row.trainable) == (2**30, 120, 20)


def test_a_cpu_takes_no_gpu_hours_and_older_records_have_no_counts(tmp_path: Path) -> None:
    finished(tmp_path, 36.0, None, seed=1)
    (row,) = cost_rows(compared(tmp_path))
    assert (row.hours, row.gpu_hours, row.parameters) == (0.01, 0.0, None)
    rows = [line.split() for line in rendered(tmp_path).splitlines()]
    assert ["pt", "hf", "1", "36", "s", "0.01", "0", "1.0", "GiB", "–", "–"] in rows


def test_parameters_stand_by_part_with_the_published_convention(tmp_path: Path) -> None:
    finished(tmp_path, 1.0, seed=1)
    finished(tmp_path, 1.0, ParameterCounts(200, 200, {"word embeddings": 100}), model="rd", framework="fairseq")
    rows = [line.split() for line in rendered(tmp_path).splitlines()]
    assert ["word", "embeddings", "90", "100"] in rows and ["adapter", "20", "0"] in rows
    assert ["published", "convention", "90", "100"] in rows
    assert ["as", "trained", "120", "200"] in rows and ["frozen", "100", "0"] in rows


def test_loras_settings_stand_with_their_meanings_where_lora_took_part(tmp_path: Path) -> None:
    write(tmp_path, trial(framework="lora"), [0.5], [0.5])
    text = rendered(tmp_path)
    assert "alpha 32 scale: the product counts alpha / r times" in " ".join(text.split())
    write(tmp_path / "other", trial(), [0.5], [0.5])
    assert "LoRA" not in rendered(tmp_path / "other")


def test_a_models_parameters_are_counted_once_and_without_unused_ones() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = nn.ModuleDict({"word_embeddings": nn.Embedding(10, 4)})
            self.head = nn.Linear(4, 10)
            self.head.weight = self.embeddings["word_embeddings"].weight  # type: ignore[assignment]
            self.spare = nn.Parameter(torch.zeros(7))

    model = Tied()
    model.embeddings.requires_grad_(False)
    assert recorded(count(model, ["spare"])) == ParameterCounts(50, 10, {"word embeddings": 40})
    assert recorded(count(model)).total == 57


def test_spread_by_cause_needs_crossed_seeds(tmp_path: Path) -> None:
    # The table of test_statistics: rows seeds, columns data seeds.
    for seed, row in enumerate([[0.1, 0.2, 0.6], [0.3, 0.6, 0.6]], start=1):
        for data_seed, value in enumerate(row, start=1):
            write(tmp_path / "crossed", trial(seed=seed, data_seed=data_seed), [0.5], [value])
    (found,) = spread_rows(compared(tmp_path / "crossed"))
    assert (found.seeds, found.data_seeds, found.left_out) == (2, 3, 0)
    assert found.components.shares() == pytest.approx((4 / 19, 9 / 19, 6 / 19))
    text = rendered(tmp_path / "crossed")
    assert [*"pt hf 21 % (11.5) 47 % (17.3) 32 % (14.1) 2 × 3 6".split()] in [
        line.split() for line in text.splitlines()
    ]
    assert "two-way random effects" in text and "n counts more than are independent" not in text
    for seed in (1, 2, 3):
        write(tmp_path / "usual", trial(seed=seed), [0.5], [0.5])
    assert list(spread_rows(compared(tmp_path / "usual"))) == []


def test_the_origin_in_few_words_is_date_duration_machine_and_code(tmp_path: Path) -> None:
    launch = {
        "command": "c",
        "time": 1_700_000_000.0,
        "cpu": "AMD EPYC 9354",
        "gpu": "NVIDIA H200",
        "code": {"commit": "a" * 40, "dirty": False, "difference_sha256": None},
    }
    for seed in (1, 2):
        described = trial(seed=seed)
        write(tmp_path, described, [0.5], [0.4], seconds=60.0)
        path = tmp_path / described.name / "trial.json"
        content = json.loads(path.read_text())
        content["provenance"]["launches"] = [launch]
        path.write_text(json.dumps(content))
    comparison = compared(tmp_path)
    assert list(origin_facts(comparison)) == [
        "2023-11-14 22:13 UTC",
        "2 min 00 s of training in all",
        "AMD EPYC 9354",
        "NVIDIA H200",
        f"commit {'a' * 10}",
    ]
    (table,) = (table for table in origin_tables(comparison) if table.title == "Provenance")
    rows = {cells[0]: cells[1:] for cells in table.blocks[0]}
    assert rows["date"] == ("2023-11-14 22:13 UTC", "2")
    assert rows["processor"] == ("AMD EPYC 9354", "2")
    assert rows["GPU"] == ("NVIDIA H200", "2")

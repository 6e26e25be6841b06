from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.analysis.factors import factor_values, trial_settings
from sweeper.analysis.grouping import compare
from sweeper.analysis.results import Divergence, Result
from sweeper.analysis.rows import Values
from sweeper.records.record import Record
from sweeper.trial.outcome import Failure, Metric, Status
from sweeper.trial.settings import ModelSettings
from sweeper.trial.trial import Trial
from tests.records import STEPS_PER_EPOCH, compared, trial, write, write_demo, write_plan


def factors(*trials: Trial) -> tuple[str, ...]:
    descriptions = [described.description() for described in trials]
    return factor_values([trial_settings(item["choices"], item["config"]) for item in descriptions])[0]


def test_a_trial_is_shown_at_its_best_validation_epoch(tmp_path: Path) -> None:
    write(tmp_path, trial(), valid=[0.5, 0.9, 0.9, 0.7], test=[0.99, 0.6, 0.8, 0.7], seconds=34.5)
    row = compared(tmp_path).trials[0]
    assert (row.validation, row.test) == (0.9, 0.6)  # the earliest of the ties, and test's own best plays no part
    assert (row.epoch, row.step, row.seconds) == (2, 2 * STEPS_PER_EPOCH, 34.5)
    assert row.status == Status.DONE


def test_groups_summarize_over_seeds(tmp_path: Path) -> None:
    tests = {1: [0.70, 0.80], 2: [0.74, 0.90], 3: [0.72, 0.85]}
    for seed, test in tests.items():
        write(tmp_path, trial(seed=seed), valid=[0.5, 0.6] if seed != 3 else [0.6, 0.5], test=test)
    comparison = compared(tmp_path)
    [group] = comparison.groups
    assert group.test.n == 3
    assert group.test.mean == pytest.approx(statistics.mean([0.80, 0.90, 0.72]))
    assert group.test.sd == pytest.approx(statistics.stdev([0.80, 0.90, 0.72]))
    first, second = comparison.epochs
    assert (first.epoch, second.epoch) == (1, 2)
    assert first.test.mean == pytest.approx(0.72)
    assert first.test.sd == pytest.approx(0.02)
    assert second.validation.mean == pytest.approx((0.6 + 0.6 + 0.5) / 3)


def test_rows_are_ordered_by_factors_then_seeds_as_numbers(tmp_path: Path) -> None:
    write_demo(tmp_path, seeds=(10, 9, 1))
    rows = compared(tmp_path).trials
    assert [(row.factors, row.seed) for row in rows] == [
        ((model, "hf"), seed) for model in ("pt", "rd") for seed in (1, 9, 10)
    ]


def test_what_is_not_done_is_named_and_never_counted(tmp_path: Path) -> None:
    done, failed, interrupted, planned = (trial(seed=seed) for seed in (1, 2, 3, 4))
    write(tmp_path, done, [0.5], [0.4])
    write(tmp_path, failed, [0.9], [0.9], Status.FAILED, Failure("ValueError", "message", "train.log"))
    write(tmp_path, interrupted, [0.9], [0.9], status=None)
    write_plan(tmp_path, [done, failed, interrupted, planned])
    comparison = compared(tmp_path)
    [group] = comparison.groups
    assert (group.trials, group.test.n, group.test.mean) == (3, 1, 0.4)
    assert group.missing == ((failed.name, "failed: ValueError"), (interrupted.name, "interrupted"))
    assert comparison.planned == (planned.name,)
    assert [epoch.test.n for epoch in comparison.epochs] == [1]
    assert [row.test for row in comparison.trials] == [0.4, None, None]


def test_a_trial_that_never_measured_a_number_is_missing(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [math.nan], [0.5])
    write(tmp_path, trial(seed=2), [0.6], [math.nan])
    [group] = compared(tmp_path).groups
    assert group.missing == ((trial(seed=1).name, "no finite validation accuracy"),)
    assert group.test.n == 1
    assert group.test.mean is not None and math.isnan(group.test.mean)


def test_a_running_trial_has_no_result_yet(tmp_path: Path) -> None:
    record = write(tmp_path, trial(), [0.5], [0.5], status=None)
    with record.writing():
        result = Result.read(record)
    assert result is not None
    assert (result.status, result.outcome, result.metrics) == (Status.RUNNING, None, ())


def test_a_record_put_aside_meanwhile_is_no_result(tmp_path: Path) -> None:
    assert Result.read(Record(tmp_path / "gone")) is None


def more(name: str, valid: Sequence[float], test: Sequence[float] = ()) -> list[Metric]:
    """A metric besides the one that selects, an epoch each."""
    return [
        Metric(split, name, value, epoch, epoch * STEPS_PER_EPOCH)
        for split, values in (("valid", valid), ("test", test))
        for epoch, value in enumerate(values, start=1)
    ]


def test_other_metrics_are_taken_at_the_epoch_that_the_selection_metric_chose(tmp_path: Path) -> None:
    for seed, macro_f1 in ((1, 0.4), (2, 0.6)):
        other = more("macro_f1", [macro_f1, 0.9], [macro_f1 / 2, 0.8])
        write(tmp_path, trial(seed=seed), [0.7, 0.5], [0.6, 0.5], more=other)
    comparison = compared(tmp_path)
    assert comparison.others == ("macro_f1",)
    assert [row.others["macro_f1"] for row in comparison.trials] == [Values(0.4, 0.2), Values(0.6, 0.3)]
    [group] = comparison.groups
    assert group.others["macro_f1"].validation.mean == pytest.approx(0.5)
    assert group.others["macro_f1"].validation.sd == pytest.approx(statistics.stdev([0.4, 0.6]))
    assert group.others["macro_f1"].test.mean == pytest.approx(0.25)
    assert [row.others["macro_f1"].validation.mean for row in comparison.epochs] == [pytest.approx(0.5), 0.9]


def test_a_metric_that_one_trial_lacks_is_summarized_over_the_others(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.7], [0.6], more=more("macro_f1", [0.4], [0.3]))
    write(tmp_path, trial(seed=2), [0.7], [0.6])
    [group] = compared(tmp_path).groups
    assert (group.validation.n, group.others["macro_f1"].validation.n) == (2, 1)


def test_a_study_without_test_sets_counts_its_trials_all_the_same(tmp_path: Path) -> None:
    losses = {"selection_metric": "loss", "greater_is_better": False, "name": "language_modelling"}
    write(tmp_path, trial(task=losses), more=more("loss", [3.0, 2.0]) + more("perplexity", [20.0, 7.0]))
    comparison = compared(tmp_path)
    assert not comparison.tested
    [group] = comparison.groups
    assert (group.missing, group.validation.mean, group.others["perplexity"].validation.mean) == ((), 2.0, 7.0)
    assert comparison.trials[0].test is None


def test_one_trial_with_a_test_metric_makes_the_others_incomplete(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.5], [0.4])
    write(tmp_path, trial(seed=2), more=more("accuracy", [0.5]))
    comparison = compared(tmp_path)
    assert comparison.tested
    assert comparison.groups[0].missing == ((trial(seed=2).name, "no test accuracy"),)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, 0.5, 0.4], None),
        ([1.0, math.nan, math.inf], Divergence(2, math.inf)),
        ([math.nan, 0.5, 0.4], None),  # it came back
        ([math.nan, 0.5, -math.inf], Divergence(3, -math.inf)),
    ],
)
def test_divergence_is_what_lasts_to_the_end(losses: list[float], expected: Divergence | None, tmp_path: Path) -> None:
    own = [Metric("train", "loss", loss, epoch, epoch * STEPS_PER_EPOCH) for epoch, loss in enumerate(losses, start=1)]
    write(tmp_path, trial(), [0.5] * 3, [0.5] * 3, more=own)
    assert compared(tmp_path).trials[0].divergence == expected


def test_each_data_set_is_known_once_with_what_tells_it_apart(tmp_path: Path) -> None:
    for seed in (1, 2):
        for length in (30, 60):
            facts = {"splits": {"train": {"truncated": 90 - length}}}
            write(tmp_path, trial(seed=seed, train={"max_length": length}), [0.5], [0.5], facts=facts)
    write(tmp_path, trial(seed=3, train={"max_length": 60}), [0.5], [0.5])  # a record of before there were facts
    assert [(data.name, data.settings, data.max_length) for data in compared(tmp_path).data] == [
        ("demo", {"train.max_length": 30}, 30),
        ("demo", {"train.max_length": 60}, 60),
    ]


def test_nothing_compared_is_no_rows() -> None:
    found = compare([])
    assert (found.factors, found.trials, found.epochs, found.groups) == (("model", "framework"), (), (), ())


def test_what_follows_from_model_and_framework_is_no_factor() -> None:
    # model.pretrained, digests.weights, framework._target_ and arch differ here too.
    trials = [trial(model, seed=seed) for model in ("pt", "rd") for seed in (1, 2)]
    causal = trial("pt", "lora", arch={"model_type": "bloom", "layers": 24})
    assert factors(*trials, causal) == ("model", "framework")


def test_a_swept_setting_is_a_factor_of_its_own(tmp_path: Path) -> None:
    for rate in (1e-3, 1e-5):
        for seed in (1, 2):
            write(tmp_path, trial(seed=seed, train={"learning_rate": rate}), [rate], [0.5])
    comparison = compared(tmp_path)
    assert comparison.factors == ("model", "framework", "train.learning_rate")
    assert [(group.factors[2], group.test.n) for group in comparison.groups] == [(1e-5, 2), (1e-3, 2)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"arch": {"width": 128, "feed_forward": 256}}, ["arch.width"]),  # settings that vary together are one
        ({"data": "books"}, ["data"]),  # a group's choice, not its settings
        ({"train": {"betas": (0.9, 0.999)}}, ["train.betas"]),  # a list is one setting
        ({"seed": 2}, []),
        ({"data_seed": 7}, []),
        # other content behind the same settings
        ({"seed": 2, "digests": {**trial().digests, "data": "another"}}, ["digests.data"]),
    ],
    ids=["varying together", "choice", "list", "seed", "data seed", "content"],
)
def test_what_is_a_factor(change: dict[str, Any], found: list[str]) -> None:
    assert factors(trial(), trial(**change)) == ("model", "framework", *found)


def test_the_same_content_at_another_path_is_the_same_group() -> None:
    paths = (None, "/old/tokenizer.json", "/new/tokenizer.json")
    trials = [trial(seed=seed, tokenizer={"path": path}) for seed, path in enumerate(paths)]
    assert factors(*trials) == ("model", "framework")
    other = trial(tokenizer={"path": "/other.json"}, digests=dict(trial().digests) | {"tokenizer": "o" * 64})
    assert factors(*trials, other) == ("model", "framework", "tokenizer.path")


def test_paths_for_each_family_follow_their_content_too() -> None:
    models = [ModelSettings("pt", True, {"encoder": f"/{place}/pt", "causal_lm": None}) for place in ("old", "new")]
    assert factors(*(replace(trial(), model=model) for model in models)) == ("model", "framework")


def test_separate_data_seeds_stay_in_one_group(tmp_path: Path) -> None:
    for data_seed in (1, 2):
        write(tmp_path, trial(seed=1, data_seed=data_seed), [0.5], [0.5])
    [group] = compared(tmp_path).groups
    assert group.test.n == 2

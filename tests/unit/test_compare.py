from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.compare import Comparison, Result, compare
from sweeper.factors import factor_values, trial_settings
from sweeper.record import Record
from sweeper.report.study import open_study
from sweeper.trial import Failure, ModelSettings, Status, Trial
from tests.records import STEPS_PER_EPOCH, trial, write, write_demo, write_plan


def factors(*trials: Trial) -> tuple[str, ...]:
    descriptions = [described.description() for described in trials]
    return factor_values([trial_settings(item["choices"], item["config"]) for item in descriptions])[0]


def of(study: Path) -> Comparison:
    return open_study(study).comparison()


def test_a_trial_is_shown_at_its_best_validation_epoch(tmp_path: Path) -> None:
    write(tmp_path, trial(), valid=[0.5, 0.9, 0.9, 0.7], test=[0.99, 0.6, 0.8, 0.7], seconds=34.5)
    row = of(tmp_path).trials[0]
    assert (row.validation, row.test) == (0.9, 0.6)  # the earliest of the ties, and test's own best plays no part
    assert (row.epoch, row.step, row.seconds) == (2, 2 * STEPS_PER_EPOCH, 34.5)
    assert row.status == Status.DONE


def test_groups_summarize_over_seeds(tmp_path: Path) -> None:
    tests = {1: [0.70, 0.80], 2: [0.74, 0.90], 3: [0.72, 0.85]}
    for seed, test in tests.items():
        write(tmp_path, trial(seed=seed), valid=[0.5, 0.6] if seed != 3 else [0.6, 0.5], test=test)
    comparison = of(tmp_path)
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
    rows = of(tmp_path).trials
    assert [(row.factors, row.seed) for row in rows] == [
        ((model, "hf"), seed) for model in ("pt", "rd") for seed in (1, 9, 10)
    ]


def test_what_is_not_done_is_named_and_never_counted(tmp_path: Path) -> None:
    done, failed, interrupted, planned = (trial(seed=seed) for seed in (1, 2, 3, 4))
    write(tmp_path, done, [0.5], [0.4])
    write(tmp_path, failed, [0.9], [0.9], Status.FAILED, Failure("ValueError", "message", "train.log"))
    write(tmp_path, interrupted, [0.9], [0.9], status=None)
    write_plan(tmp_path, [done, failed, interrupted, planned])
    comparison = of(tmp_path)
    [group] = comparison.groups
    assert (group.trials, group.test.n, group.test.mean) == (3, 1, 0.4)
    assert group.missing == ((failed.name, "failed: ValueError"), (interrupted.name, "interrupted"))
    assert comparison.planned == (planned.name,)
    assert [epoch.test.n for epoch in comparison.epochs] == [1]
    assert [row.test for row in comparison.trials] == [0.4, None, None]


def test_a_trial_that_never_measured_a_number_is_missing(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [math.nan], [0.5])
    write(tmp_path, trial(seed=2), [0.6], [math.nan])
    [group] = of(tmp_path).groups
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


def test_nothing_compared_is_no_rows() -> None:
    assert compare([]) == Comparison(("model", "framework"), (), (), (), ())


def test_what_follows_from_model_and_framework_is_no_factor() -> None:
    # model.pretrained, digests.weights, framework._target_ and arch differ here too.
    trials = [trial(model, seed=seed) for model in ("pt", "rd") for seed in (1, 2)]
    causal = trial("pt", "lora", arch={"model_type": "bloom", "layers": 24})
    assert factors(*trials, causal) == ("model", "framework")


def test_a_swept_setting_is_a_factor_of_its_own(tmp_path: Path) -> None:
    for rate in (1e-3, 1e-5):
        for seed in (1, 2):
            write(tmp_path, trial(seed=seed, train={"learning_rate": rate}), [rate], [0.5])
    comparison = of(tmp_path)
    assert comparison.factors == ("model", "framework", "train.learning_rate")
    assert [(group.factors[2], group.test.n) for group in comparison.groups] == [(1e-5, 2), (1e-3, 2)]


def test_settings_that_vary_together_are_one_factor() -> None:
    wide = {"width": 128, "feed_forward": 256}
    assert factors(trial(), trial(arch=wide)) == ("model", "framework", "arch.width")


def test_a_groups_choice_is_the_factor_not_its_settings() -> None:
    assert factors(trial(data="demo"), trial(data="books")) == ("model", "framework", "data")


def test_lists_are_one_setting() -> None:
    changed = trial(train={"betas": (0.9, 0.999)})
    assert factors(trial(), changed) == ("model", "framework", "train.betas")


@pytest.mark.parametrize("change", [{"seed": 2}, {"data_seed": 7}])
def test_seeds_are_no_factor(change: dict[str, int]) -> None:
    assert factors(trial(), trial(**change)) == ("model", "framework")  # type: ignore[arg-type]


def test_the_same_content_at_another_path_is_the_same_group() -> None:
    paths = (None, "/old/tokenizer.json", "/new/tokenizer.json")
    trials = [trial(seed=seed, tokenizer={"path": path}) for seed, path in enumerate(paths)]
    assert factors(*trials) == ("model", "framework")
    other = trial(tokenizer={"path": "/other.json"}, digests=dict(trial().digests) | {"tokenizer": "o" * 64})
    assert factors(*trials, other) == ("model", "framework", "tokenizer.path")


def test_paths_for_each_family_follow_their_content_too() -> None:
    models = [ModelSettings("pt", True, {"encoder": f"/{place}/pt", "causal_lm": None}) for place in ("old", "new")]
    assert factors(*(replace(trial(), model=model) for model in models)) == ("model", "framework")


def test_other_content_behind_the_same_settings_is_another_group() -> None:
    digests = dict(trial().digests)
    changed = trial(seed=2, digests={**digests, "data": "another"})
    assert factors(trial(), changed) == ("model", "framework", "digests.data")


def test_separate_data_seeds_stay_in_one_group(tmp_path: Path) -> None:
    for data_seed in (1, 2):
        write(tmp_path, trial(seed=1, data_seed=data_seed), [0.5], [0.5])
    [group] = of(tmp_path).groups
    assert group.test.n == 2

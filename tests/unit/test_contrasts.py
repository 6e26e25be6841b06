from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.pairs import Contrast, contrasts
from sweeper.records.study import open_study
from sweeper.report.sentences import sentences
from sweeper.trial.outcome import Status
from tests.records import compared, trial, write

PUBLISHED = {"pt": (0.793, 0.785, 0.801), "rd": (0.654, 0.667, 0.682)}


def write_group(study: Path, model: str, values: Sequence[float], framework: str = "hf", **changes: Any) -> None:
    for seed, value in enumerate(values, start=1):
        write(study, trial(model, framework, seed, **changes), [value], [value])


def only(study: Path) -> Contrast:
    (found,) = contrasts(compared(study))
    return found


@pytest.fixture
def published(tmp_path: Path) -> Path:
    for model, values in PUBLISHED.items():
        write_group(tmp_path, model, values)
    return tmp_path


def test_the_published_study(published: Path) -> None:
    found = only(published)
    expected = stats.ttest_ind(PUBLISHED["pt"], PUBLISHED["rd"], equal_var=False).confidence_interval(0.95)
    assert found.split == "test"
    assert [found.difference.low, found.difference.high] == pytest.approx([expected.low, expected.high])
    assert found.test is not None and (found.test.p, found.holm_p) == (0.1, 0.1)
    assert (found.greater, found.seeds_for_test, found.seeds_for_power) == (1.0, 4, 3)


def test_the_same_seeds_on_the_same_data_are_paired_too(published: Path) -> None:
    paired = only(published).paired
    expected = stats.ttest_rel(PUBLISHED["pt"], PUBLISHED["rd"]).confidence_interval(0.95)
    assert paired is not None and paired.test is not None
    assert [paired.difference.low, paired.difference.high] == pytest.approx([expected.low, expected.high])
    assert (paired.difference.degrees_of_freedom, paired.test.p, paired.greater) == (2, 0.25, 1.0)


def test_equal_differences_make_no_interval(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.75, 0.5))
    write_group(tmp_path, "rd", (0.5, 0.25))
    paired = only(tmp_path).paired
    assert paired is not None and paired.difference.difference == 0.25
    assert (paired.difference.low, paired.difference.high, paired.difference.degrees_of_freedom) == (None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"framework": "fairseq"},
        {"train": {"batch_size": 4}},
        {"train": {"epochs": 3}},
        {"digests": {"data": "another", "tokenizer": "t" * 64, "weights": "w" * 64}},
    ],
)
def test_what_reads_other_examples_or_in_another_order_is_never_paired(changes: dict[str, Any], tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.7, 0.8))
    write_group(tmp_path, "pt", (0.6, 0.7), **changes)
    found = only(tmp_path)
    assert found.paired is None
    assert found.test is not None and found.test.labellings == 6


def test_other_data_seeds_or_a_missing_seed_are_not_paired(tmp_path: Path) -> None:
    for name, changed in (("order", {"seed": 2, "data_seed": 9}), ("seed", {"seed": 5})):
        write_group(tmp_path / name, "pt", (0.7, 0.8))
        write(tmp_path / name, trial("rd", seed=1), [0.6], [0.6])
        write(tmp_path / name, trial("rd", **changed), [0.6], [0.6])  # type: ignore[arg-type]
        assert only(tmp_path / name).paired is None


def test_a_factor_that_changes_no_order_stays_paired(tmp_path: Path) -> None:
    for rate in (1e-3, 1e-4):
        write_group(tmp_path, "pt", (0.7 + rate, 0.8), train={"learning_rate": rate})
    assert only(tmp_path).paired is not None


def test_holm_corrects_for_all_pairs(tmp_path: Path) -> None:
    for framework in ("hf", "fairseq"):
        write_group(tmp_path, "pt", (0.8, 0.81, 0.82, 0.83, 0.84), framework)
        write_group(tmp_path, "rd", (0.6, 0.61, 0.62, 0.63, 0.64), framework)
    found = contrasts(compared(tmp_path))
    smallest = 2 / 252
    assert [one.test.p for one in found if one.test] == pytest.approx([smallest, smallest, 1, 1])
    assert [one.holm_p for one in found] == pytest.approx([4 * smallest, 4 * smallest, 1, 1])
    assert {one.seeds_for_family for one in found} == {5}  # 2/252 · 4 = 0.03; 2/70 · 4 = 0.11


def test_the_sentences_say_what_three_seeds_cannot(published: Path) -> None:
    first, seeds, power = sentences(compared(published))
    assert first == (
        "pt (hf) is 12.5 points above rd in mean test accuracy (95 % interval 9.7 to 15.4);"
        " of all pairs of a trial of each, the first is the higher in 100 %; exact p 0.10."
    )
    assert seeds == (
        "With 3 against 3 seeds the smallest two-sided exact p is 0.10: no exact test can reach 0.05,"
        " whatever the values; 4 seeds a group could."
    )
    assert power.startswith("Welch's two-sided test at 0.05, uncorrected, has 80 % power with 3 seeds a group: if")


def test_an_interval_with_zero_in_it_leaves_the_order_open(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.7, 0.8, 0.9))
    write_group(tmp_path, "rd", (0.71, 0.78, 0.88))
    assert "which leaves open which is higher" in sentences(compared(tmp_path))[0]


def test_one_seed_each_says_so_little(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.7,))
    write_group(tmp_path, "rd", (0.6,))
    found = only(tmp_path)
    assert (found.difference.low, found.hedges_g, found.seeds_for_power) == (None, None, None)
    assert found.test is not None and found.test.smallest == 1
    assert sentences(compared(tmp_path))[1].startswith("With 1 against 1 seeds the smallest two-sided exact p is 1.00")


def test_without_a_done_trial_nothing_is_compared(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.7,))
    write(tmp_path, trial("rd"), status=Status.FAILED)
    assert contrasts(compared(tmp_path)) == () and sentences(compared(tmp_path)) == []


def test_what_is_no_number_is_said_to_be_none(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.7, 0.8))
    for seed in (1, 2):
        write(tmp_path, trial("rd", seed=seed), [0.6], [math.nan])
    found = only(tmp_path)
    assert (found.test, found.holm_p, found.greater, found.paired) == (None, None, None, None)
    assert sentences(compared(tmp_path)) == [
        "pt (hf) and rd cannot be compared in mean test accuracy: a value is no finite number."
    ]


def test_trials_that_share_seeds_make_no_interval_and_no_test(tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed in (1, 2, 3):
            for data_seed in (1, 2, 3):
                write(tmp_path, trial(model, seed=seed, data_seed=data_seed), [0.5], [base + seed / 100])
    found, comparison = only(tmp_path), compared(tmp_path)
    assert found.difference.difference == pytest.approx(0.2)
    assert (found.difference.low, found.test, found.holm_p, found.seeds_for_power) == (None, None, None, None)
    assert found.paired is None
    assert all((group.test.n, group.test.low, group.independent) == (9, None, False) for group in comparison.groups)
    (said,) = sentences(comparison)
    assert "no interval and no p, since trials of a group share seeds" in said


def test_one_data_seed_for_all_leaves_them_independent(tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed in (1, 2, 3):
            write(tmp_path, trial(model, seed=seed, data_seed=7), [0.5], [base + seed / 100])
    assert only(tmp_path).test is not None


def test_pairs_are_those_of_the_seeds_that_both_groups_have(tmp_path: Path) -> None:
    write_group(tmp_path, "pt", (0.81, 0.83, 0.84, 0.88))
    write_group(tmp_path, "rd", (0.61, 0.62, 0.66))
    found = only(tmp_path)
    assert found.paired is not None and found.paired.difference.n_first == 3
    expected = stats.ttest_1samp([0.20, 0.21, 0.18], 0).confidence_interval(0.95)
    bounds = (found.paired.difference.low, found.paired.difference.high)
    assert bounds == pytest.approx((expected.low, expected.high))
    assert (found.difference.n_first, found.difference.n_second) == (4, 3)
    assert (
        "4 against 3 seeds the smallest two-sided exact p is 0.057: this test cannot"
        in sentences(compared(tmp_path))[1]
    )


def test_unlike_trials_in_one_group_are_in_the_sentence(tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed, framework in enumerate(("hf", "hf", "fairseq"), start=1):
            write(tmp_path, trial(model, framework, seed), [0.5], [base + seed / 100])
    said, *_ = sentences(compare_study(open_study(tmp_path), ["model"]))
    assert "; CAUTION, trials of one group differ in framework" in said

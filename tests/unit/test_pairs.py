"""Differences and contrasts of pairs of groups, and what is said of them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.differences import difference_rows
from sweeper.analysis.factors import Value, rank
from sweeper.analysis.grouping import compare_study
from sweeper.analysis.pairs import number_of_pairs, pairs
from sweeper.records.study import open_study
from sweeper.report.headline import verdict
from sweeper.report.notes import difference_notes, notes
from sweeper.report.sentences import sentences
from sweeper.report.tables import text_tables
from sweeper.report.terminal import ROWS_SHOWN, print_report, terminal
from sweeper.trial.outcome import Metric, Status
from tests.records import STEPS_PER_EPOCH, compared, rendered, trial, write

PUBLISHED = {"pt": (0.793, 0.785, 0.801), "rd": (0.654, 0.667, 0.682)}


def write_groups(study: Path, **tests: tuple[float, ...]) -> None:
    """Trials of groups "pt_hf", … with one test accuracy a seed; validation is 0.1 higher."""
    for group, values in tests.items():
        for seed, value in enumerate(values, start=1):
            model, framework = group.split("_")
            write(study, trial(model, framework, seed), [value + 0.1], [value])


def printed(study: Path) -> list[list[str]]:
    text = rendered(study)
    return [line.split() for line in text[text.index("\nDifferences between") :].splitlines()]


def test_pairs_differ_in_exactly_one_factor_the_earlier_first(tmp_path: Path) -> None:
    write_groups(tmp_path, rd_fairseq=(0.5,), rd_hf=(0.5,), pt_hf=(0.6,), pt_fairseq=(0.7,))
    assert [(pair.factor, pair.first.factors, pair.second.factors) for pair in pairs(compared(tmp_path))] == [
        ("model", ("pt", "hf"), ("rd", "hf")),
        ("model", ("pt", "fairseq"), ("rd", "fairseq")),
        ("framework", ("pt", "hf"), ("pt", "fairseq")),
        ("framework", ("rd", "hf"), ("rd", "fairseq")),
    ]


def test_known_frameworks_come_in_their_order() -> None:
    names: list[Value] = ["own", "lora", "bag_of_words", "fairseq", "hf", None]
    ordered = ["hf", "fairseq", "lora", "bag_of_words", "own", None]
    assert sorted(names, key=lambda name: rank("framework", name)) == ordered
    others: list[Value] = ["hf", "data", 10, 9]
    assert sorted(others, key=lambda value: rank("data", value)) == [9, 10, "data", "hf"]


def test_what_is_not_done_or_measured_otherwise_makes_no_pair(tmp_path: Path) -> None:
    write_groups(tmp_path, pt_hf=(0.8, 0.9))
    write(tmp_path, trial("rd"), status=Status.FAILED)
    by_loss = {"name": "regression", "selection_metric": "loss", "greater_is_better": False}
    write(tmp_path, trial("pt", task=by_loss), [1.0], [1.0])
    assert len(compared(tmp_path).groups) == 3
    assert pairs(compared(tmp_path)) == []
    assert not any("ifference" in line for line in notes(compared(tmp_path)))


def test_the_published_study_in_every_format(tmp_path: Path) -> None:
    write_groups(tmp_path, pt_hf=PUBLISHED["pt"], rd_hf=PUBLISHED["rd"], rd_fairseq=(0.6,))
    interval = stats.ttest_ind(PUBLISHED["pt"], PUBLISHED["rd"], equal_var=False).confidence_interval(0.95)
    # By hand: 79.3 − 66.77 = 12.53.
    own = f"12.5 [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    rows = printed(tmp_path)
    assert f"pt − rd hf {own} {own} 3, 3".split() in rows
    assert "rd hf − fairseq 6.8 [–] 6.8 [–] 3, 1".split() in rows
    assert ["accuracy", "(points)", "accuracy", "(points)", "n"] in [row[-5:] for row in rows]
    assert f"| pt − rd | hf | {own.replace('[', chr(92) + '[').replace(']', chr(92) + ']')} |" in rendered(
        tmp_path, "markdown"
    )
    first, second = json.loads(rendered(tmp_path, "json"))["differences"]
    assert (first["factor"], first["first"], first["second"]) == ("model", "pt", "rd")
    assert (first["factors"], first["metric"]) == ({"framework": "hf"}, "accuracy")
    assert first["test"] == {
        "n_first": 3,
        "n_second": 3,
        "difference": pytest.approx(0.376 / 3),
        "low": pytest.approx(interval.low),
        "high": pytest.approx(interval.high),
        "degrees_of_freedom": pytest.approx(3.17866, abs=1e-5),
    }
    assert (second["factors"], second["test"]["low"]) == ({"model": "rd"}, None)
    assert "Differences: Welch's t interval, unpaired; sample standard deviations; – where" in rendered(
        tmp_path, "markdown"
    )


def test_the_footnote_says_why_an_interval_is_missing(tmp_path: Path) -> None:
    write_groups(tmp_path / "whole", pt_hf=(0.7, 0.8), rd_hf=(0.5, 0.6))
    write_groups(tmp_path / "constant", pt_hf=(0.7, 0.7), rd_hf=(0.5, 0.5))
    said = [
        next(line for line in notes(compared(tmp_path / name)) if line.startswith("Differences: "))
        for name in ("whole", "constant")
    ]
    assert said == [
        said[0],
        f"{said[0].removesuffix('.')}; – where n < 2, neither group varies, or trials share seeds.",
    ]


def test_without_test_sets_validation_is_compared(tmp_path: Path) -> None:
    by_loss = {"selection_metric": "loss", "greater_is_better": False, "name": "language_modelling"}
    for model, losses in (("pt", (2.0, 2.5)), ("rd", (3.0, math.nan))):
        for seed, loss in enumerate(losses, start=1):
            own = Metric("valid", "loss", loss, 1, STEPS_PER_EPOCH)
            write(tmp_path, trial(model, seed=seed, task=by_loss), more=[own])
    assert "pt − rd hf -0.7500 [–] 2, 1".split() in printed(tmp_path)


def test_macro_f1_stands_beside_accuracy_and_few_columns_are_shown(tmp_path: Path) -> None:
    sizes = {split: [90, 10] for split in ("train", "valid", "test")}
    facts = {"data": {"label_names": ["bad", "good"], "class_counts": sizes, "leaked": {}, "notes": []}, "splits": {}}
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed in (1, 2):
            f1 = [Metric(split, "macro_f1", base / 2 + seed / 100, 1, STEPS_PER_EPOCH) for split in ("valid", "test")]
            write(tmp_path, trial(model, seed=seed), [0.9], [base + seed / 100], facts=facts, more=f1)
    # Standard deviation √0.5 points each, error √0.5, 2 degrees of freedom, quantile 4.303: ± 3.04.
    assert "pt − rd hf 20.0 [17.0, 23.0] 10.0 [7.0, 13.0] 2, 2".split() in printed(tmp_path)
    (row,) = difference_rows(compared(tmp_path))
    assert row.others["macro_f1"].test is not None
    assert row.others["macro_f1"].test.difference == pytest.approx(0.1)


@pytest.mark.parametrize("width", [80, 60, 30])
def test_no_number_is_cut_on_a_narrow_screen(width: int, tmp_path: Path) -> None:
    for rate in (1e-3, 1e-5):
        for model, framework in (("pt", "hf"), ("pt", "fairseq"), ("rd", "hf"), ("rd", "fairseq")):
            for seed, value in ((1, 0.0), (2, 0.5)):
                write(tmp_path, trial(model, framework, seed, train={"learning_rate": rate}), [value], [value])
    console = terminal(file := io.StringIO())
    console.width = width
    comparison = compared(tmp_path)
    print_report(comparison, console)
    shown = file.getvalue()
    for table in text_tables(comparison)[:6]:  # all of numbers
        for cells in (cells for block in table.blocks for cells in block):
            assert all(f" {cell} " in shown for cell in cells[table.numeric :])


def test_many_pairs_are_for_a_program_to_read(tmp_path: Path) -> None:
    for rate in range(1, 10):  # 9 · 8 / 2 = 36 pairs
        write(tmp_path, trial(train={"learning_rate": rate / 1000}), [0.5], [0.5 + rate / 100])
    text = rendered(tmp_path)
    assert "Differences between" not in text and "Welch" not in text
    assert "36 pairs of groups differ in one setting" in text and "--format json" in text
    assert len(json.loads(rendered(tmp_path, "json"))["differences"]) == 36


def test_more_pairs_than_anyone_reads_are_counted_but_not_made(tmp_path: Path) -> None:
    write(tmp_path, trial(), [0.5], [0.5])
    (group,) = compared(tmp_path).groups
    groups = tuple(replace(group, factors=("pt", "hf", number)) for number in range(2000))
    many = replace(compared(tmp_path), factors=("model", "framework", "train.batch_size"), groups=groups)
    assert number_of_pairs(many) == 2000 * 1999 // 2
    assert pairs(many) == []
    (line,) = difference_notes(many)
    assert line == "1,999,000 pairs of groups differ in one setting, too many for a table; fewer: by=FACTOR,…"


def test_a_long_table_is_cut_on_a_screen_alone(tmp_path: Path) -> None:
    for seed in range(ROWS_SHOWN + 20):
        write(tmp_path, trial(seed=seed), [0.5], [0.5])
    text = rendered(tmp_path)
    assert text.count("hf         done") == ROWS_SHOWN
    assert "and 20 more rows: python -m sweeper.report STUDY --format markdown" in text
    assert rendered(tmp_path, "markdown").count("| done |") == ROWS_SHOWN + 20


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


def test_holm_corrects_for_the_pairs_of_one_factor(tmp_path: Path) -> None:
    for framework in ("hf", "fairseq"):
        write_group(tmp_path, "pt", (0.8, 0.81, 0.82, 0.83, 0.84), framework)
        write_group(tmp_path, "rd", (0.6, 0.61, 0.62, 0.63, 0.64), framework)
    found = contrasts(compared(tmp_path))
    smallest = 2 / 252
    assert [one.test.p for one in found if one.test] == pytest.approx([smallest, smallest, 1, 1])
    assert [one.holm_p for one in found] == pytest.approx([2 * smallest, 2 * smallest, 1, 1])
    assert {one.seeds_for_family for one in found} == {5}  # 2/252 · 2 = 0.02; 2/70 · 2 = 0.06


def test_the_sentences_say_what_three_seeds_cannot(published: Path) -> None:
    first, seeds, power = sentences(compared(published))
    assert first == (
        "pt (hf) is 12.5 points above rd in mean test accuracy (95 % interval 9.7 to 15.4; p 0.0007);"
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
    assert sentences(compared(tmp_path))[1].startswith("With 1 against 1 seed the smallest two-sided exact p is 1.00")


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


def write_crossed(study: Path, cells: Sequence[tuple[int, int]]) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed, data_seed in cells:
            write(study, trial(model, seed=seed, data_seed=data_seed), [0.5], [base + seed / 100])


CROSSED = [(seed, data_seed) for seed in (1, 2, 3) for data_seed in (1, 2, 3)]


def test_crossed_seeds_that_matter_alone_give_what_the_seeds_alone_give(tmp_path: Path) -> None:
    write_crossed(tmp_path, CROSSED)
    found, comparison = only(tmp_path), compared(tmp_path)
    # The order does nothing here: nine trials know as much as three do.
    own = [0.81, 0.82, 0.83], [0.61, 0.62, 0.63]
    expected = stats.ttest_ind(*own, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue))
    assert found.difference.low == pytest.approx(interval.low) and found.difference.n_first == 9
    assert (found.test, found.holm_p, found.seeds_for_power) == (None, None, None)
    assert found.paired is not None and found.paired.test is None
    assert found.better is found.pair.first and found.verdict.n == (3, 3)
    for group in comparison.groups:
        assert (group.test.n, group.test.replicates, group.independent) == (9, 3, False)
    said = sentences(comparison)
    assert len(said) == 1 and "; no exact p, since trials of a group share seeds" in said[0]
    assert "n = 3 × 3 seeds" in verdict(comparison)[0] and "for new seeds and data seeds" in verdict(comparison)[0]
    (row, *_), *_ = [table.blocks[0] for table in text_tables(comparison) if table.title.startswith("Tests of")]
    assert "crossed seeds" in row


def test_of_crossed_seeds_with_holes_the_largest_table_counts_and_is_said(tmp_path: Path) -> None:
    write_crossed(tmp_path, CROSSED[:-1])
    comparison = compared(tmp_path)
    summary = comparison.groups[0].test
    assert summary.crossed is not None
    assert (summary.n, summary.crossed.left_out) == (6, 2) and summary.mean == pytest.approx(0.82)
    said = "2 done trials have no place in its table of 3 × 2, and no part in its mean, interval"
    assert any(said in line for line in notes(comparison))
    assert not any("share a seed" in line for line in notes(comparison))
    (group, *_) = [table.blocks[0] for table in text_tables(comparison) if table.title.startswith("Groups")]
    assert group[0][-1] == "6 of 8 (3 × 2)"
    assert [row.test.n for row in comparison.epochs] == [6, 6]


def test_trials_that_share_seeds_otherwise_make_no_interval_and_no_test(tmp_path: Path) -> None:
    write_crossed(tmp_path, [(1, 1), (1, 2), (2, 3), (3, 4)])
    found, comparison = only(tmp_path), compared(tmp_path)
    assert (found.difference.low, found.low, found.test, found.p, found.paired) == (None,) * 5
    assert all((group.test.n, group.test.low, group.independent) == (4, None, False) for group in comparison.groups)
    (said,) = sentences(comparison)
    assert "no interval and no p, since trials of a group share seeds" in said
    assert "there is no interval, since trials of a group share seeds" in verdict(comparison)[0]


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

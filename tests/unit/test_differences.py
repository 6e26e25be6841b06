from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.factors import Value, rank
from sweeper.analysis.pairs import difference_rows, number_of_pairs, pairs
from sweeper.analysis.statistics import Summary, mean_difference, summarize
from sweeper.report.notes import difference_notes, notes
from sweeper.report.tables import text_tables
from sweeper.report.terminal import ROWS_SHOWN, print_report, terminal
from sweeper.trial.outcome import Metric, Status
from tests.records import STEPS_PER_EPOCH, compared, rendered, trial, write

# Additional hours of sleep with each of two drugs (Student 1908), as in R's help page of `sleep`.
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
PUBLISHED = {"pt": (0.793, 0.785, 0.801), "rd": (0.654, 0.667, 0.682)}


def write_study(study: Path, **tests: tuple[float, ...]) -> None:
    """Trials of groups "pt_hf", … with one test accuracy a seed; validation is 0.1 higher."""
    for group, values in tests.items():
        for seed, value in enumerate(values, start=1):
            model, framework = group.split("_")
            write(study, trial(model, framework, seed), [value + 0.1], [value])


def printed(study: Path) -> list[list[str]]:
    text = rendered(study)
    return [line.split() for line in text[text.index("\nDifferences between") :].splitlines()]


def test_the_sleep_data_as_r_prints_them() -> None:
    # t.test(extra ~ group, data = sleep): t = -1.8608, df = 17.776, 95 percent confidence interval
    # -3.3654832 0.2054832, means 0.75 and 2.33.
    found = mean_difference(*map(summarize, SLEEP))
    assert found is not None
    assert found.difference == pytest.approx(0.75 - 2.33)
    assert found.degrees_of_freedom == pytest.approx(17.776, abs=5e-4)
    assert found.low == pytest.approx(-3.3654832, abs=5e-8)
    assert found.high == pytest.approx(0.2054832, abs=5e-8)


def test_a_small_case_by_hand() -> None:
    # Means 2 and 7, variances (1 + 0 + 1)/2 = 1 and (4 + 4 + 0 + 4 + 4)/4 = 4, squared errors 1/3 and 4/5: 17/15.
    # (17/15)² / ((1/3)²/2 + (4/5)²/4) = (289/225) / (1/18 + 4/25) = (289/225) / (97/450) = 578/97.
    found = mean_difference(summarize([1, 2, 3]), summarize([5, 9, 7, 5, 9]))
    assert found is not None
    assert found.difference == pytest.approx(-5)
    assert found.degrees_of_freedom == pytest.approx(578 / 97)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (3, 5), (2, 30)])
@pytest.mark.parametrize("ratio", [1.0, 0.01, 300.0])
def test_agrees_with_scipy(sizes: tuple[int, int], ratio: float) -> None:
    generator = np.random.default_rng(list(sizes))
    first, second = generator.normal(0.8, 0.01, sizes[0]), generator.normal(0.7, 0.01 * ratio, sizes[1])
    expected = stats.ttest_ind(first, second, equal_var=False)
    found = mean_difference(summarize(first.tolist()), summarize(second.tolist()))
    assert found is not None
    assert (found.n_first, found.n_second) == sizes
    assert found.difference == pytest.approx(first.mean() - second.mean())
    assert found.degrees_of_freedom == pytest.approx(expected.df)
    interval = expected.confidence_interval(0.95)
    assert [found.low, found.high] == pytest.approx([interval.low, interval.high])


def test_one_group_that_does_not_vary_leaves_the_others_interval() -> None:
    found = mean_difference(summarize([0.5, 0.5, 0.5]), summarize(PUBLISHED["pt"]))
    own = stats.ttest_1samp(PUBLISHED["pt"], 0.0).confidence_interval(0.95)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([0.5 - own.high, 0.5 - own.low])
    assert found.degrees_of_freedom == pytest.approx(2)


@pytest.mark.parametrize(
    ("first", "second"),
    [([0.5], [0.4, 0.3]), ([0.5, 0.5], [0.4, 0.4]), ([0.5, 0.5], [0.5, 0.5]), ([0.5], [0.5])],
)
def test_no_interval_where_nothing_is_known_of_the_spread(first: list[float], second: list[float]) -> None:
    found = mean_difference(summarize(first), summarize(second))
    assert found is not None
    assert (found.low, found.high, found.degrees_of_freedom) == (None, None, None)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))


def test_what_is_not_finite_stays_visible() -> None:
    found = mean_difference(summarize([0.5, math.nan]), summarize([0.4, 0.3]))
    assert found is not None
    assert math.isnan(found.difference) and found.low is None
    assert mean_difference(summarize([]), summarize([0.5])) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_squares_that_a_float_cannot_hold_do_no_harm(scale: float) -> None:
    found = mean_difference(Summary(3, scale, scale), Summary(3, 0.0, scale))
    assert found is not None and found.low is not None
    # By hand: error √(2/3), 4 degrees of freedom, whose quantile in every printed table is 2.776.
    assert found.degrees_of_freedom == pytest.approx(4)
    assert found.low / scale == pytest.approx(1 - 2.776 * math.sqrt(2 / 3), abs=1e-3)


def test_pairs_differ_in_exactly_one_factor_the_earlier_first(tmp_path: Path) -> None:
    write_study(tmp_path, rd_fairseq=(0.5,), rd_hf=(0.5,), pt_hf=(0.6,), pt_fairseq=(0.7,))
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
    write_study(tmp_path, pt_hf=(0.8, 0.9))
    write(tmp_path, trial("rd"), status=Status.FAILED)
    by_loss = {"name": "regression", "selection_metric": "loss", "greater_is_better": False}
    write(tmp_path, trial("pt", task=by_loss), [1.0], [1.0])
    assert len(compared(tmp_path).groups) == 3
    assert pairs(compared(tmp_path)) == []
    assert not any("ifference" in line for line in notes(compared(tmp_path)))


def test_the_published_study_in_every_format(tmp_path: Path) -> None:
    write_study(tmp_path, pt_hf=PUBLISHED["pt"], rd_hf=PUBLISHED["rd"], rd_fairseq=(0.6,))
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
    assert (
        "Differences: Welch's t interval, unpaired; sample standard deviations; not corrected for multiple"
        in rendered(tmp_path, "markdown")
    )


def test_the_footnote_says_why_an_interval_is_missing(tmp_path: Path) -> None:
    write_study(tmp_path / "whole", pt_hf=(0.7, 0.8), rd_hf=(0.5, 0.6))
    write_study(tmp_path / "constant", pt_hf=(0.7, 0.7), rd_hf=(0.5, 0.5))
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

"""The verdict: what is said of groups in one sentence, of how many, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.blocks import blocks
from sweeper.analysis.grouping import compare_study
from sweeper.analysis.letters import MOST_LETTERS
from sweeper.analysis.results import open_studies
from sweeper.analysis.rows import Comparison
from sweeper.records.question import question as asked
from sweeper.records.study import open_study
from sweeper.report.headline import question, rule, verdict
from sweeper.report.notes import notes
from sweeper.report.ranking import ranking_tables
from sweeper.trial.outcome import Metric, Status
from sweeper.trial.settings import TaskSettings
from tests.comparisons import grid, write_grid
from tests.records import STEPS_PER_EPOCH, compared, trial, write

PT, RD = (0.793, 0.785, 0.801), (0.654, 0.667, 0.682)
FACTS = {
    "data": {"label_names": ["bad", "good"], "class_counts": {}, "leaked": {}, "notes": []},
    "splits": {
        name: {"examples": 2000, "truncated": 0, "tokens": 1, "unknown_share": 0.0} for name in ("valid", "test")
    },
}
RULE = "Rule: one beats another where the 95 % interval of their difference leaves out 0, and each has 3 seeds or more."


def of(study: Path, groups: Mapping[str, Sequence[float]], **changes: Any) -> Comparison:
    """Compare groups "pt hf", … by the test accuracies of their seeds."""
    for group, values in groups.items():
        model, _, framework = group.partition(" ")
        for seed, value in enumerate(values, start=1):
            write(study, trial(model, framework or "hf", seed, **changes), [value], [value], facts=FACTS)
    return compared(study)


def test_one_of_two_beats_the_other_with_its_interval_and_what_it_is_for(tmp_path: Path) -> None:
    interval = stats.ttest_ind(PT, RD, equal_var=False).confidence_interval(0.95)
    assert verdict(of(tmp_path, {"rd": RD, "pt": PT})) == [
        f"pt beats rd by 12.5 points [{100 * interval.low:.1f}, {100 * interval.high:.1f}] in mean test accuracy for"
        " new seeds, on these 2,000 texts; n = 3; no exact test of so few can reach 0.05."
    ]
    assert rule(compared(tmp_path)) == RULE
    assert question(compared(tmp_path)) == "pt or rd: which has the better mean test accuracy?"


def test_an_exact_test_that_can_tell_stands_beside(tmp_path: Path) -> None:
    comparison = of(tmp_path, {"pt": (0.80, 0.81, 0.82, 0.83), "rd": (0.60, 0.61, 0.62, 0.63)})
    assert verdict(comparison)[0].endswith("; n = 4; exact p 0.029.")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (
            {"pt": (0.70, 0.80, 0.90), "rd": (0.71, 0.78, 0.88)},
            "pt is 1.0 points [-20.3, 22.3] above rd; a difference of 32.7 points could have been seen (80 % power); n",
        ),
        ({"pt": (0.70, 0.80, 0.90), "rd": (0.90, 0.70, 0.80)}, "their means are the same to the digits shown [-22"),
        (
            {"pt": (0.80, 0.81), "rd": (0.60, 0.61)},
            "pt is 20.0 points [17.0, 23.0] above rd, and it takes 3 seeds or more of each to say that one is better",
        ),
        (
            {"pt": (0.80, 0.81, 0.82), "rd": (0.60,)},
            "pt is 21.0 points above rd, and it takes 3 seeds or more of each to say that one is better; n = 3 and 1",
        ),
        (
            {"pt": (0.80, 0.80, 0.80), "rd": (0.60, 0.60, 0.60)},
            "pt is 20.0 points above rd, and there is no interval, since trials do not vary; n = 3",
        ),
    ],
)
def test_groups_that_cannot_be_told_apart_say_why(
    groups: Mapping[str, Sequence[float]], said: str, tmp_path: Path
) -> None:
    (sentence,) = verdict(of(tmp_path, groups))
    assert sentence.startswith("pt and rd cannot be told apart with ")
    assert " seeds in mean test accuracy for new seeds, on these 2,000 texts: " in sentence
    assert said in sentence


def test_a_smaller_loss_is_the_better_one(tmp_path: Path) -> None:
    by_loss = TaskSettings(name="regression", selection_metric="loss", greater_is_better=False)
    for model, base in (("pt", 0.3), ("rd", 0.7)):
        for seed in (1, 2, 3):
            loss = [Metric(split, "loss", base + seed / 100, 1, STEPS_PER_EPOCH) for split in ("valid", "test")]
            write(tmp_path, trial(model, seed=seed, task=by_loss), more=loss)
    (said,) = verdict(compared(tmp_path))
    assert said.startswith(
        "pt beats rd by 0.4000 [0.3773, 0.4227] in mean test loss (less is better) for new seeds, on"
    )
    assert [row.factors[0] for row in blocks(compared(tmp_path))[0].groups] == ["pt", "rd"]


def test_of_several_groups_the_best_is_named_with_those_it_beats(tmp_path: Path) -> None:
    comparison = of(
        tmp_path, {"pt hf": PT, "pt fairseq": (0.791, 0.788, 0.799), "rd hf": RD, "rd fairseq": (0.6, 0.6, 0.61)}
    )
    (said,) = verdict(comparison)
    assert said.startswith("pt hf has the best mean test accuracy of 4 groups, 79.3 % [")
    assert "; it beats rd hf and rd fairseq, and it cannot be told apart from pt fairseq, where a difference of" in said
    assert said.endswith(" points could have been seen (80 % power); n = 3.")
    assert "corrected for all comparisons of the same setting on the same data, leaves out 0" in rule(comparison)
    (table,) = ranking_tables(comparison)
    assert [(cells[0], cells[1], cells[4]) for cells in table.blocks[0]] == [
        ("pt hf", "1", "a"),
        ("pt fairseq", "2", "a"),
        ("rd hf", "3", "b"),
        ("rd fairseq", "4", "c"),
    ]
    assert any(line.startswith("For the letters 2 pairs of groups") for line in notes(comparison))


def test_the_letters_pairs_are_holms_of_welchs_p(tmp_path: Path) -> None:
    """Pairs that differ in two settings: pt hf, rd fairseq and pt fairseq, rd hf, a family of two."""
    groups = {"pt hf": PT, "pt fairseq": (0.70, 0.74, 0.72), "rd hf": (0.69, 0.72, 0.70), "rd fairseq": RD}
    (block,) = blocks(of(tmp_path, groups))
    p = [
        float(stats.ttest_ind(groups[first], groups[second], equal_var=False).pvalue)
        for first, second in (("pt hf", "rd fairseq"), ("pt fairseq", "rd hf"))
    ]
    told = [min(p) * 2 <= 0.05, min(p) * 2 <= 0.05 and max(p) <= 0.05]
    assert told == [True, False] and p[0] < p[1]
    named = {" ".join(map(str, row.factors)): row for row in block.groups}
    assert block.beats(named["pt hf"], named["rd fairseq"])
    untold = block.of(named["pt fairseq"], named["rd hf"])
    assert untold is not None and untold.better is None and untold.contrast is None


def test_a_verdict_a_data_set(tmp_path: Path) -> None:
    write_grid(tmp_path, list(grid(paths=["zoo/bert"], rates=[1e-5])))
    found = verdict(compared(tmp_path))
    assert [line.partition(":")[0] for line in found] == ["books", "toys"]
    assert all("pt beats rd by 20.0 points" in line and "on these 200 texts" in line for line in found)
    assert question(compared(tmp_path)).endswith("better mean test accuracy, on each of books and toys?")


def test_a_primary_comparison_is_the_verdict(tmp_path: Path) -> None:
    of(tmp_path, {"pt hf": PT, "pt fairseq": PT, "rd hf": RD, "rd fairseq": RD})
    comparison = compare_study(open_study(tmp_path), asked=asked({"primary": {"framework": ["hf", "fairseq"]}}))
    said = verdict(comparison)
    assert [line.partition(":")[0] for line in said] == ["Primary comparison, chosen afterwards"] * 2
    assert "pt hf and pt fairseq cannot be told apart" in said[0]


def test_so_many_groups_have_no_letters(tmp_path: Path) -> None:
    for number in range(MOST_LETTERS + 1):
        for seed in (1, 2, 3):
            value = 0.5 + number / 1000 + seed / 100
            write(tmp_path, trial(seed=seed, train={"learning_rate": 1e-5 * (number + 1)}), [value], [value])
    comparison = compared(tmp_path)
    (said,) = verdict(comparison)
    assert "its lead was not tested, of so many groups" in said
    assert any(line.startswith(f"More than {MOST_LETTERS} groups") for line in notes(comparison))
    assert "letters" not in ranking_tables(comparison)[0].heads


def test_nothing_done_and_one_group(tmp_path: Path) -> None:
    write(tmp_path / "none", trial(), status=Status.FAILED)
    assert verdict(compared(tmp_path / "none")) == ["Nothing is done yet: 1 failed."]
    comparison = of(tmp_path / "one", {"pt": PT})
    assert verdict(comparison)[0].startswith("pt hf has mean test accuracy 79.3 % [")
    assert rule(comparison) == ""


def test_the_rule_stands_beside_letters_that_no_contrast_has_given(tmp_path: Path) -> None:
    for number in range(26):
        for seed in (1, 2, 3):
            value = 0.5 + number / 1000 + seed / 100
            write(tmp_path, trial(seed=seed, train={"learning_rate": 1e-5 * (number + 1)}), [value], [value])
    comparison = compared(tmp_path)
    assert not blocks(comparison)[0].contrasts
    assert "corrected for all pairs of groups on the same data, leaves out 0" in rule(comparison)
    assert "letters" in ranking_tables(comparison)[0].heads


# What a reviewer found


def test_two_groups_that_differ_in_several_settings_have_their_numbers_and_a_warning(tmp_path: Path) -> None:
    for model, framework, rate, values in (("pt", "hf", 1e-5, PT), ("rd", "fairseq", 1e-4, RD)):
        for seed, value in enumerate(values, start=1):
            write(tmp_path, trial(model, framework, seed, train={"learning_rate": rate}), [value], [value], facts=FACTS)
    comparison = compared(tmp_path)
    (said,) = verdict(comparison)
    assert said.startswith("pt hf beats rd fairseq by 12.5 points [9.7, 15.4] in mean test accuracy")
    assert "they differ in more than one setting, and nothing tells which of them makes the difference" in said
    assert "CAUTION, they differ in learning_rate (1e-05 against 0.0001), too" in said
    assert not any("letters" in line for line in notes(comparison))


def test_trials_that_share_seeds_are_counted_as_trials_and_get_no_letters(tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6), ("own", 0.7)):
        for seed in (1, 2, 3):
            for rate in (1e-5, 1e-4):
                value = base + seed / 100 + 10 * rate
                write(tmp_path, trial(model, seed=seed, train={"learning_rate": rate}), [value], [value])
    comparison = compare_study(open_study(tmp_path), ["model"])
    (said,) = verdict(comparison)
    assert said.endswith("; which others it beats was not tested, since trials of a group share seeds; n = 6 trials.")
    assert "letters" not in ranking_tables(comparison)[0].heads


@pytest.mark.parametrize(
    ("seeds", "scope"),
    [
        ([(1, 1), (2, 2), (3, 3)], "for new seeds, on this test set"),
        ([(1, 1), (1, 2), (1, 3)], "for new data seeds, on this test set"),
        ([(1, 7), (2, 7), (3, 7)], "for new seeds, on this test set"),
        ([(1, 1)], "in mean test accuracy on this test set"),
    ],
)
def test_a_verdict_speaks_for_what_varied(seeds: Sequence[tuple[int, int]], scope: str, tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for number, (seed, data_seed) in enumerate(seeds):
            value = base + number / 100
            write(tmp_path, trial(model, seed=seed, data_seed=data_seed), [value], [value])
    assert scope in verdict(compared(tmp_path))[0]


def test_several_test_sets_are_not_said_to_be_one(tmp_path: Path) -> None:
    write_grid(tmp_path, list(grid(rates=[1e-5], paths=["zoo/bert"])))
    averaged = asked({"roles": {"compared": ["data.path"]}})
    assert "on these test sets" in verdict(compare_study(open_study(tmp_path), asked=averaged))[0]


def test_equal_means_share_the_first_place(tmp_path: Path) -> None:
    of(tmp_path, {"pt": PT, "rd": PT, "own": RD})
    # The same mean by another order of additions
    assert verdict(compared(tmp_path))[0].startswith("pt and rd share the best mean test accuracy of 3 groups, 79.3 %")


def test_a_bound_beside_zero_shows_its_side(tmp_path: Path) -> None:
    # Mean difference 2.27 points and an interval that ends 0.003 above 0.
    spread = (-0.01, 0.0, 0.01)
    comparison = of(tmp_path, {"pt": [0.8227 + own for own in spread], "rd": [0.80 + own for own in spread]})
    (said,) = verdict(comparison)
    assert "by 2.3 points [0.003, 4.5]" in said


def test_the_same_trials_in_two_studies_test_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        of(tmp_path / name, {"pt": PT})
    (said,) = verdict(compare_study(open_studies([tmp_path / "one", tmp_path / "two"]), ["study"]))
    assert "CAUTION, 3 trials are the same in both: their difference tests nothing" in said


def test_many_primary_comparisons_are_counted(tmp_path: Path) -> None:
    write_grid(tmp_path, list(grid(data=["data/books.csv"])))
    comparison = compare_study(open_study(tmp_path), asked=asked({"primary": {"model": ["pt", "rd"]}}))
    assert verdict(comparison) == [
        "Primary comparison, chosen afterwards, 6 times for new seeds, on these 200 texts:"
        " pt beats the other in 6 of 6."
    ]


def test_what_could_have_been_seen_is_at_the_interval_s_own_level(tmp_path: Path) -> None:
    comparison = of(tmp_path, {"pt": (0.70, 0.71, 0.72), "rd": (0.70, 0.71, 0.725), "own": (0.9, 0.91, 0.92)})
    one = next(one for one in blocks(comparison)[0].contrasts if one.better is None)
    level = 0.05 / 3
    found = one.verdict.detectable
    assert found is not None and one.family == 3
    # Simulated with the measured spreads as the true ones: Welch's test at this level has 80 % power.
    random = np.random.default_rng(0)
    sds = (0.01, float(np.std([0.0, 0.01, 0.025], ddof=1)))
    drawn = [random.normal(mean, sd, (20_000, 3)) for mean, sd in zip((found, 0.0), sds, strict=True)]
    rejected = stats.ttest_ind(*drawn, axis=1, equal_var=False).pvalue <= level
    assert rejected.mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("given", [{}, {"select": "train.learning_rate"}])
def test_what_is_compared_or_tuned_is_not_said_to_differ_beside(given: Mapping[str, Any], tmp_path: Path) -> None:
    write_grid(tmp_path, list(grid(paths=["zoo/bert"], data=["data/books.csv"])))
    comparison = compare_study(open_study(tmp_path), asked=asked(given))
    assert "CAUTION" not in " ".join(verdict(comparison))

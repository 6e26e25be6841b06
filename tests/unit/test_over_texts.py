"""Intervals for new seeds and new texts, from records with predictions to what is said of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.contrasts import Contrast, contrasts
from sweeper.analysis.grouping import compare_study
from sweeper.analysis.texts import SpeaksFor
from sweeper.records.predictions import ClassPredictions, Predictions, read_predictions, write_predictions
from sweeper.records.question import question
from sweeper.records.study import open_study
from sweeper.report.headline import verdict
from sweeper.report.notes import notes
from sweeper.report.sentences import sentences
from sweeper.report.tables import text_tables
from sweeper.trial.settings import TaskSettings
from tests.answered import keys_of, probit, write_answered
from tests.records import compared, rendered, trial, write

TEXTS = 400
SEEDS = (1, 2, 3)


def groups(seeds: int = 3, texts: int = TEXTS) -> dict[str, Any]:
    """Whether trials have texts right [seeds, texts], by group."""
    return {name: probit(seeds, texts, base=base, draw=draw) for name, base, draw in (("pt", 1.4, 1), ("rd", 0.5, 2))}


def write_groups(study: Path, found: dict[str, Any], **changes: Any) -> None:
    for name, rows in found.items():
        for seed, right in enumerate(rows, start=1):
            write_answered(study, trial(name, seed=seed, **changes), right)


def only(study: Path) -> Contrast:
    (found,) = contrasts(compared(study))
    return found


def by_the_formula(first: Any, second: Any) -> tuple[float, float]:
    """The interval, written out as Gallas, Pennello and Myers have it, text by text and seed by seed."""
    first, second = first.astype(float), second.astype(float)
    m, parts, shared = first.shape[1], [], 0.0
    for own in (first, second):
        n = len(own)
        parts.append((own.mean(axis=1).var(ddof=1) / n, n - 1))
        rest = sum((own[s, j] - own[s].mean() - own[:, j].mean() + own.mean()) ** 2 for s in range(n) for j in range(m))
        shared += rest / ((n - 1) * (m - 1)) / (n * m)
    of_texts = (first.mean(axis=0) - second.mean(axis=0)).var(ddof=1) / m
    of_seeds = sum(part for part, _ in parts)
    whole = max(of_seeds + of_texts - shared, of_seeds, of_texts)
    freedom = whole**2 / (sum(part**2 / own for part, own in parts) + of_texts**2 / (m - 1))
    half = stats.t.ppf(0.975, freedom) * whole**0.5
    difference = first.mean() - second.mean()
    return difference - half, difference + half


def test_the_interval_is_that_of_the_formula(tmp_path: Path) -> None:
    found = groups()
    write_groups(tmp_path, found)
    one = only(tmp_path)
    assert (one.low, one.high) == pytest.approx(by_the_formula(found["pt"], found["rd"]))
    welch = stats.ttest_ind(found["pt"].mean(axis=1), found["rd"].mean(axis=1), equal_var=False)
    assert one.over_seeds is not None
    bounds = welch.confidence_interval(0.95)
    assert (one.over_seeds.low, one.over_seeds.high, one.over_seeds.p) == pytest.approx(
        (bounds.low, bounds.high, welch.pvalue)
    )
    (said,) = verdict(compared(tmp_path))
    assert " in mean test accuracy for new seeds and new texts of this kind; for new seeds, on this test set [" in said
    assert said.startswith("pt beats rd by ")


def test_the_same_numbers_in_every_format(tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    one = only(tmp_path)
    assert one.low is not None and one.high is not None
    shown = f"[{100 * one.low:.1f}, {100 * one.high:.1f}]"
    assert all(shown in rendered(tmp_path, name) for name in ("terminal", "html"))
    assert shown in rendered(tmp_path, "markdown").replace("\\", "") and shown in rendered(tmp_path, "latex")
    (row,) = json.loads(rendered(tmp_path, "json"))["comparisons"]
    assert (row["low"], row["high"], row["better"]) == (one.low, one.high, "first")
    assert row["speaks_for"] == SpeaksFor.NEW_SEEDS_AND_TEXTS.value


def test_the_order_of_texts_makes_no_difference(tmp_path: Path) -> None:
    found = groups()
    write_groups(tmp_path / "one", found)
    for name, rows in found.items():
        for seed, right in enumerate(rows, start=1):
            order = np.random.default_rng(seed).permutation(TEXTS) if seed > 1 or name == "rd" else np.arange(TEXTS)
            labels = (np.arange(TEXTS) % 2)[order]
            write_answered(tmp_path / "two", trial(name, seed=seed), right[order], keys_of(TEXTS)[order], labels)
    one, other = only(tmp_path / "one"), only(tmp_path / "two")
    assert (one.low, one.high, one.p) == pytest.approx((other.low, other.high, other.p))


@pytest.mark.parametrize(("lost", "is_enough"), [(4, True), (20, True), (21, False), (200, False)])
def test_texts_that_some_trials_lack_have_no_part(lost: int, is_enough: bool, tmp_path: Path) -> None:
    found = groups()
    for name, rows in found.items():
        for seed, right in enumerate(rows, start=1):
            kept = TEXTS - lost * ((name, seed) == ("rd", 2))
            write_answered(tmp_path, trial(name, seed=seed), right[:kept], keys_of(TEXTS)[:kept])
    one = only(tmp_path)
    if is_enough:
        rows = [found[name][:, : TEXTS - lost] for name in ("pt", "rd")]
        assert (one.low, one.high) == pytest.approx(by_the_formula(*rows))
        return
    assert one.verdict.speaks_for is SpeaksFor.NEW_SEEDS_THESE_TEXTS
    said = f"No interval for new texts: rd (only {TEXTS - lost} of 400 texts are the same for all trials)."
    assert said in notes(compared(tmp_path))


def test_repeated_texts_are_one_cluster(tmp_path: Path) -> None:
    keys = keys_of(TEXTS, repeated=40)
    for name, rows in groups().items():
        for seed, right in enumerate(rows, start=1):
            labels = np.arange(TEXTS) % 2
            labels[-40:] = labels[:40]
            write_answered(tmp_path, trial(name, seed=seed), right, keys, labels)
    one = only(tmp_path)
    assert one.verdict.over_texts is not None and one.verdict.over_texts.clusters == 360
    assert any(
        line == "400 test texts are taken as 360 independent clusters, since some occur more than once."
        for line in notes(compared(tmp_path))
    )


def damaged(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:200])
    return "is not a trial's predictions"


def gone(path: Path) -> str:
    path.unlink()
    return "1 of 3 trials have no predictions; python -m sweeper.predictions STUDY --make"


def of_another(path: Path) -> str:
    other = next(own for own in path.parent.parent.glob("*-pt-*/predictions.npz"))
    path.write_bytes(other.read_bytes())
    return "is not what is on record: "


@pytest.mark.parametrize("harm", [damaged, gone, of_another])
def test_what_cannot_be_used_is_said_and_the_rest_stays(harm: Any, tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    before = only(tmp_path)
    said = harm(next(tmp_path.glob("*-rd-*s2-*/predictions.npz")))
    one, comparison = only(tmp_path), compared(tmp_path)
    assert one.verdict.speaks_for is SpeaksFor.NEW_SEEDS_THESE_TEXTS
    assert before.over_seeds is not None and (one.low, one.high) == (before.over_seeds.low, before.over_seeds.high)
    (line,) = [line for line in notes(comparison) if line.startswith("No interval for new texts: rd (")]
    assert said in line and "\n" not in line
    assert "for new seeds, on this test set" in verdict(comparison)[0]


def test_corrected_labels_are_seen(tmp_path: Path) -> None:
    for name, rows in groups().items():
        for seed, right in enumerate(rows, start=1):
            labels = np.arange(TEXTS) % 2
            labels[:3] = labels[:3] if name == "pt" else 1 - labels[:3]
            write_answered(tmp_path, trial(name, seed=seed), right, labels=labels)
    assert only(tmp_path).verdict.lacks == "labels of 3 texts differ between the two"


def test_one_seed_each_compares_two_models(tmp_path: Path) -> None:
    found = groups(seeds=1)
    write_groups(tmp_path, found)
    one, comparison = only(tmp_path), compared(tmp_path)
    assert one.verdict.speaks_for is SpeaksFor.THESE_MODELS_NEW_TEXTS
    paired = stats.ttest_rel(found["pt"][0].astype(float), found["rd"][0].astype(float))
    bounds = paired.confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx((bounds.low, bounds.high))
    first, second = found["pt"][0], found["rd"][0]
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    p = stats.binomtest(only_first, only_first + only_second).pvalue
    (cells,) = [
        cells
        for table in text_tables(comparison)
        if table.title.startswith("Tests of")
        for block in table.blocks
        for cells in block
        if "McNemar, these models" in cells
    ]
    assert f"right alone: {only_first}, {only_second}" in cells and p < 0.001
    (said,) = verdict(comparison)
    assert "cannot be told apart with 1 seed in mean test accuracy for these models, on new texts of this kind" in said
    assert any("and not the ways of making them" in line for line in notes(comparison))


def test_two_seeds_are_called_approximate(tmp_path: Path) -> None:
    write_groups(tmp_path, groups(seeds=2))
    assert "with two seeds in a group the interval is approximate" in verdict(compared(tmp_path))[0]


def test_what_is_no_mean_over_texts_has_no_such_interval(tmp_path: Path) -> None:
    by_f1 = TaskSettings(selection_metric="macro_f1")
    write_groups(tmp_path, groups(), task=by_f1)
    assert only(tmp_path).verdict.lacks == "macro_f1 is no mean over texts"
    assert "No interval for new texts: pt and rd (macro_f1 is no mean over texts)." in notes(compared(tmp_path))


def test_older_records_say_that_they_lack_predictions(tmp_path: Path) -> None:
    for name in ("pt", "rd"):
        for seed in SEEDS:
            write(tmp_path, trial(name, seed=seed), [0.5 + seed / 100], [0.5 + seed / 100])
    (line,) = [line for line in notes(compared(tmp_path)) if "No interval for new texts" in line]
    assert line.startswith("No interval for new texts: pt and rd (3 of 3 trials have no predictions; ")


def test_crossed_seeds_have_an_interval_over_texts_too(tmp_path: Path) -> None:
    for name, rows in groups(seeds=9).items():
        for number, right in enumerate(rows):
            write_answered(tmp_path, trial(name, seed=1 + number // 3, data_seed=1 + number % 3), right)
    one = only(tmp_path)
    assert one.verdict.speaks_for is SpeaksFor.NEW_SEEDS_AND_TEXTS and one.verdict.n == (3, 3)
    assert "for new seeds and data seeds and new texts of this kind" in verdict(compared(tmp_path))[0]


def test_groups_have_such_intervals_and_the_others_beside(tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    comparison = compared(tmp_path)
    for row in comparison.groups:
        assert row.test.over_seeds is not None and row.test.low is not None
        assert row.test.over_texts == SpeaksFor.NEW_SEEDS_AND_TEXTS.value
    (table,) = [table for table in text_tables(comparison) if table.title.startswith("Groups")]
    assert any("on these texts" in head for head in table.heads)


def test_what_would_be_needed_is_a_small_table(tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    (table,) = [table for table in text_tables(compared(tmp_path)) if table.title.startswith("Seeds and texts")]
    assert [cells[2] for cells in table.blocks[0]] == ["1.0", "2.0", "5.0"]
    assert any("three seeds know a spread" in line.lower() for line in notes(compared(tmp_path)))


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ([0] * 400, Collapse.ONE_CLASS),
        ([0] * 397 + [1] * 3, Collapse.ONE_CLASS),
        # No better than the majority, and yet not one class: with predictions at hand that is no collapse.
        ([0] * 380 + [1] * 20, None),
    ],
)
def test_predictions_tell_one_class_from_few_right(answered: list[int], expected: Any, tmp_path: Path) -> None:
    labels = np.array([1] * 40 + [0] * 360)  # nine tenths are of class 0
    sizes = {"train": [90, 10], "valid": [360, 40], "test": [360, 40]}
    data = {"label_names": ["bad", "good"], "class_counts": sizes, "leaked": {}, "notes": []}
    right = np.array(answered) == labels
    write_answered(tmp_path, trial(), right, labels=labels, facts={"data": data, "splits": {}})
    (row,) = compared(tmp_path).trials
    assert row.collapse is expected


def with_clusters(path: Path, clusters: Any) -> None:
    kept = read_predictions(path)
    splits = {name: replace(own, cluster=np.asarray(clusters, np.uint64)) for name, own in kept.splits.items()}
    write_predictions(path, Predictions(kept.epoch, kept.step, splits))


def test_given_clusters_count_and_forbid_mcnemars_test(tmp_path: Path) -> None:
    found = groups(seeds=1)
    write_groups(tmp_path, found)
    alone = only(tmp_path)
    clusters = np.arange(TEXTS) // 8
    for path in tmp_path.glob("*/predictions.npz"):
        with_clusters(path, clusters)
    one, comparison = only(tmp_path), compared(tmp_path)
    assert one.verdict.over_texts is not None and one.verdict.over_texts.clusters == 50
    # Clusters' summed deviations: C / ((C − 1) m²) Σ (Σ d − D)²
    d = found["pt"][0].astype(float) - found["rd"][0]
    summed = np.bincount(clusters, weights=d - d.mean())
    error = (50 / 49 / TEXTS**2 * (summed**2).sum()) ** 0.5
    half = stats.t.ppf(0.975, 49) * error
    assert (one.low, one.high) == pytest.approx((d.mean() - half, d.mean() + half)) != (alone.low, alone.high)
    cells = [cell for table in text_tables(comparison) for block in table.blocks for row in block for cell in row]
    assert "McNemar, these models" not in cells
    assert "400 test texts are taken as 50 independent clusters, by data.cluster." in notes(comparison)


def test_other_clusters_of_the_same_texts_are_no_comparison(tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    for path in tmp_path.glob("*/predictions.npz"):
        with_clusters(path, np.arange(TEXTS) // (8 if "-pt-" in str(path.parent.name) else 4))
    assert only(tmp_path).verdict.lacks == "clusters of the same texts differ between the two"


# What a reviewer found


def test_a_group_whose_trials_lack_texts_keeps_its_own_interval_over_seeds(tmp_path: Path) -> None:
    for name, rows in groups().items():
        for seed, right in enumerate(rows, start=1):
            kept = TEXTS - 20 * ((name, seed) == ("rd", 2))
            write_answered(tmp_path, trial(name, seed=seed), right[:kept], keys_of(TEXTS)[:kept])
    comparison, one = compared(tmp_path), only(tmp_path)
    pt, rd = comparison.groups
    assert pt.test.over_texts and not rd.test.over_texts
    assert any(
        line.startswith("rd: 380 of 400 test texts were answered by all its trials;") for line in notes(comparison)
    )
    size = f"{100 * one.verdict.contrast.estimate.value:.1f} points"
    assert size in verdict(comparison)[0] and size in sentences(comparison)[0]


def test_texts_that_either_group_lacks_count_together(tmp_path: Path) -> None:
    for (name, rows), lost in zip(groups().items(), (slice(0, 16), slice(16, 32)), strict=True):
        for seed, right in enumerate(rows, start=1):
            kept = np.delete(np.arange(TEXTS), np.arange(TEXTS)[lost] if seed == 1 else [])
            labels = (np.arange(TEXTS) % 2)[kept]
            write_answered(tmp_path, trial(name, seed=seed), right[kept], keys_of(TEXTS)[kept], labels)
    assert only(tmp_path).verdict.lacks == "only 368 of 400 texts are the same for all trials"


def test_trials_of_different_splits_have_no_interval_for_new_texts(tmp_path: Path) -> None:
    for name, rows in groups().items():
        for seed, right in enumerate(rows, start=1):
            digests = {**trial(name).digests, "data": f"split{seed}"}
            write_answered(tmp_path, trial(name, seed=seed, digests=digests), right)
    asked = question({"roles": {"nuisance": ["digests.data"]}})
    comparison = compare_study(open_study(tmp_path), asked=asked)
    (one,) = contrasts(comparison)
    assert one.verdict.lacks == "its trials read different data or splits"


def test_of_one_seed_nothing_could_have_been_seen(tmp_path: Path) -> None:
    found = groups(seeds=1) | {"own": probit(1, TEXTS, base=1.0, draw=3)}
    write_groups(tmp_path, found)
    (said,) = verdict(compared(tmp_path))
    assert "as it takes 3 seeds or more of each" in said and "could have been seen" not in said


def test_the_order_of_texts_leaves_paired_and_mcnemars_rows(tmp_path: Path) -> None:
    for name, rows in groups(seeds=1).items():
        order = np.random.default_rng(5).permutation(TEXTS) if name == "rd" else np.arange(TEXTS)
        labels = (np.arange(TEXTS) % 2)[order]
        write_answered(tmp_path, trial(name), rows[0][order], keys_of(TEXTS)[order], labels)
    cells = [c for table in text_tables(compared(tmp_path)) for block in table.blocks for row in block for c in row]
    assert "McNemar, these models" in cells


def test_a_loss_that_is_not_on_record_is_seen(tmp_path: Path) -> None:
    write_groups(tmp_path, groups())
    path = next(tmp_path.glob("*-rd-*s2-*/predictions.npz"))
    kept = read_predictions(path)
    halved: dict[str, Any] = {}
    for name, own in kept.splits.items():
        assert isinstance(own, ClassPredictions)
        halved[name] = replace(own, log_probabilities=own.log_probabilities / 2)
    write_predictions(path, Predictions(kept.epoch, kept.step, halved))
    assert "is not what is on record: loss" in only(tmp_path).verdict.lacks

"""Trials that learned nothing: seen on validation, marked, counted, left in; and the majority class beside them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.analysis.collapse import Collapse
from sweeper.analysis.grouping import compare, compare_study
from sweeper.analysis.majority import majority_rows
from sweeper.analysis.results import results_of
from sweeper.analysis.rows import Comparison, TrialRow
from sweeper.records.question import question
from sweeper.records.study import open_study
from sweeper.report.collapse_notes import GROUPS_NAMED, collapse_notes
from sweeper.report.figures import figure_csv, figures
from sweeper.report.figures.curves import CurveFigure
from sweeper.report.figures.drawing import draw, draw_narrow
from sweeper.report.figures.intervals import IntervalFigure
from sweeper.report.figures.tables import figure_table
from sweeper.report.headline import verdict
from sweeper.report.page import draw_figures, page
from sweeper.report.ranking import ranking_tables
from sweeper.report.tables import closing_tables, text_tables
from sweeper.report.text import MAJORITY, TextTable
from sweeper.status import main as status
from sweeper.trial.outcome import Metric, Status
from tests.comparisons import facts as known_of_grid
from tests.comparisons import grid, grid_trial, write_grid
from tests.records import STEPS_PER_EPOCH, compared, rendered, trial, write

BALANCED, SKEWED = (10, 10), (90, 10)
MACRO = {"selection_metric": "macro_f1"}
LANGUAGE = {"name": "language_modelling", "selection_metric": "loss", "greater_is_better": False}


def facts(valid: Sequence[int] = BALANCED, test: Sequence[int] | None = None, names: bool = True) -> dict[str, Any]:
    """What a record says of a data set with so many examples of each class; with no `names` they are questions."""
    counts = {"train": list(valid), "valid": list(valid), "test": list(test or valid)}
    splits = {
        split: {"examples": sum(sizes), "truncated": 0, "tokens": 100, "unknown_share": 0.0}
        for split, sizes in counts.items()
    }
    labels = [f"class{number}" for number in range(len(valid))] if names else []
    return {"data": {"label_names": labels, "class_counts": counts, "leaked": {}, "notes": []}, "splits": splits}


def at(epoch: int, split: str, name: str, value: float) -> Metric:
    return Metric(split, name, value, epoch, epoch * STEPS_PER_EPOCH)


def only(study: Path) -> TrialRow:
    (row,) = compared(study).trials
    return row


def table(tables: Sequence[TextTable], title: str) -> list[tuple[str, ...]]:
    (found,) = (item for item in tables if item.title.startswith(title))
    return [cells for block in found.blocks for cells in block]


@pytest.mark.parametrize(
    ("known", "accuracy", "found"),
    [
        (facts(), [0.5, 0.5], Collapse.CHANCE),
        (facts(), [0.4, 0.45], Collapse.CHANCE),
        (facts(), [0.5, 0.55], None),
        (facts(SKEWED), [0.9], Collapse.CHANCE),
        (facts(SKEWED), [0.91], None),
        (facts((40, 30, 30)), [0.4], Collapse.CHANCE),
        (facts((40, 30, 30)), [0.45], None),
        (facts(BALANCED, SKEWED), [0.6], None),  # test's majority has no part
        (facts(SKEWED, BALANCED), [0.6], Collapse.CHANCE),
        (facts((20, 0)), [1.0], None),  # of one class nothing can be learned
        (facts((20,), names=False), [0.1], None),  # questions
        (None, [0.1], None),
    ],
)
def test_accuracy_is_judged_by_the_majority_of_validation(
    tmp_path: Path, known: Mapping[str, Any] | None, accuracy: list[float], found: Collapse | None
) -> None:
    write(tmp_path, trial(), accuracy, [0.3] * len(accuracy), facts=known)
    assert only(tmp_path).collapse == found


@pytest.mark.parametrize(("accuracy", "found"), [(0.9, Collapse.CHANCE), (0.92, None), (None, None)])
def test_another_metric_may_select(tmp_path: Path, accuracy: float | None, found: Collapse | None) -> None:
    """The accuracy is that at the epoch which macro-F1 chose, the second; where it was measured."""
    more = [] if accuracy is None else [at(1, "valid", "accuracy", 0.95), at(2, "valid", "accuracy", accuracy)]
    write(tmp_path, trial(task=MACRO), [0.4, 0.6], [0.9, 0.9], facts=facts(SKEWED), more=more)
    assert only(tmp_path).collapse == found


@pytest.mark.parametrize(
    ("task", "known", "losses", "found"),
    [
        ({}, facts(), [at(2, "train", "loss", math.nan)], Collapse.LOSS),
        ({}, None, [at(2, "valid", "loss", math.inf)], Collapse.LOSS),
        ({}, facts(), [at(2, "test", "loss", math.nan)], None),
        ({}, facts(), [at(1, "train", "loss", math.nan)], None),  # it came back
        (LANGUAGE, None, [at(2, "train", "loss", math.nan)], Collapse.LOSS),
        (LANGUAGE, facts((1, 19)), [], None),  # a loss is no accuracy
        (MACRO, facts(), [at(2, "train", "loss", -math.inf)], Collapse.LOSS),
    ],
)
def test_losses_are_judged_whatever_the_task(
    tmp_path: Path, task: Mapping[str, Any], known: Mapping[str, Any] | None, losses: list[Metric], found: Collapse
) -> None:
    write(tmp_path, trial(task=task), [0.6, 0.8], [0.6, 0.8], facts=known, more=losses)
    assert only(tmp_path).collapse == found


def test_only_done_trials_are_judged(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.5], [0.5], status=Status.FAILED, facts=facts())
    write(tmp_path, trial(seed=2), [0.5], [0.5], status=None, facts=facts())
    assert [row.collapse for row in compared(tmp_path).trials] == [None, None]


def write_mixed(study: Path, chance_on_test: float = 0.5, known: Mapping[str, Any] | None = None) -> None:
    """Write three trials of pt, and of rd two at chance and one at 0.7 on validation, 0.712 on test."""
    for seed in (1, 2, 3):
        write(study, trial("pt", seed=seed), [0.7, 0.8], [0.7, 0.8], facts=known or facts())
        valid, test = (0.7, 0.712) if seed == 3 else (0.5, chance_on_test)
        write(study, trial("rd", seed=seed), [0.4, valid], [0.4, test], facts=known or facts())


def test_test_sets_have_no_part(tmp_path: Path) -> None:
    """With every test value another the same trials are marked."""

    def marked(study: Path) -> list[Any]:
        return [(row.name, row.collapse) for row in compared(study).trials]

    write_mixed(tmp_path / "demo")
    write_mixed(tmp_path / "other" / "demo", chance_on_test=0.99)
    assert marked(tmp_path / "demo") == marked(tmp_path / "other" / "demo")
    assert [found for _, found in marked(tmp_path / "demo")].count(Collapse.CHANCE) == 2


def test_every_number_keeps_all_trials(tmp_path: Path) -> None:
    write_mixed(tmp_path / "judged")
    write_mixed(tmp_path / "unjudged", known={"splits": facts()["splits"]})
    judged, unjudged = compared(tmp_path / "judged"), compared(tmp_path / "unjudged")
    assert judged.groups[1].collapsed and not unjudged.groups[1].collapsed
    for split in ("validation", "test"):
        assert [row.on(split) for row in judged.groups] == [row.on(split) for row in unjudged.groups]
    assert verdict(judged) == verdict(unjudged)


def test_a_line_gives_the_mean_without_them(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    assert list(collapse_notes(compared(tmp_path))) == [
        "2 of 3 trials of rd are at chance on validation (accuracy no better than the majority class, 50.0 %):"
        " they count. Without them: mean test accuracy 71.2 % (n = 1)."
    ]


def test_lines_are_true_for_each_reason(tmp_path: Path) -> None:
    """Of an old record nothing but its loss tells; the majority's share is not told where records differ in it."""
    nan = [at(2, "train", "loss", math.nan)]
    write(tmp_path, trial("rd", seed=1), [0.6, 0.7], [0.6, 0.7], more=nan)
    write(tmp_path, trial("rd", seed=2), [0.5, 0.5], [0.6, 0.7], facts=facts())
    write(tmp_path, trial("rd", seed=3), [0.5, 0.5], [0.6, 0.7], facts=facts())
    comparison = compared(tmp_path)
    assert list(collapse_notes(comparison)) == [
        "1 of 3 trials of rd hf ended with a loss that is not finite, 2 of 3 are at chance on validation (accuracy no"
        " better than the majority class): they count. Without them: no trial is left."
    ]
    assert table(text_tables(comparison), "Groups")[0][-1] == "3 (1 loss not finite, 2 at chance)"
    assert not list(majority_rows(comparison))


def test_many_such_groups_are_named_in_part(tmp_path: Path) -> None:
    for number in range(GROUPS_NAMED + 3):
        write(tmp_path, trial(train={"learning_rate": 10.0**-number}), [0.5], [0.5], facts=facts())
    found = list(collapse_notes(compared(tmp_path)))
    assert len(found) == GROUPS_NAMED + 1
    assert found[-1] == "3 more groups have such trials: the table of groups counts them beside n."


def test_every_trial_may_be_at_chance(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, trial(seed=seed), [0.5], [0.5], facts=facts())
    comparison = compared(tmp_path)
    assert table(text_tables(comparison), "Groups")[0][-1] == "2 (2 at chance)"
    assert next(collapse_notes(comparison)).endswith("they count. Without them: no trial is left.")
    for figure in figures(comparison):
        assert draw(figure) and draw_narrow(figure)


def test_tables_mark_trials_and_count_them(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    comparison = compared(tmp_path)
    for tables in (text_tables(comparison), closing_tables(comparison)):
        states = [cells[2] for cells in table(tables, "Trials")]
        assert states == ["done"] * 3 + ["done, at chance"] * 2 + ["done"]
        groups = table(tables, "Groups")
        assert [cells[-1] for cells in groups] == ["3", "3 (2 at chance)", "–"]
        assert groups[-1][:4] == (MAJORITY, "", "50.0", "50.0")
    (ranking,) = ranking_tables(comparison)
    assert [cells[0] for block in ranking.blocks for cells in block] == ["pt", "rd", MAJORITY]
    assert [cells[-1] for block in ranking.blocks for cells in block] == ["3", "3 (2 at chance)", "–"]
    assert ranking.blocks[-1] == ((MAJORITY, "–", "50.0", "-30.0", "–"),)


@pytest.mark.parametrize("format_name", [None, "markdown", "latex", "html"])
def test_every_format_has_marks_counts_and_the_majority(tmp_path: Path, format_name: str | None) -> None:
    write_mixed(tmp_path)
    if format_name == "html":
        comparison = compared(tmp_path)
        shown = page(comparison, "demo", draw_figures(comparison))
    else:
        shown = rendered(tmp_path, format_name)
    for text in ("done, at chance", "3 (2 at chance)", MAJORITY, "2 of 3 trials of rd are at chance"):
        assert text in shown


def test_files_hold_what_was_seen(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    rows = list(csv.DictReader(io.StringIO(rendered(tmp_path, "csv"))))
    assert [row["collapse"] for row in rows] == [""] * 3 + ["no better than the majority"] * 2 + [""]
    assert {row["status"] for row in rows} == {"done"}
    found = json.loads(rendered(tmp_path, "json"))
    assert found["schema"] == 3
    assert [row["collapse"] for row in found["trials"]] == [None] * 3 + ["no better than the majority"] * 2 + [None]
    names = [row["name"] for row in found["trials"]]
    assert [row["collapsed"] for row in found["groups"]] == [[], names[3:5]]
    assert [row["majority"] for row in found["groups"]] == [{"validation": 0.5, "test": 0.5}] * 2


def test_status_marks_them_as_the_report_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_mixed(tmp_path)
    status([str(tmp_path)])
    assert capsys.readouterr().out.count("done, at chance") == 2
    status([str(tmp_path), "--json"])
    found = {item["name"]: item["collapse"] for item in json.loads(capsys.readouterr().out)["trials"]}
    assert found == {row.name: row.collapse for row in compared(tmp_path).trials}


def test_an_old_record_has_no_judgement_and_no_majority(tmp_path: Path) -> None:
    write(tmp_path, trial("pt"), [0.7], [0.7])
    write(tmp_path, trial("rd"), [0.3], [0.3])
    comparison = compared(tmp_path)
    assert not list(collapse_notes(comparison)) and not list(majority_rows(comparison))
    assert MAJORITY not in rendered(tmp_path) and "chance" not in rendered(tmp_path)
    assert not any(MAJORITY in figure.caption for figure in figures(comparison))


@pytest.mark.parametrize(
    ("others", "cells"),
    [((), None), (("accuracy",), [("–", "90.0", "–", "50.0")])],
)
def test_the_majority_stands_in_columns_of_accuracy_alone(
    tmp_path: Path, others: Sequence[str], cells: list[tuple[str, ...]] | None
) -> None:
    """A constant classifier's macro-F1 is another number."""
    for name in ("pt", "rd"):
        more = [at(1, split, other, 0.95) for other in others for split in ("valid", "test")]
        write(tmp_path, trial(name, task=MACRO), [0.7], [0.7], facts=facts(SKEWED, BALANCED), more=more)
    comparison = compared(tmp_path)
    rows = [row for row in table(text_tables(comparison), "Groups") if MAJORITY in row]
    assert [row[2:6] for row in rows] == (cells or [])
    (ranking,) = ranking_tables(comparison)
    assert len(ranking.blocks) == 1
    assert not any(figure.majority for figure in figures(comparison) if isinstance(figure, IntervalFigure))


def write_two_sets(study: Path, others: Sequence[int] = SKEWED) -> Comparison:
    for data, sizes in (("books", BALANCED), ("toys", others)):
        for name, base in (("pt", 0.93), ("rd", 0.85)):
            for seed in (1, 2):
                write(study, trial(name, seed=seed, data=data), [base], [base], facts=facts(sizes))
    return compared(study)


def test_each_data_set_has_its_own_majority(tmp_path: Path) -> None:
    comparison = write_two_sets(tmp_path)
    assert "data" in comparison.roles.blocks
    position = comparison.factors.index("data")
    marks = {(row.factors[0], row.factors[position]): len(row.collapsed) for row in comparison.groups}
    assert marks == {("pt", "books"): 0, ("pt", "toys"): 0, ("rd", "books"): 0, ("rd", "toys"): 2}
    rows = [cells for cells in table(text_tables(comparison), "Groups") if MAJORITY in cells]
    assert [(cells[position], *[cell for cell in cells if "0.0" in cell]) for cells in rows] == [
        ("books", "50.0", "50.0"),
        ("toys", "90.0", "90.0"),
    ]
    found = {item.title.rpartition(", ")[2]: item.blocks[-1][0][2] for item in ranking_tables(comparison)}
    assert found == {"books": "50.0", "toys": "90.0"}
    shown = page(comparison, "demo", draw_figures(comparison))
    assert f"{MAJORITY} books" in shown and f"{MAJORITY} toys" in shown


def test_a_line_is_drawn_within_one_data_set_only(tmp_path: Path) -> None:
    comparison = write_two_sets(tmp_path)
    headlines = [item for item in figures(comparison) if item.name.startswith("headline")]
    assert [item.majority for item in headlines if isinstance(item, IntervalFigure)] == [{"test": 0.5}, {"test": 0.9}]
    (groups,) = (item for item in figures(comparison) if item.name == "groups_accuracy")
    assert isinstance(groups, IntervalFigure) and not groups.majority
    curves = [item for item in figures(comparison) if isinstance(item, CurveFigure)]
    assert [[panel.majority for panel in item.panels] for item in curves] == [[0.5, 0.9]] * 2
    assert [[panel.title for panel in item.panels] for item in curves] == [["books", "toys"]] * 2


def test_data_that_differ_in_the_majority_of_one_set_share_that_of_the_other(tmp_path: Path) -> None:
    for name, sizes in (("pt", BALANCED), ("rd", SKEWED)):
        write(tmp_path, trial(name), [0.95], [0.95], facts=facts(sizes, (30, 10)))
    comparison = compared(tmp_path)
    (row,) = majority_rows(comparison)
    assert (row.validation, row.test) == (None, 0.75)


def test_figures_have_a_line_and_say_so(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    found = figures(compared(tmp_path))
    for figure in found:
        of_accuracy = not figure.name.startswith("differences")
        assert (f"Dashed line: {MAJORITY}" in figure.caption) == of_accuracy
        assert (MAJORITY.encode() in draw(figure)["svg"]) == of_accuracy
        assert (MAJORITY.encode() in draw_narrow(figure)) == of_accuracy
        assert (MAJORITY in figure_csv(figure)) == of_accuracy
        assert any(MAJORITY in cells for block in figure_table(figure).blocks for cells in block) == of_accuracy
    headline, groups = found[0], found[1]
    assert isinstance(headline, IntervalFigure) and isinstance(groups, IntervalFigure)
    assert headline.labels == ("pt (n = 3)", "rd (n = 3, 2 at chance)")
    assert groups.labels == ("pt", "rd (2 at chance)")
    assert (headline.majority, groups.majority) == ({"test": 0.5}, {"validation": 0.5, "test": 0.5})


def test_a_line_far_away_is_told_and_not_drawn(tmp_path: Path) -> None:
    """Else six models between 90 and 92 % were one blot."""
    for name, base in (("pt", 0.92), ("rd", 0.90)):
        for seed in (1, 2, 3):
            value = base + seed / 1000
            write(tmp_path, trial(name, seed=seed), [value] * 2, [value] * 2, facts=facts())
    for figure in figures(compared(tmp_path)):
        if not figure.name.startswith("differences"):
            assert "50.0 % on" in figure.caption and "too far away to be drawn" in figure.caption
            assert MAJORITY.encode() not in draw(figure)["svg"]


def test_a_superseded_trial_is_marked_and_not_counted(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    results = list(results_of(open_study(tmp_path)))
    results = [
        replace(own, superseded="superseded") if own.choices["model"] == "rd" and own.seed == 1 else own
        for own in results
    ]
    comparison = compare(results)
    assert [cells[-1] for cells in table(text_tables(comparison), "Groups")][:2] == ["3", "2 of 3 (1 at chance)"]
    assert "1 of 2 trials of rd is at chance" in " ".join(collapse_notes(comparison))


def test_the_grid_marks_rates_at_which_nothing_is_learned(tmp_path: Path) -> None:
    """Those were not chosen, so that the groups that are compared have none."""
    chosen = list(grid(paths=["zoo/bert"], data=["data/books.csv"], rates=[1e-5]))
    write_grid(tmp_path, chosen)
    for seed in (1, 2, 3):
        for name, valid in (("pt", 0.5), ("rd", 0.55)):
            described = grid_trial(name, "zoo/bert", "data/books.csv", 1e-4, seed)
            write(tmp_path, described, [valid], [0.5], facts=known_of_grid())
    comparison = compare_study(open_study(tmp_path), asked=question({"select": ["train.learning_rate"]}))
    assert not any(row.collapsed for row in comparison.groups) and not list(collapse_notes(comparison))
    tables = text_tables(comparison)
    counts = [cells[-1] for cells in table(tables, "All values that were tried")]
    assert counts == ["3", "3 (3 at chance)", "3", "3"]
    assert sum("done, at chance" in cells for cells in table(tables, "Trials")) == 3

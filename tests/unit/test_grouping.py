"""Groups of what is asked for, several studies at once, and what trials of a group should not differ in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sweeper.analysis.grouping import compare, compare_study
from sweeper.analysis.results import open_studies
from sweeper.analysis.rows import Differing
from sweeper.errors import WrongInput
from sweeper.records.files import read_json, write_json
from sweeper.records.question import question
from sweeper.records.record import Record
from sweeper.records.study import open_study
from sweeper.report.__main__ import main
from sweeper.report.notes import notes
from tests.records import compared, rendered, trial, write, write_demo, write_plan
from tests.refusals import refusal_of


def write_rates(study: Path) -> None:
    for model in ("pt", "rd"):
        for rate in (1e-3, 1e-4):
            for seed in (1, 2):
                write(study, trial(model, seed=seed, train={"learning_rate": rate}), [0.5], [0.5 + rate])


def test_groups_are_made_of_what_is_asked_for(tmp_path: Path) -> None:
    write_rates(tmp_path)
    comparison = compare_study(open_study(tmp_path), ["train.learning_rate"])
    assert comparison.factors == ("train.learning_rate",)
    assert [(group.factors, group.test.n) for group in comparison.groups] == [((1e-4,), 4), ((1e-3,), 4)]


def test_what_is_merged_is_flagged_with_what_differs(tmp_path: Path) -> None:
    write_rates(tmp_path)
    comparison = compare_study(open_study(tmp_path), ["model", "framework"])
    [item] = comparison.groups[0].differing
    assert item.name == "train.learning_rate" and sorted(item.values) == [("0.0001", 2), ("0.001", 2)]
    assert any("CAUTION, pt: its trials differ in train.learning_rate: " in note for note in notes(comparison))
    assert compared(tmp_path).groups[0].differing == ()


def test_a_setting_that_older_records_lack_is_at_its_default(tmp_path: Path) -> None:
    write_demo(tmp_path)
    old = sorted(tmp_path.glob("*-s1-*/trial.json"))
    for file in old:
        described = json.loads(file.read_text())
        del described["config"]["train"]["gradient_accumulation"]
        file.write_text(json.dumps(described))
    comparison = compared(tmp_path)
    assert len(old) == 2 and comparison.factors == ("model", "framework")
    assert [group.differing for group in comparison.groups] == [(), ()]
    assert len({row.order for row in comparison.trials}) == 1
    write(tmp_path, trial("rd", seed=4, train={"gradient_accumulation": 2}), [0.5], [0.5])
    assert compared(tmp_path).factors == ("model", "framework", "train.gradient_accumulation")


def test_a_factors_last_part_is_enough_where_it_is_the_only_one_that_varies(tmp_path: Path) -> None:
    write_rates(tmp_path)  # arch.pretraining.learning_rate is another setting of that name
    assert compare_study(open_study(tmp_path), ["model", "learning_rate"]).factors == ("model", "train.learning_rate")


@pytest.mark.parametrize("format_name", ["terminal", "markdown", "latex", "json", "csv"])
def test_every_format_does_with_other_factors(
    format_name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rates(tmp_path)
    main([str(tmp_path), "by=train.learning_rate", "--format", format_name])
    text = capsys.readouterr().out
    assert "0.0001" in text
    if format_name == "csv":
        first = next(csv.DictReader(io.StringIO(text)))
        assert (first["model"], first["framework"], first["train.learning_rate"]) == ("pt", "hf", "0.0001")


def test_a_factor_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    write_rates(tmp_path)
    said = refusal_of(main, [str(tmp_path), "by=model,train.learnig_rate"])
    assert said.startswith("by=train.learnig_rate: no such factor; did you mean train.learning_rate?")
    assert "those that differ here: model, framework" in said


def test_the_study_is_a_factor_where_trials_are_otherwise_alike(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_demo(tmp_path / name)
    comparison = compare_study(open_studies([tmp_path / "first", tmp_path / "second"]))
    assert comparison.factors == ("model", "framework", "study")
    assert [group.factors[2] for group in comparison.groups] == ["first", "second"] * 2
    assert len({row.name for row in comparison.trials}) == 12


def test_the_study_is_no_factor_where_it_follows_another(tmp_path: Path) -> None:
    for model in ("pt", "rd"):
        for seed in (1, 2):
            write(tmp_path / model, trial(model, seed=seed), [0.5], [0.5])
    comparison = compare_study(open_studies([tmp_path / "pt", tmp_path / "rd"]))
    assert comparison.factors == ("model", "framework")
    assert len(comparison.groups) == 2 and comparison.groups[0].differing == ()


def test_the_same_trial_of_two_studies_is_never_counted_twice_unsaid(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_demo(tmp_path / name, seeds=(1, 2))
    comparison = compare_study(open_studies([tmp_path / "first", tmp_path / "second"]), ["model", "framework"])
    assert [len(group.repeated) for group in comparison.groups] == [4, 4]
    assert any(
        line.startswith("CAUTION, pt: the same trial counts more than once: first/hf-pt") for line in notes(comparison)
    )


def test_studies_of_the_same_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write_demo(tmp_path / place / "demo", seeds=(1,))
    comparison = compare_study(open_studies([tmp_path / "a/demo", tmp_path / "b/demo"]))
    assert {group.factors[2] for group in comparison.groups} == {str(tmp_path / "a/demo"), str(tmp_path / "b/demo")}


def test_planned_trials_of_several_studies_are_named(tmp_path: Path) -> None:
    write_demo(tmp_path / "first", seeds=(1,))
    write_plan(tmp_path / "second", [trial(seed=9)])
    comparison = compare_study(open_studies([tmp_path / "first", tmp_path / "second"]))
    assert comparison.planned == (f"second/{trial(seed=9).name}",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{study}", "{study}"], "is given twice"),
        (["by=model"], "no study is named"),
        (["{study}", "color=red"], "color=red is no setting of a report"),
        (["{study}", "by="], "by= is empty"),
        (["{study}", "nowhere"], "there is no directory nowhere"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", seeds=(1,))
    with pytest.raises(WrongInput, match=said):
        main([argument.format(study=tmp_path / "demo") for argument in arguments])


def launched(record: Record, **changes: object) -> None:
    """Give a record the provenance of a launch."""
    description = read_json(record.path / "trial.json")
    code = {"commit": "c" * 40, "dirty": False, "difference_sha256": None} | {
        key: changes.pop(key) for key in ("commit", "dirty", "difference_sha256") if key in changes
    }
    launch = {"command": "python -m sweeper.run", "host": "a", "code": code, "versions": {"torch": "2.13.0"}} | changes
    write_json(record.path / "trial.json", description | {"provenance": {"launches": [launch]}})


def test_a_group_of_different_code_is_flagged_but_not_one_of_different_machines(tmp_path: Path) -> None:
    for seed, changes in enumerate(
        (
            {},
            {"host": "b"},
            {"dirty": True, "difference_sha256": "d" * 64},
            {"versions": {"torch": "2.12.0"}},
        ),
        start=1,
    ):
        launched(write(tmp_path, trial(seed=seed), [0.5], [0.5]), **changes)  # type: ignore[arg-type]
    comparison = compared(tmp_path)
    assert comparison.groups[0].differing == (
        Differing("commit", (("cccccccccc", 3), ("cccccccccc + changes dddddddddd", 1))),
        Differing("torch", (("2.13.0", 3), ("2.12.0", 1))),
    )
    assert sum(line.startswith("CAUTION, pt hf") for line in notes(comparison)) == 2
    (tmp_path / trial(seed=3).name / "outcome.json").unlink()  # what is not done has no say
    assert [item.name for item in compared(tmp_path).groups[0].differing] == ["torch"]


def test_provenance_says_commands_code_hosts_and_versions(tmp_path: Path) -> None:
    for seed, host in ((1, "a"), (2, "b")):
        launched(write(tmp_path, trial(seed=seed), [0.5], [0.5]), host=host, dirty=True, difference_sha256="d" * 64)
    text = rendered(tmp_path)
    rows = [line.split() for line in text[text.index("\nProvenance") :].splitlines()]
    assert ["command", "python", "-m", "sweeper.run", "2"] in rows
    assert ["code", "commit", "cccccccccc", "+", "changes", "dddddddddd", "(dirty)", "2"] in rows
    assert ["host", "a,", "–", "1"] in rows and ["versions", "torch", "2.13.0", "2"] in rows
    first = json.loads(rendered(tmp_path, "json"))["provenance"][0]
    assert (first["host"], first["launches"], first["commit"]) == ("a", 1, "c" * 40)


def test_nothing_is_compared_of_nothing() -> None:
    assert compare([], asked=question({"by": ["whatever"]})).groups == ()


@pytest.mark.parametrize("factor", ["seed", "data_seed"])
def test_groups_are_not_made_of_seeds(factor: str, tmp_path: Path) -> None:
    write_rates(tmp_path)
    with pytest.raises(WrongInput, match=f"by={factor}: groups are made over seeds"):
        compare_study(open_study(tmp_path), [factor])

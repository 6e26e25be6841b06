"""What a study is asked: typed for a sweep or a report, kept in study.json with its time, no part of any id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from sweeper.analysis.contrasts import contrasts
from sweeper.analysis.factors import trial_settings
from sweeper.analysis.grouping import compare_study
from sweeper.analysis.roles import checked
from sweeper.config.arguments import as_list
from sweeper.config.composed import study_of, to_trial
from sweeper.config.schema import register
from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.errors import WrongInput
from sweeper.records.fingerprints import fingerprint_of_study
from sweeper.records.question import KEY, Primary, Question, question
from sweeper.records.record import Record, supersede
from sweeper.records.study import FILE, Study, open_study, question_of
from sweeper.report.notes import notes
from tests.comparisons import grid, grid_trial, reached, write_grid
from tests.records import compared, write
from tests.refusals import refusal_of

PAIR = {"model": ["pt", "rd"]}


def study(directory: Path, **given: Any) -> Study:
    return Study("grid", directory, None, {}, question=question(given))


def describe(directory: Path, **given: Any) -> None:
    study(directory, **given).describe([], "command")


def kept(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / FILE).read_text())[KEY]
    return found


def test_what_is_asked_is_kept_with_the_time_of_its_first_typing(tmp_path: Path) -> None:
    describe(tmp_path, select="train.learning_rate", primary=PAIR)
    first = kept(tmp_path)
    assert [entry["value"] for entry in first["select"]] == [["train.learning_rate"]]
    assert first["primary"][0] == {"value": PAIR, "time": first["select"][0]["time"], "after_results": False}
    describe(tmp_path)  # a command that asks nothing changes nothing
    assert kept(tmp_path) == first
    describe(tmp_path, primary={"model": ["rd", "pt"]}, by=["model"])
    assert kept(tmp_path)["primary"] == first["primary"]
    asked = question_of(tmp_path)
    assert (asked.by, asked.select) == (("model",), ("train.learning_rate",))
    assert asked.primary == Primary("model", ("pt", "rd"), planned=True)
    describe(tmp_path, select=[], by=[])  # taken back
    assert (question_of(tmp_path).by, question_of(tmp_path).select) == ((), ())


@pytest.mark.parametrize("put_aside", [False, True])
def test_only_what_is_said_before_the_first_result_is_planned(put_aside: bool, tmp_path: Path) -> None:
    one = next(grid())
    made = grid_trial(*one)
    with (Record(tmp_path / made.name)).writing() as writer:  # it runs, and has measured nothing yet
        writer.describe(made.description(), {"command": "test"})
    describe(tmp_path, primary=PAIR)
    assert question_of(tmp_path).primary == Primary("model", ("pt", "rd"), planned=True)
    valid, test = reached(*one)
    record = write(tmp_path, made, [valid], [test])
    if put_aside:
        supersede(record)
    describe(tmp_path, primary={"framework": ["hf", "lora"]})
    assert question_of(tmp_path).primary == Primary("framework", ("hf", "lora"), planned=False)
    describe(tmp_path, primary=PAIR)  # as it was planned
    assert question_of(tmp_path).primary == Primary("model", ("pt", "rd"), planned=True)


def test_a_planned_primary_comparison_is_tested_alone(tmp_path: Path) -> None:
    describe(tmp_path, primary={"model.path": ["zoo/bert", "zoo/distil"]}, select="train.learning_rate")
    write_some(tmp_path)
    found = [(one.first, one.second, one.is_primary, one.family) for one in contrasts(compared(tmp_path))]
    assert found == [
        ("zoo/bert", "zoo/camembert", False, 2),
        ("zoo/bert", "zoo/distil", True, 1),
        ("zoo/camembert", "zoo/distil", False, 2),
    ]
    (primary,) = (one for one in contrasts(compared(tmp_path)) if one.is_primary)
    assert (primary.low, primary.high) == pytest.approx((primary.difference.low, primary.difference.high))
    assert primary.test is not None and primary.holm_p == primary.test.p
    assert any("named before the first result: planned, and tested alone" in line for line in notes(compared(tmp_path)))


def test_one_that_is_chosen_afterwards_is_corrected_with_the_others(tmp_path: Path) -> None:
    write_some(tmp_path)
    Study("grid", tmp_path, None, {}, question=question({"primary": {"model.path": ["bert", "distil"]}})).ask()
    comparison = compared(tmp_path)
    assert [(one.is_primary, one.family) for one in contrasts(comparison)] == [(False, 3), (True, 3), (False, 3)]
    assert any("chosen after results were there" in line for line in notes(comparison))


def write_some(directory: Path) -> None:
    """Three pretrained models on one data set at one rate, beside what study.json says."""
    before = json.loads((directory / FILE).read_text()) if (directory / FILE).exists() else {}
    write_grid(directory, list(grid(["pt"], data=["data/books.csv"], rates=[1e-5])))
    plan = json.loads((directory / FILE).read_text())
    (directory / FILE).write_text(json.dumps(plan | {KEY: before[KEY]} if before else plan))


def test_a_report_asks_over_what_the_study_was_asked(tmp_path: Path) -> None:
    describe(tmp_path, primary={"model.path": ["zoo/bert", "zoo/distil"]}, select="train.learning_rate")
    write_some(tmp_path)
    opened = open_study(tmp_path)
    assert compare_study(opened).grid is not None
    assert compare_study(opened, asked=question({"select": []})).grid is None
    again = compare_study(opened, asked=question({"primary": {"model.path": ["zoo/distil", "zoo/bert"]}}))
    assert again.primary is not None and again.primary.planned
    other = compare_study(opened, asked=question({"primary": {"model.path": ["zoo/bert", "zoo/camembert"]}}))
    assert other.primary is not None and not other.primary.planned


def test_what_was_asked_of_settings_that_are_gone_is_left_out(tmp_path: Path) -> None:
    describe(tmp_path, select="data.gone", roles={"blocks": ["gone.too"]}, by=["model", "data.gone"])
    write_some(tmp_path)
    assert compared(tmp_path).factors == ("model",)


def test_a_report_is_made_anew_when_another_question_is_asked(tmp_path: Path) -> None:
    write_some(tmp_path)
    before = fingerprint_of_study(tmp_path)
    study(tmp_path, select="train.learning_rate").ask()
    assert fingerprint_of_study(tmp_path) != before
    study(tmp_path).ask()
    assert KEY in json.loads((tmp_path / FILE).read_text())


@pytest.mark.parametrize(
    ("typed", "passed_on"),
    [
        ("by=model,train.learning_rate", "by=[model,train.learning_rate]"),
        ("select=train.learning_rate,train.epochs", "select=[train.learning_rate,train.epochs]"),
        ("select=train.learning_rate", "select=train.learning_rate"),
        ("by=[model,framework]", "by=[model,framework]"),
        ("model=pt,rd", "model=pt,rd"),
        ("-m", "-m"),
    ],
)
def test_names_between_commas_are_one_list(typed: str, passed_on: str) -> None:
    assert as_list(typed) == passed_on


@pytest.fixture
def hydra() -> Iterator[None]:
    register()
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        yield


def composed(*overrides: str) -> Any:
    config = compose("config", ["model=rd", *overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    return config


def asked_by(*overrides: str) -> Question:
    config = composed(*overrides)
    return study_of([config], [config.hydra.runtime.choices], config.hydra.launcher).question


@pytest.mark.usefixtures("hydra")
def test_a_sweep_is_asked_without_a_plus() -> None:
    asked = asked_by(
        "by=[model,train.learning_rate]",
        "select=train.learning_rate",
        "primary={model:[pt,rd]}",
        "roles={nuisance:[data.split_seed],blocks:[data.path]}",
    )
    assert (asked.by, asked.select) == (("model", "train.learning_rate"), ("train.learning_rate",))
    assert asked.primary == Primary("model", ("pt", "rd"))
    assert asked.roles == {"nuisance": ("data.split_seed",), "blocks": ("data.path",)}
    assert asked_by() == Question()


@pytest.mark.usefixtures("hydra")
def test_what_is_asked_is_no_part_of_an_id() -> None:
    plain, asking = composed(), composed("select=train.learning_rate", "primary={model:[pt,rd]}")
    ids = {to_trial(config, config.hydra.runtime.choices, "cpu").id for config in (plain, asking)}
    assert len(ids) == 1
    with pytest.raises(WrongInput, match="select is for a whole command, not for a trial"):
        study_of([plain, asking], [plain.hydra.runtime.choices] * 2, plain.hydra.launcher)


def test_a_sweep_is_asked_of_settings_that_it_has() -> None:
    described = [grid_trial(*one).description() for one in grid(seeds=[1])]
    settings = [trial_settings(item["choices"], item["config"]) for item in described]
    found = checked(question({"select": "learning_rate", "primary": {"model.path": ["bert", "distil"]}}), settings)
    assert found.select == ("train.learning_rate",) and found.primary == Primary("model.path", ("bert", "distil"))
    for given, said in (
        ({"select": "learnig_rate"}, "select=learnig_rate: no such factor; did you mean"),
        ({"primary": {"model": ["pt", "dr"]}}, "no trial has model=dr"),
        ({"by": "seed"}, "by=seed: groups are made over seeds"),
        ({"roles": {"nuisance": ["split_sed"]}}, "roles=split_sed: no such factor"),
    ):
        assert said in refusal_of(checked, question(given), settings)

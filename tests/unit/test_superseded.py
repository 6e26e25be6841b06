"""Results that do not answer for a trial of the same settings: why is said, and no group counts them beside it."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.pairs import pairs
from sweeper.analysis.results import open_studies
from sweeper.data.recorded import whole
from sweeper.driver.superseded import print_reasons
from sweeper.records.record import Record
from sweeper.records.study import open_study
from sweeper.report.notes import notes
from sweeper.report.terminal import terminal
from sweeper.trial.mends import MENDED, MENDS, READING, mended
from sweeper.trial.outcome import Status
from sweeper.trial.settings import setting
from sweeper.trial.trial import Trial
from tests.records import Reviews, compared, rendered, trial, write

HEAD = MENDS["head"]
KEPT = {1: "(the older result stays in the study)", 3: "(the older results stay in the study)"}
SEEDS = (1, 2, 3)


def changed(
    seed: int = 1, path: str | None = "weights", digests: Mapping[str, str] = MappingProxyType({}), **more: str
) -> Trial:
    """A trial of given weights, digests of its inputs as told."""
    made = trial("pt", seed=seed)
    return replace(made, model=replace(made.model, path=path), digests={**made.digests, **digests, **more})


def said(study: Path, *wanted: Trial) -> list[str]:
    with (console := terminal()).capture() as captured:
        print_reasons(study, wanted, wanted, console)
    return captured.get().splitlines()


def test_trials_of_one_reason_are_counted(tmp_path: Path) -> None:
    for seed in SEEDS:
        write(tmp_path, changed(seed), [0.5], [0.5])
    new = [changed(seed, mended="head") for seed in (*SEEDS, 4)]
    assert said(tmp_path, *new) == [f"3 trials are trained anew: {HEAD} {KEPT[3]}"]


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ({}, {MENDED: "head+precision"}, f"{HEAD}; {MENDS['precision']}"),
        ({MENDED: "head"}, {MENDED: "head+precision"}, MENDS["precision"]),
        ({}, {READING: "transformers", "tokenizer": "r" * 64}, MENDS[READING]),
        ({}, {"data": "new"}, "the data has changed since"),
        ({}, {"tokenizer": "new"}, "the tokenizer has changed since"),
        ({}, {"weights": "new"}, "the weights have changed since"),
        ({"config": "old"}, {"config": "new"}, "config.json of model.path has changed since"),
        ({"config": "old"}, {"config": "new", "weights": "new"}, "the weights have changed since"),
        ({}, {"data": "new", "tokenizer": "new"}, "the data has changed since"),
        ({}, {"data": "new", MENDED: "head"}, f"{HEAD}; the data has changed since"),
        ({"verbalisers": "old"}, {"verbalisers": "new"}, "the words that answer for the classes have changed since"),
    ],
)
def test_what_differs_is_the_reason(before: dict[str, str], now: dict[str, str], reason: str, tmp_path: Path) -> None:
    write(tmp_path, changed(digests=before), [0.5], [0.5])
    assert said(tmp_path, changed(digests=now)) == [f"1 trial is trained anew: {reason} {KEPT[1]}"]


def test_weights_that_are_made_follow_the_data(tmp_path: Path) -> None:
    write(tmp_path, changed(path=None), [0.5], [0.5])
    new = changed(path=None, data="new", tokenizer="new", weights="new")
    assert said(tmp_path, new) == [f"1 trial is trained anew: the data has changed since {KEPT[1]}"]


def test_the_same_weights_elsewhere_are_the_same(tmp_path: Path) -> None:
    write(tmp_path, changed(path="here"), [0.5], [0.5])
    assert said(tmp_path, changed(path="there", mended="head")) == [f"1 trial is trained anew: {HEAD} {KEPT[1]}"]


@pytest.mark.parametrize(
    "new",
    [
        changed(path="other", weights="new"),
        changed(path="other", tokenizer="new", reading="transformers"),
        trial(data="demo", digests={"data": "new"}),
        changed(seed=2, mended="head"),
        trial(train={"learning_rate": 1e-4}, digests={"mended": "head"}),
    ],
    ids=["weights", "tokenizer", "model", "seed", "setting"],
)
def test_what_asks_for_something_else_has_no_reason(new: Trial, tmp_path: Path) -> None:
    write(tmp_path, changed(), [0.5], [0.5])
    assert said(tmp_path, new) == []


def test_only_results_count(tmp_path: Path) -> None:
    assert said(tmp_path / "no study", changed(mended="head")) == []
    write(tmp_path, changed(), [0.5], [0.5], status=Status.CANCELLED)
    assert said(tmp_path, changed(mended="head")) == []


def test_trials_of_the_command_are_no_older_results(tmp_path: Path) -> None:
    old, new = changed(), changed(mended="head")
    write(tmp_path, old, [0.5], [0.5])
    with (console := terminal()).capture() as captured:
        print_reasons(tmp_path, [old, new], [new], console)
    assert captured.get() == ""


def test_a_setting_that_is_younger_than_the_record_makes_no_difference(tmp_path: Path) -> None:
    file = write(tmp_path, changed(), [0.5], [0.5]).path / "trial.json"
    described = json.loads(file.read_text())
    del described["config"]["train"]["gradient_accumulation"], described["config"]["model"]["head"]
    file.write_text(json.dumps(described))
    assert said(tmp_path, changed(mended="head")) == [f"1 trial is trained anew: {HEAD} {KEPT[1]}"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 1}', '{"schema": 1, "config": {"data": 1}}'])
def test_a_damaged_record_is_passed_over(content: str, tmp_path: Path) -> None:
    (write(tmp_path, changed(), [0.5], [0.5]).path / "trial.json").write_text(content)
    assert said(tmp_path, changed(mended="head")) == []


def test_records_that_cannot_be_meant_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, changed(), [0.5], [0.5])
    for number in range(2000):
        (tmp_path / f"hf-rd-demo-s{number}-{number:08x}").mkdir()
    read: list[str] = []

    def description(record: Record) -> Any:
        read.append(record.path.name)
        return json.loads((record.path / "trial.json").read_text())

    monkeypatch.setattr(Record, "description", description)
    rates = [trial(train={"learning_rate": rate / 1000}) for rate in range(2, 20)]
    assert len(said(tmp_path, changed(mended="head"), *rates)) == 1
    assert read == [changed().name]


def test_each_of_several_inputs_has_its_own_older_result(tmp_path: Path) -> None:
    for path in "ab":
        write(tmp_path, changed(path=path, weights=path), [0.5], [0.5])
    now = [changed(path=path, weights=path, mended="head") for path in "abc"]
    assert said(tmp_path, *now) == [f"2 trials are trained anew: {HEAD} {KEPT[3]}"]


def test_many_older_results_are_read_quickly(tmp_path: Path) -> None:
    first = write(tmp_path, changed(), [0.5], [0.5]).path
    for number in range(1000):
        other = tmp_path / f"{first.name[:-8]}{number:08x}"
        other.mkdir()
        for name in ("trial.json", "outcome.json"):
            (other / name).hardlink_to(first / name)
    start = time.perf_counter()
    assert said(tmp_path, changed(mended="head")) == [f"1 trial is trained anew: {HEAD} {KEPT[1]}"]
    assert time.perf_counter() - start < 5


def test_a_mend_is_listed() -> None:
    assert mended() == {} and mended("head", "precision") == {MENDED: "head+precision"}
    with pytest.raises(AssertionError, match="listed"):
        mended("unheard of")


@dataclass(frozen=True)
class Younger(Reviews):
    """A data set with a setting that came later."""

    missing: str = setting("refuse", since=2)


def test_a_data_set_s_younger_settings_are_at_their_defaults() -> None:
    config = changed().description()["config"]
    assert whole(config)["data"] == config["data"], "a class that a record names is not imported"
    assert whole(config, Younger)["data"] == config["data"] | {"missing": "refuse"}
    demo = whole(config | {"data": {"_target_": "sweeper.data.demo.Demo"}})["data"]
    assert demo == {"_target_": "sweeper.data.demo.Demo", "train_limit": None}
    for target in ("sweeper.data.no_such.Demo", "sweeper.data.demo.no_such", "sweeper.data.demo.random"):
        assert whole(config | {"data": {"_target_": target}})["data"] == {"_target_": target}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three seeds of pretrained weights before a mend and after it, and of random ones, which it does not touch."""
    for seed in SEEDS:
        write(tmp_path, changed(seed), [0.9], [0.9])
        write(tmp_path, changed(seed, mended="head"), [0.7], [0.6 + seed / 100])
        write(tmp_path, trial("rd", seed=seed), [0.5], [0.5 + seed / 100])
    return tmp_path


def test_no_group_counts_what_is_measured_otherwise_since(study: Path) -> None:
    comparison = compared(study)
    assert comparison.factors == ("model", "framework")
    assert [(row.factors, row.trials, row.test.n) for row in comparison.groups] == [
        (("pt", "hf"), 6, 3),
        (("rd", "hf"), 3, 3),
    ]
    assert [row.test.mean for row in comparison.groups] == pytest.approx([0.62, 0.52])
    assert all(row.independent and not row.differing and not row.repeated for row in comparison.groups)
    assert [row.test.n for row in comparison.epochs] == [3, 3]
    assert len(pairs(comparison)) == 1 and len(comparison.curves) == 6


def test_what_does_not_count_is_listed_with_the_reason(study: Path) -> None:
    comparison = compared(study)
    old = {changed(seed).name for seed in SEEDS}
    assert {row.name for row in comparison.trials if row.superseded} == old
    listed = [line for line in notes(comparison) if line.startswith("not counted: ")]
    assert len(listed) == 3 and all(f"(trained anew since: {HEAD})" in line for line in listed)
    rows = list(csv.DictReader(io.StringIO(rendered(study, "csv"))))
    assert {row["trial"] for row in rows if row["status"] == "superseded"} == old
    assert sum(row["status"] == "done" for row in rows) == 6
    assert rendered(study).count("superseded") == 3


def test_nor_in_groups_of_what_is_asked_for(study: Path) -> None:
    comparison = compare_study(open_study(study), ["model"])
    assert [row.test.n for row in comparison.groups] == [3, 3]


def test_the_last_of_several_mends_counts(study: Path) -> None:
    for seed in SEEDS:
        write(study, changed(seed, mended="head+precision"), [0.8], [0.8])
    comparison = compared(study)
    assert [(row.trials, row.test.n) for row in comparison.groups] == [(9, 3), (3, 3)]
    assert comparison.groups[0].test.mean == pytest.approx(0.8)


def test_before_it_is_trained_anew_the_old_result_is_all_there_is(tmp_path: Path) -> None:
    write(tmp_path, changed(1), [0.9], [0.9])
    write(tmp_path, changed(2, mended="head"), [0.7], [0.7])
    comparison = compared(tmp_path)
    assert comparison.factors == ("model", "framework", "digests.mended")
    assert [(row.factors[-1], row.test.n) for row in comparison.groups] == [("head", 1), (None, 1)]


@pytest.mark.parametrize("now", [{"data": "new", MENDED: "head"}, {"weights": "new", MENDED: "head"}])
def test_other_inputs_supersede_nothing(now: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, changed(), [0.9], [0.9])
    write(tmp_path, changed(digests=now), [0.7], [0.7])
    assert [row.superseded for row in compared(tmp_path).trials] == [False, False]


def test_of_several_studies_each_supersedes_its_own(tmp_path: Path) -> None:
    write(tmp_path / "a", changed(), [0.9], [0.9])
    write(tmp_path / "b", changed(mended="head"), [0.7], [0.7])
    both = compare_study(open_studies([tmp_path / "a", tmp_path / "b"]))
    assert [row.superseded for row in both.trials] == [False, False]


def test_names_of_mends_are_whole_in_tables(tmp_path: Path) -> None:
    for seed, mends in ((1, "head+precision"), (2, "head+precision+x")):
        write(tmp_path, changed(seed, mended=mends), [0.9], [0.9])
    assert {row.factors[-1] for row in compared(tmp_path).groups} == {"head+precision", "head+precision+x"}

"""The table of what trials answered: its rows, its formats, what it lacks and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sweeper.analysis.answers import answer_table
from sweeper.data.demo import Demo
from sweeper.data.example_keys import example_key, key_text, occurrences
from sweeper.data.limits import limited
from sweeper.driver.closing import print_closing
from sweeper.driver.sweep_trial import with_records
from sweeper.errors import NOT_ALL_DONE
from sweeper.predictions import main
from sweeper.records.predictions import ClassPredictions, Predictions, write_predictions
from sweeper.records.record import Record
from sweeper.records.study import Study, open_study
from sweeper.trial.outcome import Metric, Status
from sweeper.trial.trial import Trial
from tests.records import STEPS_PER_EPOCH, trial, write, write_plan
from tests.refusals import refusal_of

LIMIT = 12
NAMES = ("negative", "positive")
DATA = Demo(limit=LIMIT)


def of_test() -> Any:
    return limited(DATA, DATA.splits())["test"]


ROWS = of_test()
KEYS = [example_key([text]) for text in ROWS.texts]


def scores(seed: int) -> Any:
    draw = np.random.default_rng(seed).normal(size=(LIMIT, 2))
    return draw - np.log(np.exp(draw).sum(axis=1, keepdims=True))


def answered(seed: int, **changes: Any) -> ClassPredictions:
    numbers = occurrences(KEYS, ROWS.labels)
    made = ClassPredictions(np.array(KEYS, np.uint64), np.array(numbers), np.array(ROWS.labels), scores(seed))
    return replace(made, **changes)


def described(seed: int) -> Trial:
    made = replace(trial("rd", seed=seed), data=DATA)
    return replace(made, digests={**made.digests, "data": DATA.digest()})


def add(study: Path, seed: int, keep: ClassPredictions | None, measured: ClassPredictions | None = None) -> Record:
    """Write a done trial, with the metrics of what was measured, and what it keeps."""
    of = measured or keep or answered(seed)
    own = of.scores()
    more = [Metric("test", "loss", float(own["loss"].mean()), 1, STEPS_PER_EPOCH)]
    facts = {"data": {"label_names": NAMES, "class_counts": {}, "leaked": {}, "notes": []}}
    record = write(study, described(seed), [0.75], [float(own["accuracy"].mean())], more=more, facts=facts)
    if keep is not None:
        write_predictions(record.predictions, Predictions(1, STEPS_PER_EPOCH, {"test": keep}))
    return record


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for seed in (1, 2):
        add(tmp_path / "s", seed, answered(seed))
    return tmp_path / "s"


def names(study: Path) -> list[str]:
    return [record.path.name for record in open_study(study).records]


def read(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


def test_a_row_is_an_example_with_each_trial_s_answer(study: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main([str(study)]) == 0
    out, err = capfdbinary.readouterr()
    rows = read(out.decode())
    assert not err
    assert [row["text"] for row in rows] == list(ROWS.texts)
    assert [row["example"] for row in rows] == [key_text(key) for key in KEYS]
    assert [row["label"] for row in rows] == [NAMES[label] for label in ROWS.labels]
    assert {row["data"] for row in rows} == {"demo"}
    for seed, name in enumerate(names(study), 1):
        expected = scores(seed)
        assert [row[f"{name}/answer"] for row in rows] == [NAMES[answer] for answer in expected.argmax(axis=1)]
        found = [float(row[f"{name}/probability"]) for row in rows]
        assert found == pytest.approx(np.exp(expected.max(axis=1)), rel=1e-6)


def test_every_format_says_the_same(study: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    files = {ending: tmp_path / f"answers.{ending}" for ending in ("csv", "jsonl", "parquet")}
    for file in files.values():
        assert main([str(study), "--output", str(file)]) == 0
    as_csv = read(files["csv"].read_text(encoding="utf-8"))
    as_json = [json.loads(line) for line in files["jsonl"].read_text(encoding="utf-8").splitlines()]
    as_parquet = pq.read_table(files["parquet"]).to_pylist()
    assert len(as_csv) == len(as_json) == len(as_parquet) == LIMIT
    for row, line, own in zip(as_csv, as_json, as_parquet, strict=True):
        assert {name: own[name] for name in ("data", "example", "text", "label")} == {
            name: line[name] for name in ("data", "example", "text", "label")
        }
        assert row["text"] == line["text"]
        for name in names(study):
            assert row[f"{name}/answer"] == line["trials"][name]["answer"] == own[f"{name}/answer"]
            assert float(row[f"{name}/probability"]) == line["trials"][name]["probability"]
            assert own[f"{name}/probability"] == pytest.approx(line["trials"][name]["probability"], rel=1e-6)


def test_examples_in_another_order_and_of_another_number_have_their_own_rows(study: Path) -> None:
    chosen = [7, 0, 3]
    whole = answered(3)
    keys = whole.example[chosen], whole.occurrence[chosen]
    part = ClassPredictions(*keys, whole.label[chosen], whole.log_probabilities[chosen])
    add(study, 3, part)
    table = answer_table(open_study(study), "test")
    assert len(table.rows) == LIMIT
    third = [column for column in table.columns if column.trial == names(study)[2]]
    assert [column.rows for column in third] == [chosen, chosen]


def test_an_example_whose_label_was_corrected_has_a_row_for_each(study: Path) -> None:
    labels = np.array(ROWS.labels)
    labels[4] = 1 - labels[4]
    add(study, 3, answered(3, label=labels))
    rows = answer_table(open_study(study), "test").rows
    assert [row.example for row in rows] == [*KEYS, KEYS[4]]


def test_what_is_lacking_is_said(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = add(study, 3, None)
    assert main([str(study)]) == NOT_ALL_DONE
    out, err = capfd.readouterr()
    assert len(read(out)) == LIMIT
    assert err.splitlines() == [
        f"1 done trials have no predictions of test: {record.path.name}",
        f"  python -m sweeper.predictions {study} --make makes them of the best weights",
    ]


def of_other_texts() -> ClassPredictions:
    return answered(9, label=1 - np.array(ROWS.labels))


def test_a_file_that_is_not_the_trial_s_own_is_named_and_left_out(
    study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    foreign, broken = add(study, 3, of_other_texts(), answered(3)), add(study, 4, answered(4))
    broken.predictions.write_bytes(broken.predictions.read_bytes()[:-200])
    before = foreign.predictions.read_bytes()
    assert main([str(study)]) == NOT_ALL_DONE
    out, err = capfd.readouterr()
    assert len(read(out)) == LIMIT and foreign.path.name not in out and broken.path.name not in out
    first, second = err.splitlines()
    assert first.startswith(f"{foreign.predictions} is not what is on record: test/")
    assert second.startswith(f"{broken.predictions} is not a trial's predictions: ")
    assert foreign.predictions.read_bytes() == before, "nothing is lost"


def test_texts_that_are_not_at_hand_are_left_out_and_said(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for record in open_study(study).records:
        file = record.path / "trial.json"
        file.write_text(file.read_text().replace(DATA.digest(), "0" * 64))
    assert main([str(study)]) == 0
    out, err = capfd.readouterr()
    assert "text" not in read(out)[0] and read(out)[0]["label"] in NAMES
    assert err == ("the texts of data=demo are not shown: data=demo holds other texts than the trial was made for\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{place}/none"], "there is no directory"),
        (["{place}/empty"], "is not a study"),
        (["{place}/without"], "has kept predictions of test\npython -m sweeper.predictions"),
        (["{place}/running"], "is done\n"),
        (["{place}/s", "--split", "train"], "invalid choice: 'train'"),
        (["{place}/s", "--split", "valid"], " was not evaluated on valid\nno trial"),
        (["{place}/s", "--format", "xlsx"], "invalid choice: 'xlsx'"),
        (["{place}/s", "--format", "parquet"], "add --output FILE"),
        (["{place}/s", "--output", "{place}"], "is a directory\n"),
        (["{place}/s", "--output", "{place}/no/answers.csv"], "there is no directory"),
        ([], "STUDY"),
    ],
)
def test_wrong_input_is_refused(arguments: list[str], said: str, study: Path) -> None:
    place = study.parent
    (place / "empty").mkdir()
    add(place / "without", 1, None)
    write(place / "running", trial(), [0.5], [0.5], status=None)
    write_plan(study, [])
    before = sorted(place.rglob("*"))
    refused = refusal_of(main, [argument.format(place=place) for argument in arguments])
    assert said in refused and len(refused.splitlines()) <= 3
    assert sorted(place.rglob("*")) == before


def test_only_done_trials_count(study: Path) -> None:
    failed = write(study, trial("rd", seed=8), [0.5], [0.5], status=Status.FAILED)
    write_predictions(failed.predictions, Predictions(1, STEPS_PER_EPOCH, {"test": answered(1)}))
    table = answer_table(open_study(study), "test")
    assert failed.path.name not in {column.trial for column in table.columns} and not table.lacking


def test_the_end_of_a_sweep_names_the_trial_whose_predictions_were_put_aside(study: Path) -> None:
    record = add(study, 3, answered(3))
    record.predictions.replace(record.refused_predictions)
    console = Console(file=io.StringIO(), width=200)
    print_closing(Study("s", study, None, {}), with_records(study, [described(2), described(3)]), console)
    (line,) = [line for line in console.file.getvalue().splitlines() if "put aside" in line]  # type: ignore[attr-defined]
    assert (
        line == f"{record.path.name}: its predictions are not what is on record, and were put aside: see {record.log}"
    )


def test_data_of_one_choice_with_other_classes_keep_their_own_names(study: Path) -> None:
    kept = answered(3)
    own = kept.scores()
    more = [Metric("test", "loss", float(own["loss"].mean()), 1, STEPS_PER_EPOCH)]
    facts = {"data": {"label_names": ("agree", "disagree"), "class_counts": {}, "leaked": {}, "notes": []}}
    made = described(3)
    other = replace(made, digests={**made.digests, "data": "other" * 8})
    record = write(study, other, [0.75], [float(own["accuracy"].mean())], more=more, facts=facts)
    write_predictions(record.predictions, Predictions(1, STEPS_PER_EPOCH, {"test": kept}))
    table = answer_table(open_study(study), "test")
    found = {(row.data, table.labels[number]) for number, row in enumerate(table.rows)}
    assert found == {("demo", name) for name in NAMES} | {("demo (2)", "agree"), ("demo (2)", "disagree")}


@pytest.mark.parametrize("output", ["/dev/full", "a" * 300 + ".csv"])
def test_what_is_no_file_to_write_is_refused(output: str, study: Path) -> None:
    refusal = refusal_of(main, [str(study), "--output", output])
    assert output in refusal and len(refusal.splitlines()) <= 3


def test_of_a_link_the_file_is_written_that_it_leads_to(study: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "table.csv")
    main([str(study), "--output", str(link)])
    assert link.is_symlink() and (tmp_path / "table.csv").exists()

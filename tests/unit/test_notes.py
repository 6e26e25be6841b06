"""What the tables say of the data, and which metrics they therefore show."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.results import open_studies
from sweeper.report.notes import closing_notes, notes
from sweeper.report.tables.columns import columns
from sweeper.report.terminal import print_tables, terminal
from sweeper.status import main as status
from sweeper.trial.outcome import Metric
from tests.records import STEPS_PER_EPOCH, Terminal, compared, epochs, rendered, trial, write

LANGUAGE_MODELLING = {"name": "language_modelling", "selection_metric": "loss", "greater_is_better": False}


def facts(
    train: Sequence[int] = (100, 100),
    valid: Sequence[int] = (10, 10),
    test: Sequence[int] = (50, 50),
    leaked: Mapping[str, int] | None = None,
    told: Sequence[str] = (),
    truncated: Sequence[int] = (0, 0, 0),
    unknown: Sequence[float] = (0.0, 0.0, 0.0),
) -> dict[str, Any]:
    """Facts as facts.json has them, of a data set with the given sizes of classes."""
    sizes = {"train": list(train), "valid": list(valid), "test": list(test)}
    names = (
        [f"class{number}" for number in range(len(train))] if len(train) > 3 else ["bad", "good", "so-so"][: len(train)]
    )
    return {
        "data": {
            "label_names": names,
            "class_counts": sizes,
            "leaked": {"valid": 0, "test": 0} | dict(leaked or {}),
            "notes": list(told),
        },
        "splits": {
            split: {"examples": sum(sizes[split]), "truncated": cut, "tokens": 1000, "unknown_share": share}
            for split, cut, share in zip(sizes, truncated, unknown, strict=True)
        },
    }


def macro_f1(value: float, epoch: int = 1) -> list[Metric]:
    step = epoch * STEPS_PER_EPOCH
    return [Metric("valid", "macro_f1", value, epoch, step), Metric("test", "macro_f1", value - 0.1, epoch, step)]


def said(study: Path) -> list[str]:
    """The notes after those on how to read the tables."""
    found = closing_notes(compared(study))[2:]
    return [line for line in found if not line.startswith(("Differences: ", "Ranking: ", "No interval for new"))]


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (facts(), ()),
        (facts(train=(150, 100)), ()),
        (facts(train=(151, 100)), ("macro_f1",)),
        (facts(test=(90, 10)), ("macro_f1",)),
        (facts((10, 10, 10), (5, 5, 5), (5, 5, 5)), ("macro_f1",)),
        (None, ()),
    ],
)
def test_macro_f1_is_shown_where_accuracy_alone_could_mislead(
    known: dict[str, Any] | None, shown: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path, trial(), [0.7], [0.6], facts=known, more=macro_f1(0.5))
    assert columns(compared(tmp_path)).more == shown


def test_accuracy_stands_beside_the_macro_f1_that_selects(tmp_path: Path) -> None:
    more = epochs([0.8], [0.7])
    write(tmp_path, trial(task={"selection_metric": "macro_f1"}), [0.5], [0.4], facts=facts((9, 1)), more=more)
    shown = columns(compared(tmp_path))
    assert (shown.own, shown.more) == ("macro_f1", ("accuracy",))


def test_macro_f1_in_every_table_and_format(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, trial(seed=seed), [0.7], [0.6], facts=facts((90, 10)), more=macro_f1(0.5))
    rows = [line.split() for line in rendered(tmp_path).splitlines()]
    assert ["accuracy", "macro_f1", "accuracy", "macro_f1"] in rows
    assert ["pt", "hf", "done", "1", "70.0", "50.0", "60.0", "40.0", "25", "1", "12", "s"] in rows
    assert ["pt", "hf", "1", *"70.0 0.0 50.0 0.0 60.0 0.0 40.0 0.0 2".split()] in rows
    assert ["pt", "hf", *"70.0 ± 0.0 50.0 ± 0.0 60.0 ± 0.0 40.0 ± 0.0".split()] in [row[:14] for row in rows]
    assert "| validation accuracy (%) | validation macro_f1 (%) | test accuracy (%) | test macro_f1 (%) |" in rendered(
        tmp_path, "markdown"
    )
    assert "| pt | hf | 70.0 ± 0.0 | 50.0 ± 0.0 | 60.0 ± 0.0 | 40.0 ± 0.0 |" in rendered(tmp_path, "markdown")
    row = next(csv.DictReader(io.StringIO(rendered(tmp_path, "csv"))))
    assert (row["validation_macro_f1"], row["test_macro_f1"]) == ("0.5", "0.4")
    tables = json.loads(rendered(tmp_path, "json"))
    assert tables["trials"][0]["others"] == {"macro_f1": {"validation": 0.5, "test": 0.4}}
    assert tables["groups"][0]["others"]["macro_f1"]["test"]["mean"] == 0.4


def test_four_columns_of_numbers_fit_a_hundred(tmp_path: Path) -> None:
    for model in ("pt", "rd"):
        write(tmp_path, trial(model), [0.7], [0.6], facts=facts((90, 10)), more=macro_f1(0.5))
    console = terminal(file := Terminal())
    console.width = 100
    print_tables(compared(tmp_path), console)
    shown = re.sub(r"\x1b\[\d*m", "", file.getvalue()).splitlines()
    assert max(len(line.rstrip()) for line in shown) <= 100
    assert any(line.split() == ["validation", "validation", "test", "test"] for line in shown)


def test_pretraining_shows_perplexity_and_no_test(tmp_path: Path) -> None:
    measured = [
        Metric("valid", name, value, epoch, epoch * STEPS_PER_EPOCH)
        for epoch, loss in enumerate((3.0, 2.0), start=1)
        for name, value in (("loss", loss), ("perplexity", 10 * loss))
    ]
    write(tmp_path, trial(task=LANGUAGE_MODELLING), more=measured)
    text = rendered(tmp_path)
    rows = [line.split() for line in text.splitlines()]
    assert ["pt", "hf", "done", "1", "2", "20", "50", "2", "12", "s"] in rows
    assert ["pt", "hf", "2", "2.000", "–", "20.00", "–", "1"] in rows
    assert ["pt", "hf", "2.000", "20.00", "–", "2.000", "2.000", "2.000", "1"] in rows
    assert "test" not in text.replace("command       test", "")
    assert "not counted" not in text


def test_balanced_whole_data_need_no_note(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.7], [0.6], facts=facts(unknown=(0.01, 0.0, 0.0)))
    write(tmp_path, trial(seed=2), [0.7], [0.6])
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (
            facts((1900, 1200), (12, 8), (100, 100)),
            "classes: train bad 1,900, good 1,200; validation bad 12, good 8; test bad 100, good 100",
        ),
        (
            facts((10, 10, 10), (4, 4, 4), (7, 7, 7)),
            "classes: train bad 10, good 10, so-so 10; validation bad 4, good 4, so-so 4; test bad 7, good 7, so-so 7",
        ),
        (
            facts(range(20, 31), [2] * 11, [1000] * 11),
            "11 classes: train from 20 (class0) to 30 (class10); validation 2 each; test 1,000 each",
        ),
        (facts(told=["validation: 10 % of train"]), "validation: 10 % of train"),
        (facts(leaked={"test": 42}, test=(1000, 1000)), "42 of 2,000 test texts also stand in train or validation"),
        (facts(leaked={"valid": 1}), "1 of 20 validation texts also stands in train"),
        (
            facts((900, 900), truncated=(812, 0, 1)),
            "cut to 62 ids: 812 of 1,800 train, 1 of 100 test texts",
        ),
        (
            facts(unknown=(0.0123, 0.0, 0.009)),
            "<unk> among the ids: 1.2 % in train, 0.0 % in validation, 0.9 % in test",
        ),
    ],
)
def test_what_must_be_known_of_the_data_is_said(known: dict[str, Any], line: str, tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, trial(seed=seed), [0.7], [0.6], facts=known)
    assert said(tmp_path) == [line]


def test_notes_name_their_data_set_where_there_are_several(tmp_path: Path) -> None:
    write(tmp_path, trial(data="books"), [0.7], [0.6], facts=facts(leaked={"test": 2}))
    write(tmp_path, trial(data="films"), [0.7], [0.6])  # of which nothing is known
    assert said(tmp_path)[1:] == ["books: 2 of 100 test texts also stand in train or validation"]


def test_notes_name_the_settings_that_make_the_difference(tmp_path: Path) -> None:
    for length, cut in ((20, 9), (40, 0), (60, 0)):
        known = facts(leaked={"test": 2}, truncated=(cut, 0, 0))
        write(tmp_path, trial(train={"max_length": length}), [0.7], [0.6], facts=known)
    assert said(tmp_path) == [
        "2 of 100 test texts also stand in train or validation",
        "max_length 20: cut to 20 ids: 9 of 200 train texts",
    ]


def test_what_diverged_is_named_and_breaks_no_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    losses = [
        Metric("train", "loss", value, epoch, epoch * STEPS_PER_EPOCH)
        for epoch, value in ((2, math.inf), (3, math.nan))
    ]
    losses += [Metric("test", "loss", math.inf, epoch, epoch * STEPS_PER_EPOCH) for epoch in (1, 2, 3)]
    write(tmp_path, trial(seed=1), [0.5] * 3, [0.5] * 3, more=losses)
    assert said(tmp_path) == [
        "1 of 1 trial of pt hf ended with a loss that is not finite: it counts. Without it: no trial is left.",
        "pt hf seed 1: training loss was nan from epoch 2 on",
    ]
    tables = json.loads(rendered(tmp_path, "json"))
    assert tables["trials"][0]["divergence"] == {"epoch": 2, "loss": "nan"}
    assert tables["trials"][0]["others"]["loss"]["test"] == "inf"
    assert set(said(tmp_path)) <= set(tables["notes"])
    assert "- pt hf seed 1: training loss was nan" in rendered(tmp_path, "markdown")
    assert status([str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["done"] == 1


def test_a_metric_that_older_records_lack_is_noted(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.7], [0.6], facts=facts((90, 10)), more=macro_f1(0.5))
    write(tmp_path, trial(seed=2), [0.7], [0.6])
    assert said(tmp_path)[0] == "macro_f1: measured in 1 of 2 done trials"


def test_names_of_classes_are_literal(tmp_path: Path) -> None:
    known = facts((9, 1))
    known["data"]["label_names"] = ["\x1b[31mred", "[b]"]
    write(tmp_path, trial(), [0.7], [0.6], facts=known)
    assert "�[31mred 9, [b] 1" in said(tmp_path)[0]
    assert r"�\[31mred 9, \[b\] 1" in rendered(tmp_path, "markdown")


def test_shares_have_intervals_within_their_ends_and_losses_students_own(tmp_path: Path) -> None:
    by_loss = {"name": "regression", "selection_metric": "loss", "greater_is_better": False}
    tasks: Mapping[str, Any] = {"share": {}, "loss": {"task": by_loss}}
    for study, task in tasks.items():
        for seed, value in enumerate((0.90, 0.99), start=1):
            more = [Metric(split, "loss", value, 1, STEPS_PER_EPOCH) for split in ("valid", "test")]
            write(tmp_path / study, trial(seed=seed, **task), [value], [value], more=more)
    share, loss = (compared(tmp_path / study) for study in ("share", "loss"))
    bounds = (share.groups[0].test.low, share.groups[0].test.high)
    assert all(bound is not None and 0 < bound < 1 for bound in bounds)
    assert loss.groups[0].test.high is not None and loss.groups[0].test.high > 1
    assert any("of shares by the delta method on the logit's scale" in line for line in notes(share))
    assert not any("logit" in line for line in notes(loss))


def test_the_same_trials_in_two_studies_are_no_comparison(tmp_path: Path) -> None:
    for study, rate in (("one", 1e-3), ("two", 1e-3), ("three", 1e-4)):
        write(tmp_path / study, trial(train={"learning_rate": rate}), [0.5], [0.4])
    both = compare_study(open_studies([tmp_path / "one", tmp_path / "two"]))
    (line,) = [line for line in notes(both) if "same in both" in line]
    assert line.startswith("CAUTION, ") and "same in both: 1;" in line
    others = compare_study(open_studies([tmp_path / "one", tmp_path / "three"]), ["study"])
    assert not [line for line in notes(others) if "same in both" in line]


def test_answers_are_judged_by_perplexity_exact_match_and_f1(tmp_path: Path) -> None:
    known = facts((20,), (4,), (6,), leaked={"test": 2}, truncated=(0, 0, 3))
    known["data"]["label_names"] = []
    measured = {"loss": 0.5, "perplexity": 1.6487, "exact_match": 0.25, "token_f1": 0.5}
    more = [
        Metric(split, name, value, 1, STEPS_PER_EPOCH)
        for split in ("valid", "test")
        for name, value in measured.items()
    ]
    write(
        tmp_path,
        trial(task={"name": "qa", "selection_metric": "loss", "greater_is_better": False}),
        facts=known,
        more=more,
    )
    text = rendered(tmp_path)
    rows = [line.split() for line in text.splitlines()]
    assert ["pt", "hf", "done", "1", *["1.649", "25.0", "50.0"] * 2, "25", "1", "12", "s"] in rows
    assert [line for line in text.splitlines() if "perplexity:" in line]
    assert said(tmp_path)[-2:] == [
        "2 of 6 test questions also stand in train or validation",
        "cut to 62 ids: 3 of 6 test questions",
    ]
    row = next(csv.DictReader(io.StringIO(rendered(tmp_path, "csv"))))
    assert (row["metric"], row["test"], row["test_perplexity"]) == ("loss", "0.5", "1.6487")

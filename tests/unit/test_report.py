"""What a report prints, in every format."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from scipy.special import expit, logit

from sweeper.analysis.statistics import summarize
from sweeper.errors import WrongInput
from sweeper.report.__main__ import main
from sweeper.report.csv_file import TRIAL_COLUMNS
from sweeper.report.json_file import KEYS
from sweeper.report.markup import SPECIAL, escape_latex, latex, latex_table
from sweeper.report.terminal import print_report, print_tables, terminal
from sweeper.report.text import TextTable, duration, heading, metric_text, printable, spread_text, trial_labels
from sweeper.trial.outcome import Failure, Status
from tests.records import Terminal, compared, rendered, trial, write, write_demo, write_plan

EVIL = "[red]=1+1|<b>\x1b[31m"
LATEX_EVIL = "\\input{/etc/passwd} $x^2$ & 50% #1 a_b ~ {} \x1b[31m \"q\" 'r' `s` <b> | -- ± − –"


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_four_tables_of_the_demo(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    rows = lines(rendered(tmp_path / "demo"))
    assert ["pt", "hf", "done", "2", "92.0", "90.0", "75", "3", "12", "s"] in rows
    assert ["rd", "hf", "5", "70.0", "1.0", "68.0", "1.0", "3"] in rows
    # Interval of the mean: ln(0.7 / 0.3) ± 1.0 / √3 · 4.303 / (0.7 · 0.3), turned back.
    assert ["rd", "hf", *"72.0 ± 1.0 70.0 ± 1.0 [67.5, 72.4] 70.0 69.0 71.0 3".split()] in rows
    # Error √(1/3 + 1/3) points, 4 degrees of freedom, quantile 2.776: ± 2.27.
    assert ["pt", "−", "rd", "hf", *"20.0 [17.7, 22.3] 20.0 [17.7, 22.3] 3, 3".split()] in rows


def test_says_how_the_epoch_was_chosen(tmp_path: Path) -> None:
    write_demo(tmp_path)
    text = rendered(tmp_path)
    assert "chosen on validation accuracy, ties to the earliest; test was never used to choose" in text
    assert "sample standard deviation (n − 1)" in text


def test_the_demo_fits_eighty_columns(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    console = terminal(file := Terminal())
    console.width = 80
    print_tables(compared(tmp_path / "demo"), console)
    shown = re.sub(r"\x1b\[\d*m", "", file.getvalue())
    assert shown != file.getvalue()  # a terminal gets its styles
    heads = [line for line in shown.splitlines() if "framework" in line]
    assert [line.split()[-1] for line in heads] == ["time", "n", "n", "n"]
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80


def test_nothing_is_wrapped_or_coloured_in_a_file(tmp_path: Path) -> None:
    long = "a" * 300
    write(tmp_path, trial(arch={"name": long}), [0.5], [0.4])
    write(tmp_path, trial(), [0.5], [0.4])
    text = rendered(tmp_path)
    assert long in text
    assert "\x1b" not in text


def test_text_of_users_is_literal_everywhere(tmp_path: Path) -> None:
    for value in (EVIL, "=1+1"):
        write(tmp_path, trial(arch={"name": value}, seed=3), [0.5], [0.4])
    text = rendered(tmp_path)
    assert "[red]=1+1|<b>�[31m" in text
    markdown = rendered(tmp_path, "markdown")
    assert r"\[red\]=1+1\|\<b\>�\[31m" in markdown
    cells = [row["arch.name"] for row in csv.DictReader(io.StringIO(rendered(tmp_path, "csv")))]
    assert "'=1+1" in cells
    assert not any("\x1b" in text for text in map(partial(rendered, tmp_path), ("markdown", "latex", "csv", "json")))


def test_csv_has_stable_columns_and_a_line_a_trial(tmp_path: Path) -> None:
    trials = [trial(seed=seed, train={"learning_rate": rate}) for seed in (1, 2) for rate in (1e-3, 1e-4)]
    for described in trials[:2]:
        write(tmp_path, described, [0.5], [0.25])
    write(tmp_path, trials[2], status=Status.FAILED, error=Failure("ValueError", "no", "log"))
    write_plan(tmp_path, trials)
    rows = list(csv.DictReader(io.StringIO(rendered(tmp_path, "csv"))))
    assert list(rows[0]) == [*TRIAL_COLUMNS, "train.learning_rate"]
    assert [(row["trial"], row["status"]) for row in rows] == [
        (trials[1].name, "done"),
        (trials[0].name, "done"),
        (trials[2].name, "failed"),
        (trials[3].name, "planned"),
    ]
    assert (rows[0]["train.learning_rate"], rows[0]["test"], rows[0]["step"]) == ("0.0001", "0.25", "25")
    assert (rows[2]["test"], rows[2]["error"]) == ("", "ValueError")


def test_json_has_all_tables_and_survives_nan(tmp_path: Path) -> None:
    write(tmp_path, trial(), [0.5, 0.6], [0.4, math.nan])
    found = json.loads(rendered(tmp_path, "json"))
    assert found["schema"] == 3
    assert found["verdict"] and found["question"].endswith("?")
    assert found["trials"][0]["factors"] == {"model": "pt", "framework": "hf"}
    assert found["trials"][0]["test"] == "nan"
    assert [row["test"]["mean"] for row in found["epochs"]] == [0.4, "nan"]
    assert found["groups"][0]["validation"]["median"] == 0.6
    assert (found["groups"][0]["validation"]["n"], found["groups"][0]["validation"]["sd"]) == (1, None)


def test_markdown_has_the_rows_that_the_terminal_has(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    markdown = rendered(tmp_path / "demo", "markdown")
    assert (
        "| model | framework | validation accuracy (%) | test accuracy (%) | test 95 % interval | test median |"
        in markdown
    )
    assert r"| pt | hf | 92.0 ± 1.0 | 90.0 ± 1.0 | \[87.2, 92.2\] | 90.0 | 89.0 | 91.0 | 3 |" in markdown


def test_two_tasks_show_each_its_own_metric(tmp_path: Path) -> None:
    write(tmp_path, trial(), [0.5], [0.4])
    loss = {"name": "regression", "selection_metric": "loss", "greater_is_better": False}
    write(tmp_path, trial(task=loss), [1.5, 0.12345], [1.2, 1.25])
    rows = lines(rendered(tmp_path))
    assert ["pt", "hf", "classification", "accuracy", "(%)", *"50.0 40.0 – 40.0 40.0 40.0 1".split()] in rows
    assert ["pt", "hf", "regression", "loss", *"0.1235 1.250 – 1.250 1.250 1.250 1".split()] in rows


def test_data_seeds_are_shown_where_they_differ_from_seeds(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1, data_seed=7), [0.5], [0.4])
    assert ["pt", "hf", "done", "1", "7", "50.0"] in [row[:6] for row in lines(rendered(tmp_path))]


def test_a_study_with_nothing_done_says_what_is_pending(tmp_path: Path) -> None:
    started, planned = trial(seed=1), trial(seed=2)
    write(tmp_path, started, [0.5], [0.4], status=None)
    write_plan(tmp_path, [started, planned])
    text = rendered(tmp_path)
    assert "Nothing is done yet: 1 planned, 1 interrupted." in text
    assert planned.name in text
    assert json.loads(rendered(tmp_path, "json"))["groups"][0]["test"]["n"] == 0


def test_what_is_missing_is_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path, trial(seed=1), [0.5], [0.4])
    write(tmp_path, trial(seed=2), status=Status.FAILED, error=Failure("ValueError", "no", "log"))
    text = rendered(tmp_path)
    assert "1 of 2" in text
    assert f"not counted: pt hf seed 2 (failed: ValueError), {trial(seed=2).name}" in text


@pytest.mark.parametrize("kind", ["absent", "empty", "file"])
def test_what_is_no_study_is_refused(kind: str, tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", seeds=(1,))
    wrong = tmp_path / "wrong"
    if kind == "empty":
        wrong.mkdir()
    if kind == "file":
        wrong.write_text("")
    ran = subprocess.run([sys.executable, "-m", "sweeper.report", wrong], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) <= 3
    assert str(wrong) in ran.stderr and str(tmp_path / "demo") in ran.stderr


def test_a_record_of_another_schema_is_refused(tmp_path: Path) -> None:
    record = write(tmp_path, trial(), [0.5], [0.4])
    (record.path / "outcome.json").write_text('{"schema": 99}')
    with pytest.raises(WrongInput, match="schema 99"):
        main([str(tmp_path)])


@pytest.mark.parametrize("format_name", ["terminal", "csv"])
def test_a_reader_that_has_left_causes_no_complaint(format_name: str, tmp_path: Path) -> None:
    write_demo(tmp_path, seeds=(1,))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sweeper.report", str(tmp_path), "--format", format_name]
    ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("accuracy", 0.9215, "92.2"),
        ("accuracy", 1.0, "100.0"),
        ("f1", None, "–"),
        ("accuracy", math.nan, "nan"),
        ("loss", 0.69314718, "0.6931"),
        ("perplexity", 12345.6, "1.235e+04"),
    ],
)
def test_shares_are_per_cent(metric: str, value: float | None, text: str) -> None:
    assert metric_text(metric, value) == text


def test_one_seed_has_no_spread() -> None:
    assert spread_text("accuracy", summarize([0.5])) == "50.0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.84, "0.8 s"),
        (9.6, "10 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.9, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_headings_are_short_but_never_ambiguous() -> None:
    factors = ("model", "framework", "train.eps", "arch.width", "other.width", "data.name")
    assert [heading(factor, factors) for factor in factors] == [
        "model", "framework", "eps", "arch.width", "other.width", "data.name",
    ]  # fmt: skip


def test_labels_tell_trials_apart() -> None:
    trials = [trial(seed=0), trial("rd", seed=0, data_seed=5, train={"learning_rate": 1e-5})]
    trials.append(trial("rd", seed=0))
    assert trial_labels([described.description() for described in trials]) == [
        ("pt", "hf", "learning_rate 0.001", "seed 0"),
        ("rd", "hf", "learning_rate 1e-05", "seed 0", "data seed 5"),
        ("rd", "hf", "learning_rate 0.001", "seed 0"),
    ]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2J\nb\u202e") == "a�[2J�b�"


def test_json_holds_all_rows_by_the_keys_of_the_help(tmp_path: Path) -> None:
    write_demo(tmp_path)
    found = json.loads(rendered(tmp_path, "json"))
    assert list(found) == ["schema", "study", *KEYS]
    (one,) = found["comparisons"]
    assert (one["factor"], one["first"], one["second"], one["factors"]) == ("model", "pt", "rd", {"framework": "hf"})
    assert one["test"] == {"p": 0.1, "labellings": 20, "exact": True, "smallest": 0.1, "drawn": 0}
    assert (one["paired"]["test"]["p"], one["holm_p"], one["seeds_for_test"]) == (0.25, 0.1, 4)
    assert found["groups"][0]["test"]["low"] == pytest.approx(expit(logit(0.9) - 4.302653 * 0.01 / 3**0.5 / 0.09))
    assert found["groups"][0]["counted"] == [row["name"] for row in found["trials"][:3]]


def test_the_help_documents_every_column_and_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in (*TRIAL_COLUMNS, *KEYS))
    assert "by=FACTOR" in text and "reference=FILE" in text


def test_every_special_character_is_set_as_it_is() -> None:
    assert escape_latex("50 % of a_b & {c}") == r"50 \% of a\_b \& \{c\}"
    assert escape_latex("\\input{x}") == r"\textbackslash{}input\{x\}"
    assert escape_latex("a-b --c ---") == "a-b -{}-c -{}-{}-"  # -- alone would be a dash
    escaped = escape_latex(LATEX_EVIL).replace("-{}-", "")
    for command in sorted(SPECIAL.values(), key=len, reverse=True):
        escaped = escaped.replace(command, "")
    assert not re.search(r"[\\{}$&#%_~^\x1b]", escaped)


def test_a_table_has_a_column_a_head_and_rules_of_booktabs() -> None:
    table = TextTable(
        "A title", ("model", "test\naccuracy (%)", "n"), 1, ((("pt", "[1, 2]", "3"),), (("rd", "–", "1"),))
    )
    lines = latex_table(table, 1).splitlines()
    assert "\\begin{tabular}{lrr}" in lines and "\\addlinespace" in lines
    assert [line for line in lines if line.endswith("\\\\")] == [
        " & test &  \\\\",
        "model & accuracy (\\%) & n \\\\",
        "pt & {}[1, 2] & 3 \\\\",  # a bracket after \\ would be its argument
        "rd & \\textendash{} & 1 \\\\",
    ]
    assert [rule for rule in lines if rule.endswith("rule")] == ["\\toprule", "\\midrule", "\\bottomrule"]


def test_environments_are_closed_and_rows_have_all_their_cells(tmp_path: Path) -> None:
    write_demo(tmp_path)
    write(tmp_path, trial(arch={"name": LATEX_EVIL}), [0.5], [0.4])
    content = latex(compared(tmp_path), "demo")
    for environment in ("table", "tabular", "itemize"):
        assert content.count(f"\\begin{{{environment}}}") == content.count(f"\\end{{{environment}}}") > 0
    for columns, body in re.findall(r"\\begin{tabular}{([^\n]*)}\n(.*?)\\end{tabular}", content, re.DOTALL):
        count = len(re.sub(r"p{[^}]*}", "p", columns))
        rows = [line for line in body.splitlines() if line.endswith("\\\\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == count - 1 for row in rows)


@pytest.mark.parametrize("width", [100, 80, 60, 30])
def test_no_word_is_broken_on_a_narrow_screen(width: int, tmp_path: Path) -> None:
    names = ("zoo/flaubert_base_cased", "zoo/camembert", "https://hub.example/models/of/a/very-long-name")
    for name in names:
        for model in ("pt", "rd"):
            digests = {"data": "d" * 64, "tokenizer": name * 4} | ({"weights": name * 8} if model == "pt" else {})
            made = trial(model, digests=digests)
            write(tmp_path, replace(made, model=replace(made.model, path=name)), [0.5], [0.4])
    console = terminal(file := Terminal())
    console.width = width
    print_report(compared(tmp_path), console)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    expected = {word for word in rendered(tmp_path).split() if not set(word) & set("─╌")}
    assert expected <= set(plain.split())

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from sweeper.backends import JobState, Phase
from sweeper.driver.live import Evaluation, LiveRow, PreparationProgress, evaluations, seconds_left, summary
from sweeper.driver.live_lines import PlainView
from sweeper.driver.live_table import LiveView, fitting
from sweeper.driver.sweep import choose_view
from sweeper.report.terminal import terminal
from sweeper.trial.outcome import Status
from tests.records import epochs

FIRST, SECOND = Evaluation(1, 25, 0.7, 0.85), Evaluation(2, 50, 0.41234, 0.915)
RUNNING = LiveRow("a", Status.RUNNING, 1, 10, 50, 0.9, labels=("pt", "hf", "seed 1"), epochs=2)
DONE = replace(RUNNING, status=Status.DONE, evaluations=(FIRST, SECOND))
PLANNED = replace(RUNNING, status=Status.PLANNED, step=0)


def plain(*updates: Sequence[LiveRow], note: str = "") -> list[str]:
    file = io.StringIO()
    view = PlainView(terminal(file))
    for rows in updates:
        view.update(rows, note)
    return file.getvalue().splitlines()


def screen(rows: Sequence[LiveRow], height: int = 24, width: int = 80, note: str = "") -> list[str]:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, height=height, color_system=None, markup=False)
    view = LiveView(console)
    with view.live:
        view.update(rows, note)
    shown = file.getvalue().rsplit("\x1b[2K", 1)[-1]  # the last time it was drawn
    return [line.rstrip() for line in shown.splitlines() if "\x1b" not in line]


def many(count: int, status: Status) -> list[LiveRow]:
    return [replace(RUNNING, name=f"{status}{i}", labels=("pt", f"{status}{i}"), status=status) for i in range(count)]


def test_plain_lines_tell_each_epoch_once() -> None:
    one = replace(RUNNING, evaluations=(FIRST,))
    assert plain([PLANNED], [RUNNING], [RUNNING], [one], [one], [DONE], [DONE]) == [
        "pt hf seed 1  running",
        "pt hf seed 1  epoch 1/2  step 25/50  loss 0.700  validation accuracy 85.0 %",
        "pt hf seed 1  epoch 2/2  step 50/50  loss 0.412  validation accuracy 91.5 %",
        "pt hf seed 1  done",
    ]


def test_epochs_that_end_between_two_looks_are_all_told() -> None:
    assert len(plain([PLANNED], [DONE])) == 3


def test_what_was_done_before_is_not_news() -> None:
    resumed = replace(RUNNING, evaluations=(FIRST,))
    done = replace(DONE, name="b")
    assert plain([resumed, done], [resumed, done]) == ["pt hf seed 1  running from step 25"]


def test_a_failure_is_told_with_its_reason() -> None:
    failed = replace(RUNNING, status=Status.FAILED, reason="ValueError: [red]\x1b[31m")
    assert plain([RUNNING], [failed], [failed])[1:] == ["pt hf seed 1  failed: ValueError: [red]�[31m"]


def test_a_reason_to_wait_is_told_once() -> None:
    waiting = replace(PLANNED, job=JobState(Phase.PENDING), reason="Resources")
    assert plain([replace(waiting, reason="")], [waiting], [waiting]) == ["pt hf seed 1  pending: Resources"]


def test_a_note_is_told_when_it_changes() -> None:
    assert plain([], [], note="MLflow is down") == ["MLflow is down"]


def test_plain_preparation_tells_every_tenth() -> None:
    file = io.StringIO()
    view = PlainView(terminal(file))
    for step in range(0, 901, 5):
        view.prepare(PreparationProgress("pretraining", step, 900, 2.5))
    told = file.getvalue().splitlines()
    assert told[0] == "pretraining: started"
    assert told[1:10] == [f"pretraining: {10 * tenth} %  step {90 * tenth}/900  loss 2.500" for tenth in range(1, 10)]
    assert told[10].startswith("pretraining: done in ")
    assert len(told) == 11


def test_the_table_has_a_row_a_trial() -> None:
    done = replace(DONE, name="b", labels=("rd", "fairseq", "seed 10"), step=50, steps=0)
    shown = screen([replace(RUNNING, evaluations=(FIRST,), seconds_left=9), done])
    assert any(
        line.split() == ["trial", "status", "epoch", "step", "loss", "accuracy", "(%)", "time", "left"]
        for line in shown
    )
    assert " pt  hf       seed 1   running    1/2  10/50  0.900          85.0        9 s" in shown
    assert [line.split()[4:] for line in shown if "fairseq" in line] == [["done", "1/2", "50", "0.412", "91.5", "–"]]
    assert shown[-1] == "1 done · 1 running · about 9 s left"


def test_a_loss_that_is_not_a_number_is_shown_as_such() -> None:
    [row] = [line for line in screen([replace(RUNNING, loss=math.nan)]) if " seed 1 " in line]
    assert row.split()[-3] == "nan"


def test_a_low_terminal_shows_what_matters_and_counts_the_rest() -> None:
    counts = {Status.DONE: 30, Status.FAILED: 3, Status.RUNNING: 2, Status.PLANNED: 40}
    rows = [row for status, count in counts.items() for row in many(count, status)]
    shown = screen(rows, height=24)
    assert len(shown) <= 24
    text = "\n".join(shown)
    assert all(f"failed{i} " in text for i in range(3)) and all(f"running{i} " in text for i in range(2))
    assert "done29 " in text and "done0 " not in text and "planned0 " not in text
    assert "and 58 more: 18 done · 40 planned" in shown
    assert shown[-1].startswith("30 done · 2 running · 40 planned · 3 failed")


def test_rows_keep_their_order_and_the_last_ended_stay() -> None:
    rows = many(6, Status.DONE)
    ended = ["done3", "done0", "done5", "done1", "done2", "done4"]
    assert [row.name for row in fitting(rows, 2, ended)] == ["done2", "done4"]


def test_reasons_stand_below_the_table_in_one_line_each() -> None:
    rows = [replace(row, reason="E" * 200) for row in many(2, Status.FAILED)]
    [line] = [line for line in screen(rows) if "EEE" in line]
    assert line.startswith("pt failed1 failed: EEE") and line.endswith("…") and len(line) <= 80


def test_a_preparation_becomes_a_line_when_it_is_over() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24, color_system=None)
    view = LiveView(console)
    with view.live:
        view.prepare(PreparationProgress("pretraining [b]tiny[/b]", 90, 900, 2.5))
        assert "pretraining [b]tiny[/b] ━━" in file.getvalue() and "90/900  loss 2.500" in file.getvalue()
        for _ in range(2):
            view.prepare(PreparationProgress("pretraining [b]tiny[/b]", 1, 1))
    assert file.getvalue().count("pretraining [b]tiny[/b]: done in ") == 1


@pytest.mark.parametrize(
    ("is_terminal", "term", "kind"),
    [(True, "xterm", LiveView), (False, "xterm", PlainView), (True, "dumb", PlainView)],
)
def test_the_view_fits_where_it_is_shown(
    is_terminal: bool, term: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    console = Console(file=io.StringIO(), force_terminal=is_terminal)
    with choose_view(console) as view:
        assert isinstance(view, kind)


def test_evaluations_come_from_events() -> None:
    assert evaluations(epochs([0.5, 0.6], [0.1, 0.2]), "accuracy") == (
        Evaluation(1, 25, 1.0, 0.5),
        Evaluation(2, 50, 0.5, 0.6),
    )


def test_time_left_counts_what_waits() -> None:
    # Two run, at half of 100 updates with 10 s left each: 20 s in all. Three wait: (20 + 60) / 2 = 40 s.
    running = [replace(RUNNING, name=name, step=50, steps=100, seconds_left=10.0) for name in "ab"]
    waiting = many(3, Status.PLANNED)
    assert seconds_left([*running, *waiting]) == 40.0
    assert seconds_left(running) == 10.0
    assert summary([*running, *waiting]) == "2 running · 3 planned · about 40 s left"


def test_time_left_is_unknown_while_no_trial_knows_its_own() -> None:
    assert math.isnan(seconds_left([RUNNING, *many(2, Status.PLANNED)]))
    assert math.isnan(seconds_left(many(2, Status.DONE)))

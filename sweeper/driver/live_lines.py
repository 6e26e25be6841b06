"""Progress as plain lines, for a log or a pipe: only what is new."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console

from sweeper.driver.live import Evaluation, LiveRow, PreparationProgress
from sweeper.report.text import duration, metric_text, printable
from sweeper.trial.metrics import is_share
from sweeper.trial.outcome import Status


class PlainView:
    """A line when a trial starts, an epoch ends, a trial ends; for a preparation one every 10 %."""

    def __init__(self, console: Console):
        self.console = console
        self._known: dict[str, LiveRow] = {}
        self._begun: dict[str, float] = {}
        self._tenths: dict[str, int] = {}
        self._note = ""

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Print what is new; what had happened before a trial was first shown is not."""
        for row in rows:
            begun = Status.PLANNED if row.status is Status.RUNNING else row.status
            unseen = row if row.over else replace(row, status=begun, reason="")
            for line in _news(self._known.get(row.name, unseen), row):
                self._print(line)
            self._known[row.name] = row
        if note and note != self._note:
            self._print(note)
        self._note = note

    def prepare(self, preparation: PreparationProgress) -> None:
        """Print a line for every tenth of a preparation that is over."""
        title, step, steps = preparation.title, preparation.step, preparation.steps
        began = self._begun.setdefault(title, time.monotonic())
        tenth = 10 * step // steps if steps else 0
        if tenth <= self._tenths.get(title, -1):
            return
        self._tenths[title] = tenth
        if tenth == 0:
            self._print(f"{title}: started")
        elif tenth >= 10:
            self._print(f"{title}: done in {duration(time.monotonic() - began)}")
        else:
            self._print(f"{title}: {10 * tenth} %  step {step}/{steps}{loss_text(preparation)}")

    def _print(self, text: str) -> None:
        self.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        self.console.file.flush()  # who reads a pipe sees it at once


def loss_text(preparation: PreparationProgress) -> str:
    """Return the latest loss, where a preparation has one."""
    return "" if math.isnan(preparation.loss) else f"  loss {preparation.loss:.3f}"


def _news(before: LiveRow, row: LiveRow) -> Iterator[str]:
    """Yield a line for everything that has happened to a trial since it was last shown."""
    title = " ".join(row.labels)
    changed = before.state != row.state
    if changed and row.state == Status.RUNNING:
        yield f"{title}  running" + (f" from step {before.evaluations[-1].step}" if before.evaluations else "")
    for evaluation in row.evaluations[len(before.evaluations) :]:
        yield f"{title}  {_evaluation_text(row, evaluation)}"
    reason = f": {row.reason}" if row.reason else ""
    if (changed and row.over) or (reason and row.reason != before.reason):
        yield f"{title}  {row.state}{reason}"


def _evaluation_text(row: LiveRow, evaluation: Evaluation) -> str:
    epoch = f"{evaluation.epoch}/{row.epochs}" if row.epochs else str(evaluation.epoch)
    step = f"{evaluation.step}/{row.steps}" if row.steps else str(evaluation.step)
    value = metric_text(row.metric, evaluation.validation) + (" %" if is_share(row.metric) else "")
    return f"epoch {epoch}  step {step}  loss {evaluation.loss:.3f}  validation {row.metric} {value}"

"""Progress as plain lines, for a log or a pipe: only what is new."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sweeper.report.live import ENDED, RUNNING, Evaluation, LiveRow, Preparation, summary
from sweeper.report.text import is_share, metric_text, printable

if TYPE_CHECKING:
    from rich.console import Console


class PlainView:
    """A line when a trial starts, an epoch ends, a trial ends; for a preparation one every 10 %."""

    def __init__(self, console: Console):
        self.console = console
        self._states: dict[str, str] = {}
        self._epochs: dict[str, int] = {}
        self._tenths: dict[str, int] = {}
        self._note = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Print what is new; what had happened before a trial was first seen is not."""
        for row in rows:
            if row.name not in self._states:
                self._states[row.name] = row.state if row.state != RUNNING else ""
                self._epochs[row.name] = len(row.evaluations)
            self.show(row, rows)
        if note and note != self._note:
            self.line(note)
        self._note = note

    def show(self, row: LiveRow, rows: Sequence[LiveRow]) -> None:
        """Print a trial's news."""
        changed = self._states[row.name] != row.state
        self._states[row.name] = row.state
        if changed and row.state == RUNNING:
            self.line(f"{title(row)}  running" + (f" from step {row.step}" if row.step else ""))
        for evaluation in row.evaluations[self._epochs[row.name] :]:
            self.line(f"{title(row)}  {evaluation_text(row, evaluation)}")
        self._epochs[row.name] = len(row.evaluations)
        if changed and row.state in ENDED:
            reason = f": {row.reason}" if row.reason else ""
            self.line(f"{title(row)}  {row.state}{reason}  [{summary(rows)}]")

    def prepare(self, preparation: Preparation) -> None:
        """Print a line for every tenth of a preparation that is over."""
        tenth = 10 * preparation.step // preparation.steps if preparation.steps else 0
        if tenth <= self._tenths.get(preparation.title, -1):
            return
        self._tenths[preparation.title] = tenth
        loss = "" if math.isnan(preparation.loss) else f"  loss {preparation.loss:.3f}"
        self.line(f"{preparation.title}  {10 * tenth} %  step {preparation.step}/{preparation.steps}{loss}")

    def line(self, text: str) -> None:
        """Print one line, unwrapped, at once."""
        self.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        self.console.file.flush()


def title(row: LiveRow) -> str:
    """A trial in words."""
    return " ".join(row.labels)


def evaluation_text(row: LiveRow, evaluation: Evaluation) -> str:
    """One epoch of a trial."""
    epoch = f"{evaluation.epoch}/{row.epochs}" if row.epochs else str(evaluation.epoch)
    step = f"{evaluation.step}/{row.steps}" if row.steps else str(evaluation.step)
    value = metric_text(row.metric, evaluation.validation) + (" %" if is_share(row.metric) else "")
    return f"epoch {epoch}  step {step}  loss {evaluation.loss:.3f}  validation {row.metric} {value}"

"""Progress as a table that is redrawn in place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sweeper.report.live import ENDED, RUNNING, LiveRow, Preparation, summary
from sweeper.report.text import UNKNOWN, duration, metric_name, metric_text, printable

STYLES = {
    "done": "green",
    RUNNING: "cyan",
    "failed": "bold red",
    "interrupted": "yellow",
    "cancelled": "yellow",
}
OVERHEAD = 7  # lines around the rows: head (2), rule, edges, rest, summary


class LiveView:
    """A row a trial; in a low terminal those that run, failed or ended last, and a count of the rest."""

    def __init__(self, console: Console):
        self.console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._ended: dict[str, None] = {}
        self._rows: tuple[LiveRow, ...] = ()
        self._note = ""

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Redraw the table."""
        self._rows, self._note = tuple(rows), note
        self._ended.update(dict.fromkeys(row.name for row in rows if row.state in ENDED))
        self._draw()

    def prepare(self, preparation: Preparation) -> None:
        """Redraw a preparation's bar; when it is over, it becomes a line above the table."""
        loss = "" if math.isnan(preparation.loss) else f"loss {preparation.loss:.3f}"
        title = printable(preparation.title)
        if title not in self._tasks:
            self._tasks[title] = self._bars.add_task(title, total=None, loss=loss)
        task = self._bars.tasks[self._bars.task_ids.index(self._tasks[title])]
        was_over = task.finished
        self._bars.update(task.id, total=preparation.steps or None, completed=preparation.step, loss=loss)
        self._bars.update(task.id, visible=not task.finished)
        if task.finished and not was_over:
            took = duration(task.finished_time)
            self._live.console.print(Text(f"{title}  {preparation.steps} steps in {took}  {loss}".rstrip()))
        self._draw()

    def _draw(self) -> None:
        bars = [task for task in self._bars.tasks if task.visible]
        parts: list[RenderableType] = [self._bars] if bars else []
        if self._rows:
            room = max(self.console.size.height - OVERHEAD - len(bars), 1)
            parts += table_parts(self._rows, room, tuple(self._ended))
        if self._rows or self._note:
            line = " · ".join(filter(None, [summary(self._rows), printable(self._note)]))
            parts.append(Text(line, no_wrap=True, overflow="ellipsis"))
        self._live.update(Group(*parts), refresh=True)


def table_parts(rows: Sequence[LiveRow], room: int, ended: Sequence[str]) -> list[RenderableType]:
    """Return the table of the rows that fit, and a line that counts the others."""
    shown = fitting(rows, room, ended)
    names = {row.name for row in shown}
    rest = [row for row in rows if row.name not in names]
    table = live_table(shown)
    return [table, Text(f"and {summary(rest)} more", style="dim")] if rest else [table]


def fitting(rows: Sequence[LiveRow], room: int, ended: Sequence[str]) -> list[LiveRow]:
    """Return at most `room` rows in their order: what runs first, then what failed, ended last, or waits."""
    if len(rows) <= room:
        return list(rows)
    place = {name: number for number, name in enumerate(ended)}

    def urgency(row: LiveRow) -> tuple[int, int]:
        if row.state == RUNNING:
            return 0, 0
        kind = 1 if row.state == "failed" else 2 if row.state in ENDED else 3
        return kind, -place.get(row.name, 0)

    kept = {row.name for row in sorted(rows, key=urgency)[:room]}
    return [row for row in rows if row.name in kept]


def live_table(rows: Sequence[LiveRow]) -> Table:
    """Return the table of some rows; the column of reasons only when there is one."""
    metrics = {row.metric for row in rows}
    metric = metric_name(metrics.pop()) if len(metrics) == 1 else "metric"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("trial", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for head in ("epoch", "step", "loss", f"validation\n{metric}", "time left"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    reasons = any(row.reason for row in rows)
    if reasons:
        table.add_column("")
    titles = aligned([row.labels for row in rows])
    for row, title in zip(rows, titles, strict=True):
        cells = [Text(cell) for cell in row_cells(row)]
        reason = [Text(printable(row.reason), no_wrap=True, overflow="ellipsis")] if reasons else []
        table.add_row(Text(title), Text(row.state, style=STYLES.get(row.state, "dim")), *cells, *reason)
    return table


def row_cells(row: LiveRow) -> tuple[str, ...]:
    """Numbers of one row: epoch, step, loss, validation metric, time left."""
    return (
        f"{row.epoch}/{row.epochs}" if row.epoch else UNKNOWN,
        f"{row.step}/{row.steps}" if row.step else UNKNOWN,
        UNKNOWN if math.isnan(row.loss) and not row.step else f"{row.loss:.3f}",
        metric_text(row.metric, row.validation),
        duration(row.seconds_left) if row.state == RUNNING else UNKNOWN,
    )


def aligned(labels: Sequence[tuple[str, ...]]) -> list[str]:
    """Join labels such that the same place begins at the same column in all rows."""
    places = max(map(len, labels), default=0)
    padded = [[*map(printable, row), *[""] * (places - len(row))] for row in labels]
    widths = [max(len(row[place]) for row in padded) for place in range(places)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in padded]

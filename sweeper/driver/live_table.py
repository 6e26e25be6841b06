"""Progress as a table that is redrawn in place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import zip_longest

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sweeper.driver.live import LiveRow, PreparationProgress, summary
from sweeper.driver.live_lines import loss_text
from sweeper.report.text import UNKNOWN, duration, metric_name, metric_text, printable
from sweeper.trial.outcome import Status

STYLES: dict[str, str] = {
    Status.DONE: "green",
    Status.RUNNING: "cyan",
    Status.FAILED: "bold red",
    Status.INTERRUPTED: "yellow",
    Status.CANCELLED: "yellow",
}
STALE_SECONDS = 2.0  # a preparation that failed sends no more news
REASONS_SHOWN = 3
OVERHEAD = 7  # lines around the rows: head (2), rule, edges, rest, summary


class LiveView:
    """A row a trial, while `live` is entered; in a low terminal those that run, failed or ended last."""

    def __init__(self, console: Console):
        self.console = console
        self.live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._bars = _PreparationBars(console)
        self._ended: dict[str, None] = {}
        self._rows: tuple[LiveRow, ...] = ()
        self._note = ""

    def update(self, rows: Sequence[LiveRow], note: str = "") -> None:
        """Redraw the table."""
        self._rows, self._note = tuple(rows), note
        self._ended.update(dict.fromkeys(row.name for row in rows if row.over))
        self._draw()

    def prepare(self, preparation: PreparationProgress) -> None:
        """Redraw a preparation's bar; when it is over, it becomes a line above the table."""
        ended = self._bars.update(preparation)
        if ended:
            self.live.console.print(Text(ended))
        self._draw()

    def _draw(self) -> None:
        bars = self._bars.shown()
        parts: list[RenderableType] = [bars] if bars else []
        if self._rows:
            reasons = min(len({row.reason for row in self._rows if row.reason}), REASONS_SHOWN)
            room = self.console.size.height - OVERHEAD - reasons - (bars.row_count if bars else 0)
            parts += _table_parts(self._rows, max(room, 1), tuple(self._ended))
        if self._rows or self._note:
            line = " · ".join(filter(None, [summary(self._rows), printable(self._note)]))
            parts.append(Text(line, no_wrap=True, overflow="ellipsis"))
        self.live.update(Group(*parts), refresh=True)


class _PreparationBars:
    """A progress bar for each preparation under way."""

    def __init__(self, console: Console):
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
            auto_refresh=False,
        )

    def update(self, preparation: PreparationProgress) -> str:
        """Show how far a preparation is; returns the line to print when it has just ended."""
        title, step, steps = printable(preparation.title), preparation.step, preparation.steps
        if title not in (task.description for task in self._progress.tasks):
            self._progress.add_task(title, total=None, detail="")
        task = next(task for task in self._progress.tasks if task.description == title)
        task.fields["updated"] = time.monotonic()
        if task.finished:
            return ""
        if step < steps:
            # A single step cannot show progress: its bar pulses.
            detail = f"{step}/{steps}{loss_text(preparation)}" if step else ""
            self._progress.update(task.id, total=steps if steps > 1 else None, completed=step, detail=detail)
            return ""
        self._progress.update(task.id, total=steps, completed=steps, visible=False)
        return f"{title}: done in {duration(task.finished_time)}"

    def shown(self) -> Table | None:
        """Return the bars of what is under way; None without any. One without news for a while is left out."""
        fresh = time.monotonic() - STALE_SECONDS
        tasks = [task for task in self._progress.tasks if not task.finished and task.fields["updated"] > fresh]
        return self._progress.make_tasks_table(tasks) if tasks else None


def _table_parts(rows: Sequence[LiveRow], room: int, ended: Sequence[str]) -> list[RenderableType]:
    """Return the table of the rows that fit, and a line that counts the others."""
    shown = fitting(rows, room, ended)
    names = {row.name for row in shown}
    rest = [row for row in rows if row.name not in names]
    parts: list[RenderableType] = [_table(shown)]
    if rest:
        parts.append(Text(f"and {len(rest)} more: {summary(rest)}", style="dim"))
    return [*parts, *_reason_lines(shown)]


def _reason_lines(rows: Sequence[LiveRow]) -> list[Text]:
    reasons = {row.reason: row for row in rows if row.reason}  # the last few different ones
    texts = [f"{' '.join(row.labels)} {row.state}: {reason}" for reason, row in reasons.items()]
    return [Text(printable(text), no_wrap=True, overflow="ellipsis") for text in texts[-REASONS_SHOWN:]]


def fitting(rows: Sequence[LiveRow], room: int, ended: Sequence[str]) -> list[LiveRow]:
    """Return at most `room` rows in their order: what runs first, then what failed, ended last, or waits."""
    if len(rows) <= room:
        return list(rows)
    position = {name: number for number, name in enumerate(ended)}

    def urgency(row: LiveRow) -> tuple[int, int]:
        if row.state == Status.RUNNING:
            return 0, 0
        kind = 1 if row.state == Status.FAILED else 2 if row.over else 3
        return kind, -position.get(row.name, 0)

    kept = {row.name for row in sorted(rows, key=urgency)[:room]}
    return [row for row in rows if row.name in kept]


def _table(rows: Sequence[LiveRow]) -> Table:
    metrics = {row.metric for row in rows}
    metric = metric_name(metrics.pop()) if len(metrics) == 1 else "metric"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("trial", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for head in ("epoch", "step", "loss", f"validation\n{metric}", "time left"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    titles = _aligned([row.labels for row in rows])
    for row, title in zip(rows, titles, strict=True):
        cells = [Text(cell) for cell in _cells(row)]
        table.add_row(Text(title), Text(row.state, style=STYLES.get(row.state, "dim")), *cells)
    return table


def _cells(row: LiveRow) -> tuple[str, ...]:
    return (
        f"{row.epoch}/{row.epochs}" if row.epoch and row.epochs else str(row.epoch or UNKNOWN),
        f"{row.step}/{row.steps}" if row.steps else str(row.step or UNKNOWN),
        UNKNOWN if row.latest_loss is None else f"{row.latest_loss:.3f}",
        metric_text(row.metric, row.validation),
        duration(row.seconds_left) if row.state == Status.RUNNING else UNKNOWN,
    )


def _aligned(labels: Sequence[tuple[str, ...]]) -> list[str]:
    """Join labels such that those of one kind begin at the same column in all rows."""
    texts = [[*map(printable, row)] for row in labels]
    widths = [max(map(len, column)) for column in zip_longest(*texts, fillvalue="")]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]

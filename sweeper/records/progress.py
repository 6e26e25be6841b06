"""Where a run stands, to be shown; never evidence."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sweeper.records.files import encode_number, read_json, write_file


@dataclass(frozen=True)
class Progress:
    """Where a running trial stands; `steps` is the number of updates it will make in all."""

    epoch: int
    step: int
    steps: int
    loss: float
    started_step: int
    started: float
    time: float

    @property
    def seconds_left(self) -> float:
        """Time to the last update at the mean pace of this launch, in seconds; nan before its first update."""
        done = self.step - self.started_step
        return (self.time - self.started) / done * (self.steps - self.step) if done else math.nan


class ProgressFile:
    """Tells where a run stands, at most twice a second; never synced to disk, since nothing depends on it."""

    def __init__(self, path: Path):
        self.path = path
        self.started = time.time()
        self.started_step: int | None = None
        self.written = 0.0

    def update(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        """Write where the run stands if the last time is long enough ago, or if it is at its end."""
        now = time.time()
        if self.started_step is None:
            # The first update is finished already when it is told, so the pace is measured from here.
            self.started_step, self.started = step, now
        if now - self.written < 0.5 and step < steps:
            return
        self.written = now
        progress = Progress(epoch, step, steps, loss(), self.started_step, self.started, now)
        value = {**asdict(progress), "loss": encode_number(progress.loss)}
        write_file(self.path, json.dumps(value).encode(), alone=True, synced=False)


def read_progress(path: Path) -> Progress | None:
    """Return where a run stands, as it was last written; None before the first update and after the end."""
    value = read_json(path)
    return Progress(**{**value, "loss": float(value["loss"])}) if value else None

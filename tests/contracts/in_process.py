"""What the suites share that train in their own process and look at the library while it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


class Silent:
    """A report that only keeps losses: the epochs', and those of the updates."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.of_updates: list[float] = []

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
        self.losses.append(metrics["train/loss"])
        return False

    def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        self.of_updates.append(loss())

    def must_stop(self) -> bool:
        return False

    def predictions(self, *_: object) -> None:
        pass

    def model(self, *_: object) -> None:
        pass


# Peak, warm-up and shape as published: update u (from 0) of T, of which w warm up.
SHAPES: Mapping[str, Callable[[float], float]] = {
    "linear": lambda left: left,
    "constant": lambda left: 1.0,
    "polynomial": lambda left: left**3,
    "cosine": lambda left: (1 + math.cos(math.pi * (1 - left))) / 2,
}


def learning_rates(schedule: str, peak: float, warmup: int, steps: int) -> list[float]:
    """The rate of every update."""
    shape = SHAPES[schedule]
    return [
        peak * (update / warmup if update < warmup else shape((steps - update) / (steps - warmup)))
        for update in range(steps)
    ]

"""What one record says of its trial, for whoever compares trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeper.record import Record
from sweeper.trial import Metric, Outcome, Status

EVALUATED = ("valid", "test")


@dataclass(frozen=True)
class Divergence:
    """From `epoch` to the last one the mean training loss was no finite number; `loss` is the last."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class Result:
    """What a record says of its trial; `facts` are those of its data. `metrics` is empty unless the trial is done."""

    name: str
    status: Status
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    facts: Mapping[str, Any] | None
    outcome: Outcome | None
    metrics: tuple[Metric, ...]

    @classmethod
    def read(cls, record: Record) -> Result | None:
        """Return a record's result; None when the record was put aside in the meantime."""
        status = record.status()
        description = record.description()
        if description is None:
            return None
        done = status == Status.DONE
        ended = status in (Status.DONE, Status.FAILED, Status.CANCELLED)
        return cls(
            name=record.path.name,
            status=status,
            choices=description["choices"],
            config=description["config"],
            facts=description.get("facts"),  # records of before have none
            outcome=record.outcome() if ended else None,
            metrics=tuple(record.metrics()) if done else (),
        )

    @property
    def seed(self) -> int:
        """Seed of weights, head and dropout."""
        return int(self.config["seed"])

    @property
    def data_seed(self) -> int:
        """Seed of the order of the examples."""
        return int(self.config["data_seed"])

    @property
    def metric(self) -> str:
        """The metric that selected the epoch."""
        return str(self.config["task"]["selection_metric"])

    @property
    def at_best(self) -> Mapping[str, float]:
        """All metrics ("valid/accuracy", …) at the selected step; empty unless the trial is done."""
        if self.status != Status.DONE or self.outcome is None or self.outcome.best is None:
            return {}
        return self.outcome.best.metrics

    def best(self, split: str, metric: str | None = None) -> float | None:
        """Value of a metric, by default of the selection metric, at the selected step; None where it is not known."""
        return self.at_best.get(f"{split}/{metric or self.metric}")

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the metrics that were measured on validation or test, besides the selection metric."""
        keys = (key.partition("/") for key in self.at_best)
        return tuple(sorted({name for split, _, name in keys if split in EVALUATED} - {self.metric}))

    @property
    def divergence(self) -> Divergence | None:
        """Since when the training loss is no finite number; None when the last one is."""
        losses = sorted(
            (item.step, item.epoch, item.value) for item in self.metrics if (item.split, item.name) == ("train", "loss")
        )
        found = None
        for _, epoch, loss in losses:
            found = None if math.isfinite(loss) else Divergence(found.epoch if found else epoch, loss)
        return found

"""What one record says of its trial, for whoever compares trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sweeper.data import EVALUATED
from sweeper.records.record import Record
from sweeper.trial.outcome import Metric, Outcome, Status

ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Launch:
    """Where and by what code a trial was started; None: not recorded.

    `difference` is the SHA-256 of what the code differed from its commit by, None where it did not.
    """

    command: str | None
    directory: str | None
    commit: str | None
    dirty: bool | None
    difference: str | None
    host: str | None
    platform: str | None
    versions: tuple[tuple[str, str], ...]


@cache
def launch(*known: Any) -> Launch:
    """Return the one object for a launch: most trials of a study have the same."""
    return Launch(*known)


def read_launch(recorded: Mapping[str, Any]) -> Launch:
    """Return what a launch in trial.json says."""
    code = recorded.get("code") or {}
    return launch(
        *(recorded.get(name) for name in ("command", "directory")),
        *(code.get(name) for name in ("commit", "dirty", "difference_sha256")),
        *(recorded.get(name) for name in ("host", "platform")),
        tuple(sorted(recorded.get("versions", {}).items())),
    )


@dataclass(frozen=True)
class Divergence:
    """From `epoch` to the last one the mean training loss was no finite number; `loss` is the last."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class Result:
    """What a record says of its trial; `facts` are those of its data. `metrics` is empty unless the trial is done.

    `name` is that of its directory, after its study's where several studies are compared.
    """

    name: str
    status: Status
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    facts: Mapping[str, Any] | None
    outcome: Outcome | None
    metrics: tuple[Metric, ...]
    id: str = ""
    study: str = ""
    launches: tuple[Launch, ...] = ()

    @classmethod
    def read(cls, record: Record) -> Result | None:
        """Return a record's result; None when the record was put aside in the meantime."""
        outcome = record.outcome()
        status = outcome.status if outcome else record.status()
        if outcome is None and status in ENDED:  # just now
            outcome = record.outcome()
        description = record.description()
        if description is None:
            return None
        return cls(
            name=record.path.name,
            status=status,
            choices=description["choices"],
            config=description["config"],
            facts=description.get("facts"),  # records of before have none
            outcome=outcome,
            metrics=tuple(record.metrics()) if status == Status.DONE else (),
            id=description["id"],
            launches=tuple(map(read_launch, description["provenance"]["launches"])),
        )

    def of_study(self, study: str) -> Result:
        """Return the same result as one of several studies, named after its own."""
        return replace(self, name=f"{study}/{self.name}", study=study)

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

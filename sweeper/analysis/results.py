"""What the records of one study or several say of their trials."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sweeper.data import EVALUATED
from sweeper.data.recorded import whole
from sweeper.errors import WrongInput
from sweeper.records.record import Record
from sweeper.records.study import StudyRecords, open_study
from sweeper.trial.outcome import Metric, Outcome, Status

COMMIT_SHOWN = 10  # hexadecimal digits


@dataclass(frozen=True)
class Launch:
    """Where and by what code a trial was started; `difference`: SHA-256 of uncommitted changes. None: not recorded.

    `own_code`: repository and state of the user's own, where there is one.
    """

    command: str | None
    directory: str | None
    commit: str | None
    dirty: bool | None
    difference: str | None
    host: str | None
    platform: str | None
    versions: tuple[tuple[str, str], ...]
    own_code: str | None = None
    cpu: str | None = None
    gpu: str | None = None


# Most trials of a study have the same launch: one object stands for it.
_launch = cache(Launch)


def commit_text(launch: Launch) -> str:
    """A launch's commit, and the digest of what the code differed from it by."""
    return _state_text(launch.commit, launch.difference)


def _state_text(commit: str | None, difference: str | None) -> str:
    if commit is None:
        return "not recorded"
    return commit[:COMMIT_SHOWN] + (f" + changes {difference[:COMMIT_SHOWN]}" if difference else "")


def _read_launch(recorded: Mapping[str, Any]) -> Launch:
    code, own = recorded.get("code") or {}, recorded.get("own_code")
    return _launch(
        *(recorded.get(name) for name in ("command", "directory")),
        *(code.get(name) for name in ("commit", "dirty", "difference_sha256")),
        *(recorded.get(name) for name in ("host", "platform")),
        tuple(sorted(recorded.get("versions", {}).items())),
        f"{own['repository']}, commit {_state_text(own['commit'], own['difference_sha256'])}" if own else None,
        recorded.get("cpu"),
        recorded.get("gpu"),
    )


@dataclass(frozen=True)
class Divergence:
    """From `epoch` to the last one the mean training loss was no finite number; `loss` is the last."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class Result:
    """What a record says of its trial; `name` is STUDY/TRIAL among several studies, `facts` are of its data.

    `superseded`: why it does not count beside another record of the same settings; empty: it does.
    """

    name: str
    status: Status
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    facts: Mapping[str, Any] | None
    outcome: Outcome | None
    metrics: tuple[Metric, ...]  # none unless the trial is done
    id: str = ""
    study: str = ""
    launches: tuple[Launch, ...] = ()
    superseded: str = ""
    started: float | None = None  # its first launch, in seconds since 1970
    predictions: Path | None = None  # where they lie, if they are kept

    @classmethod
    def read(cls, record: Record) -> Result | None:
        """Return a record's result; None when the record was put aside in the meantime."""
        status, outcome = record.status_and_outcome()
        description = record.description()
        if description is None:
            return None
        return cls(
            name=record.path.name,
            status=status,
            choices=description["choices"],
            config=whole(description["config"]),
            facts=description.get("facts"),  # records of before have none
            outcome=outcome,
            metrics=tuple(record.metrics()) if status == Status.DONE else (),
            id=description["id"],
            launches=tuple(map(_read_launch, description["provenance"]["launches"])),
            started=description["provenance"]["launches"][0].get("time", description.get("created")),
            predictions=record.predictions,
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
    def ended(self) -> float | None:
        """When a done trial wrote its last metric, in seconds since 1970."""
        return max((item.time for item in self.metrics if item.time), default=None)

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


@dataclass(frozen=True)
class Studies:
    """Several studies that are compared with each other; trials are named STUDY/TRIAL."""

    members: tuple[StudyRecords, ...]

    @property
    def name(self) -> str:
        """Names of all of them."""
        return ", ".join(self.names())

    def names(self) -> list[str]:
        """Each study's name, or its path where another one has the same name."""
        counts = Counter(study.name for study in self.members)
        return [study.name if counts[study.name] == 1 else str(study.path) for study in self.members]


def results_of(study: StudyRecords) -> Iterator[Result]:
    """Read all records of a study."""
    return (result for result in map(Result.read, study.records) if result is not None)


def open_studies(paths: Sequence[Path]) -> StudyRecords | Studies:
    """Open one study or several; raises WrongInput where one is none, or is given twice."""
    whole = [path.resolve() for path in paths]
    for path, own in zip(paths, whole, strict=True):
        if whole.count(own) > 1:
            raise WrongInput(f"{path} is given twice\ngive each study once: its trials would count twice")
    opened = [open_study(path) for path in paths]
    return opened[0] if len(opened) == 1 else Studies(tuple(opened))

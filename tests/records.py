"""Records of trials that never ran, written by the real writer; and what a trial's record says."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.rows import Comparison
from sweeper.data import DataSettings
from sweeper.records.files import write_json
from sweeper.records.record import Record
from sweeper.records.study import open_study
from sweeper.report.__main__ import main
from sweeper.trial.best_epoch import select
from sweeper.trial.outcome import Failure, Metric, Outcome, Status
from sweeper.trial.settings import (
    ArchSettings,
    FrameworkSettings,
    ModelSettings,
    TaskSettings,
    TokenizerSettings,
    TrainSettings,
)
from sweeper.trial.trial import Trial

STEPS_PER_EPOCH = 25


@dataclass(frozen=True)
class Reviews(DataSettings):
    """Settings of a data set that is never read."""

    path: str | None = None


ADAPTERS = {"hf": "hf.HuggingFace", "fairseq": "fairseq.Fairseq", "lora": "lora.Lora"}


def trial(model: str = "pt", framework: str = "hf", seed: int = 1, data: str = "demo", **changes: Any) -> Trial:
    """A trial; `changes` replace its fields, settings given as a mapping only those named."""
    pretrained = model != "rd"
    made = Trial(
        seed=seed,
        data_seed=seed,
        model=ModelSettings(model, pretrained),
        framework=FrameworkSettings(framework, _target_=f"sweeper.frameworks.{ADAPTERS.get(framework, framework)}"),
        arch=ArchSettings(),
        task=TaskSettings(),
        data=Reviews(),
        tokenizer=TokenizerSettings(),
        train=TrainSettings(),
        device="cpu",
        digests={"data": data * 8, "tokenizer": "t" * 64} | ({"weights": "w" * 64} if pretrained else {}),
        choices={"model": model, "framework": framework, "data": data, "arch": "tiny", "seed": seed},
        cache=Path("cache"),
    )
    whole = {
        name: replace(getattr(made, name), **change) if isinstance(change, Mapping) and name != "digests" else change
        for name, change in changes.items()
    }
    return replace(made, **whole)


def epochs(valid: Sequence[float], test: Sequence[float], name: str = "accuracy") -> list[Metric]:
    """One evaluation an epoch; the training loss is 1 / epoch."""
    return [
        Metric(split, metric, value, epoch, epoch * STEPS_PER_EPOCH, time=1000.0 + epoch)
        for epoch, values in enumerate(zip(valid, test, strict=True), start=1)
        for split, metric, value in (
            ("train", "loss", 1 / epoch),
            ("valid", name, values[0]),
            ("test", name, values[1]),
        )
    ]


def write(
    study: Path,
    described: Trial,
    valid: Sequence[float] = (),
    test: Sequence[float] = (),
    status: Status | None = Status.DONE,
    error: Failure | None = None,
    seconds: float = 12.0,
    facts: Mapping[str, Any] | None = None,
    more: Sequence[Metric] = (),
) -> Record:
    """Write a trial's record as `execute` does, with `more` metrics; status None leaves it without an outcome."""
    record = Record(study / described.name)
    with record.writing() as writer:
        writer.describe(described.description() | ({"facts": facts} if facts else {}), {"command": "test"})
        # The same metric at the same step counts once: `more` may hold another value for it.
        own = {(item.key, item.step): item for item in (*epochs(valid, test, described.task.selection_metric), *more)}
        writer.append(own.values())
        if status is not None:
            best = select(record.metrics(), described.task)
            writer.finish(Outcome(status, best, seconds, 10**9, error))
    return record


def write_plan(study: Path, trials: Sequence[Trial]) -> None:
    """Write study.json with the trials that belong to a study."""
    study.mkdir(parents=True, exist_ok=True)
    plan = {"schema": 1, "name": study.name, "trials": {planned.name: planned.id for planned in trials}}
    write_json(study / "study.json", plan)


def write_demo(study: Path, seeds: Sequence[int] = (1, 2, 3)) -> None:
    """Write a finished study of two models, pt better than rd."""
    trials = [trial(model, seed=seed) for model in ("pt", "rd") for seed in seeds]
    for described in trials:
        base = (0.8 if described.model.name == "pt" else 0.6) + described.seed / 100
        curve = [base, base + 0.05, base + 0.1, base + 0.1, base + 0.08]
        write(study, described, valid=curve, test=[value - 0.02 for value in curve])
    write_plan(study, trials)


def best_metrics(directory: Path) -> Mapping[str, float]:
    """What a trial measured at its best epoch."""
    outcome = Record(directory).outcome()
    assert outcome is not None and outcome.best is not None
    return outcome.best.metrics


def compared(study: Path) -> Comparison:
    """What a study's records compare."""
    return compare_study(open_study(study))


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


def rendered(study: Path, format_name: str | None = None) -> str:
    """A study's report as the command prints it, in a format if one is named."""
    with redirect_stdout(printed := io.StringIO()):
        assert main([str(study), *(("--format", format_name) if format_name else ())]) == 0
    return printed.getvalue()

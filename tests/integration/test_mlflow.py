"""Records in real MLflow stores: an SQLite file, and a server process with its artefact proxy."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from sweeper.data import DataSettings
from sweeper.record import Record, supersede
from sweeper.study import Study
from sweeper.tracking.mlflow import synchronise
from sweeper.tracking.state import TrackingError, pending
from sweeper.trial import (
    ArchSettings,
    Best,
    Failure,
    FrameworkSettings,
    Metric,
    ModelSettings,
    Outcome,
    Status,
    TaskSettings,
    TokenizerSettings,
    TrainSettings,
    Trial,
)

ROOT = Path(__file__).parents[2]
STARTED = 1_700_000_000.25
EPOCHS, STEPS = 5, 75
TABLES = {"tables.md": "| model | accuracy |\n|---|---:|\n| pt | 80.0 |\n"}
METRICS = ("train/loss", "valid/accuracy", "valid/loss", "test/accuracy", "test/loss")


def make_trial(model: str, seed: int) -> Trial:
    return Trial(
        seed=seed,
        data_seed=seed,
        model=ModelSettings(model, model == "pt"),
        framework=FrameworkSettings(),
        arch=ArchSettings("tiny"),
        task=TaskSettings(),
        data=DataSettings(),
        tokenizer=TokenizerSettings(),
        train=TrainSettings(),
        device="cpu",
        digests={"data": "d" * 64},
        choices={"model": model, "framework": "hf", "data": "demo", "seed": seed},
        cache=Path("cache"),
    )


def value_of(metric: str, epoch: int, seed: int) -> float:
    share = 0.5 + 0.3 * (1 - math.exp(-epoch / 2)) + 0.01 * seed
    return share if metric.endswith("accuracy") else 1.2 - share


def epoch_metrics(epoch: int, seed: int) -> list[Metric]:
    names = [metric.split("/") for metric in METRICS]
    return [
        Metric(split, name, value_of(f"{split}/{name}", epoch, seed), epoch, epoch * STEPS, STARTED + 10 * epoch)
        for split, name in names
    ]


def outcome(seed: int, epoch: int = EPOCHS) -> Outcome:
    best = Best(epoch, epoch * STEPS, {metric: value_of(metric, epoch, seed) for metric in METRICS})
    return Outcome(Status.DONE, best, 50.0, 10**8)


def run_trial(study: Path, model: str, seed: int, epochs: int = EPOCHS, end: Outcome | None = None) -> Record:
    trial = make_trial(model, seed)
    record = Record(study / trial.name)
    with record.writing() as writer:
        writer.describe(trial.description(), {"host": "here", "time": STARTED})
        for epoch in range(1, epochs + 1):
            writer.append(epoch_metrics(epoch, seed))
        if end:
            writer.finish(end)
    record.log.write_text(f"log of {trial.name}\n")
    return record


def make_study(directory: Path, uri: str | None, name: str = "demo", seeds: tuple[int, ...] = (1, 2, 3)) -> Path:
    trials = [make_trial(model, seed) for model in ("pt", "rd") for seed in seeds]
    Study(name, directory / name, uri, {}).describe(trials, "python -m sweeper.run -m model=pt,rd seed=1,2,3")
    for trial in trials:
        run_trial(directory / name, trial.model.name, trial.seed, end=outcome(trial.seed))
    return directory / name


if __name__ == "__main__":
    make_study(Path(sys.argv[1]), sys.argv[2])

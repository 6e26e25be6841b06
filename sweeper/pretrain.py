"""The command: python -m sweeper.pretrain arch=… corpus=FILES out=DIR

A pretraining is a trial of its own study: it is planned, run, resumed and shown in MLflow as any other. What
it adds is at its end: the best weights with their tokenizer in a directory that model.path=DIR takes.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from sweeper.config.command import main, planned
from sweeper.driver.sweep import run_sweep
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.records.files import check_destination, expanded, new_directory, read_json, write_json
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.settings import Family
from sweeper.trial.trial import Trial

# Beside the weights: what they were made of and how.
ORIGIN = "pretraining.json"


def drive(configs: Sequence[DictConfig], launcher: Any) -> int:
    """Pretrain every composed config and write what comes of it; returns the exit code."""
    destinations = [expanded("out", config.out) for config in configs]
    if len(set(destinations)) < len(destinations):
        raise WrongInput(f"out={destinations[0]} is given to several trainings\nas in: out='weights/${{seed}}'")
    study, trials, backend = planned([without_destination(config) for config in configs], launcher)
    for config, trial, destination in zip(configs, trials, destinations, strict=True):
        _check_apart(config, destination)
        if _origin(destination) != trial.id:
            check_destination(f"out={destination}", destination, "set out=DIR to a directory, new or empty")
    code = run_sweep(study, trials, backend)
    if code == DONE and not study.plan:
        for trial, destination in zip(trials, destinations, strict=True):
            record = Record(study.directory / trial.name)
            if record.status() is Status.DONE:  # else its job goes on without this command
                _deliver(trial, record, destination)
    return code


def without_destination(config: DictConfig) -> DictConfig:
    """Return a config as `sweeper.run` knows it: the corpus is its data's files, the destination not its business."""
    files = config.data.files if config.corpus else None
    plain = config.copy()
    with open_dict(plain):
        plain.data.files = files
        del plain.corpus, plain.out
        if config.model.path is not None:  # weights bring their tokenizer, whole
            plain.tokenizer.kind = plain.tokenizer.vocabulary_size = None
    return plain


def _check_apart(config: DictConfig, destination: Path) -> None:
    wanted, outputs = destination.resolve(), expanded("outputs", config.outputs).resolve()
    if not config.out or outputs.is_relative_to(wanted) or wanted.is_relative_to(outputs):
        raise WrongInput(
            f"out={config.out} is no directory for weights alone\n"
            f"needed: a new directory, apart from outputs={config.outputs}; as in out=weights"
        )


def _origin(directory: Path) -> str | None:
    described = read_json(directory / ORIGIN)
    return described["trial"]["id"] if described else None


def _deliver(trial: Trial, record: Record, destination: Path) -> None:
    outcome = read_json(record.path / "outcome.json")
    if _origin(destination) != trial.id:
        with new_directory(destination) as temporary:
            shutil.copytree(record.best, temporary)
            write_json(temporary / ORIGIN, {"trial": record.description(), "outcome": outcome})
    step, metrics = outcome["best"]["step"], outcome["best"]["metrics"]
    loss, perplexity = metrics["valid/loss"], metrics["valid/perplexity"]
    print(f"Weights: {destination}, of update {step}: held-out loss {loss:.3f} nats, perplexity {perplexity:.1f}")
    if trial.framework.family is Family.causal_lm:
        print(f"  go on: python -m sweeper.pretrain model=pt model.path={destination} arch=of_model corpus=… out=…")
        return
    print(f"  fine-tune: python -m sweeper.run -m model=pt,rd seed=1,2,3 arch=of_model model.path={destination} data=…")


if __name__ == "__main__":
    run_and_exit(lambda: main(drive, "pretrain"))

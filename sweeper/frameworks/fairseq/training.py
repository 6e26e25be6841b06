"""Fine-tuning by fairseq's own training command, called in this process."""

from __future__ import annotations

import argparse
import logging
import pickle
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sweeper.data import EVALUATED
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.classifier import build_classifier
from sweeper.frameworks.fairseq import mends as fairseq_mends
from sweeper.frameworks.fairseq.arguments import arguments
from sweeper.frameworks.fairseq.binarised import binarised
from sweeper.frameworks.fairseq.model import initial_model, load_into, save_initial
from sweeper.frameworks.fairseq.task import FULL_PRECISION, LOSSES, REPORTER, TaskReporter, configuration
from sweeper.frameworks.fine_tuning import total_steps
from sweeper.frameworks.interruption import Interrupted
from sweeper.frameworks.reporter import Report
from sweeper.frameworks.trainer import save_model
from sweeper.trial.settings import Initialization, Precision
from sweeper.trial.trial import Trial

with fairseq_mends.root_logger_kept():
    from fairseq_cli import train as command

LAST = "checkpoint_last.pt"  # as fairseq calls it


def train(trial: Trial, directory: Path, report: Report) -> None:
    """Train the classifier; see `Framework.train`."""
    checkpoints, data = directory / "checkpoint", binarised(trial)
    checkpoints.mkdir(exist_ok=True)
    steps = total_steps(trial, len(inputs.tokenized(trial)["train"]))
    resumed = _read(checkpoints / LAST) if (checkpoints / LAST).exists() else None
    # From the end of an epoch that max_steps cut short fairseq would make one more update.
    if resumed and resumed["optimizer_history"][-1]["num_updates"] >= steps:
        return
    all_its_own = trial.framework.fairseq.initialization is Initialization.own and not trial.model.pretrained
    initial = None if all_its_own else checkpoints / "initial.pt"  # of random weights that fairseq draws no file
    given = arguments(trial, steps, data, checkpoints, initial)
    _print_command(trial, given, initial)
    config, classifier = configuration(given, trial.data_seed), build_classifier(trial)
    if initial and not resumed:
        save_initial(initial_model(trial, config, classifier), initial)
    # Older versions wrote checkpoints between epochs only, and no losses.
    kept = {FULL_PRECISION: (), LOSSES: ()} | (resumed["task_state"] if resumed else {})
    keep_best, end_after = partial(_keep, trial, classifier, directory / "best"), partial(_end, config)
    reporter = TaskReporter(
        report,
        steps,
        EVALUATED,
        keep_best,
        end_after,
        trial.train.gradient_accumulation,
        kept[FULL_PRECISION],
        kept[LOSSES],
    )
    token = REPORTER.set(reporter)
    try:
        with logged():
            command.main(config)
    finally:
        REPORTER.reset(token)
    if reporter.stopped and reporter.step is not None:
        raise Interrupted(reporter.step)


def _end(config: Any, step: int) -> None:
    # As after the last update, with a checkpoint. By fairseq's other way to a checkpoint within an epoch,
    # --save-interval-updates, it would write another file and copy that one over the latest checkpoint, which a kill
    # could leave cut short; here it writes and renames.
    config.optimization.max_update = step
    config.dataset.disable_validation = True


def _keep(trial: Trial, classifier: PreTrainedModel, destination: Path, state: Mapping[str, Tensor]) -> None:
    load_into(classifier, trial, state)
    save_model(classifier, inputs.tokenizer(trial), destination)


def _read(checkpoint: Path) -> dict[str, Any]:
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            # Its tensors are memory-mapped, and nothing of it is executed.
            state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        found = next((line for line in str(error).split("\n") if "GLOBAL" in line), "what cannot be read").strip()
        raise WrongInput(f"{checkpoint} is no checkpoint of fairseq: {found}\nfresh=true trains anew") from error
    return state


def _print_command(trial: Trial, given: list[str], initial: Path | None) -> None:
    print("fairseq's own command:", shlex.join(["python", "-m", fairseq_mends.__name__, "train", *given]), flush=True)
    if initial:
        print(f"until this trial is done, the weights to start from are {initial}")
    if trial.data_seed != trial.seed:
        print(f"its examples would come in the order of seed {trial.seed}, here in that of data_seed {trial.data_seed}")
    if trial.train.precision is not Precision.fp32:
        print(f"train.precision={trial.train.precision}: fairseq casts the model, where Transformers autocasts")


@contextmanager
def logged() -> Iterator[None]:
    """Print what fairseq logs, as its command does, but leave the root logger alone, and warn of no old spellings."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s | %(levelname)s | %(name)s | %(message)s", "%Y-%m-%d %H:%M:%S"))
    loggers = [logging.getLogger(name) for name in ("fairseq", "fairseq_cli")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning):
                warnings.simplefilter("ignore", category)
            warnings.filterwarnings("ignore", "'pin_memory'")  # which fairseq always asks for
            yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate

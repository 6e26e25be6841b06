"""One trial from start to outcome."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.checkpoints.parameter_count import count, recorded
from sweeper.errors import WrongInput, first_line
from sweeper.frameworks import Interrupted, inputs, interruption, load_framework
from sweeper.frameworks.checked_model import check_model
from sweeper.frameworks.examples import KnownExamples, known_examples
from sweeper.frameworks.reporter import ProgressReport
from sweeper.records import provenance
from sweeper.records.logs import REFUSALS
from sweeper.records.own_code import check_code
from sweeper.records.progress import ProgressFile
from sweeper.records.record import AlreadyWriting, Record, Writer
from sweeper.trial import Trial
from sweeper.trial.best_epoch import select
from sweeper.trial.outcome import Best, Failure, Metric, Outcome, ParameterCounts, Status

if TYPE_CHECKING:
    from torch import nn


class Recorder(ProgressReport):
    """The `Report` that a framework gets: writes to the trial's record and answers which epoch is best."""

    def __init__(self, writer: Writer, trial: Trial, *, keeps_predictions: bool = True):
        super().__init__(ProgressFile(writer.record.progress_file))
        self.writer = writer
        self.trial = trial
        self.keeps_predictions = keeps_predictions
        self.parameters: ParameterCounts | None = None
        self.reported = (0, 0)  # epoch and step

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
        """Record an epoch's metrics; see `Report.epoch`."""
        self.reported = epoch, step
        named = [(*key.partition("/")[::2], value) for key, value in metrics.items()]
        self.writer.append(Metric(split, name, value, epoch, step) for split, name, value in named)
        # After a resume the record may know later steps already; these say nothing of what this step is worth.
        best = select(self.writer.record.metrics(), self.trial.task, up_to_step=step)
        shown = ", ".join(f"{key} {value:.4f}" for key, value in metrics.items())
        print(f"epoch {epoch}, step {step}: {shown}", flush=True)
        return best is not None and best.step == step

    def predictions(self, outputs: Mapping[str, Any]) -> None:
        """Write what the model answers; see `Report.predictions`. Where the texts are gone it is not kept."""
        file = self.writer.record.predictions
        known = self._examples() if self.keeps_predictions else None
        if known is None:
            file.unlink(missing_ok=True)  # of an epoch that is the best no longer
            return
        from sweeper.frameworks.predictions import predictions
        from sweeper.records.predictions import write_predictions

        write_predictions(file, predictions(known, *self.reported, outputs))

    def _examples(self) -> Mapping[str, KnownExamples] | None:
        try:
            return known_examples(self.trial)
        except Exception as error:  # whatever reading them anew raises, since they were tokenized
            print(f"no predictions are kept: {first_line(error)}", flush=True)
            return None

    def model(self, model: nn.Module, unused: Collection[str] = ()) -> None:
        """Count the model's parameters; see `Report.model`."""
        self.parameters = recorded(count(model, unused))


def execute(trial: Trial, directory: Path, launch: Mapping[str, Any]) -> None:
    """Run a trial in this process and write its outcome; nothing else catches its failure.

    A trial that is done is left alone. A scheduler sees in the exit code what has become of it: 1 for one that failed,
    `interruption.EXIT_CODE` for one that stopped on request and goes on from its checkpoint when it is called again.
    """
    interruption.listen()
    record = Record(directory)
    try:
        with record.writing() as writer:
            if record.status() is Status.DONE:
                return
            status = _attempt(trial, writer, launch)
    except AlreadyWriting as other:
        sys.exit(str(other))  # its record says all that matters
    if status is Status.FAILED:
        sys.exit(1)
    if status is Status.INTERRUPTED:
        sys.exit(interruption.EXIT_CODE)


def prepare(trial: Trial) -> None:
    """Make what a trial reads, in this process; exits with `interruption.EXIT_CODE` when it is asked to stop."""
    interruption.listen()
    try:
        check_code(trial)
        inputs.prepare(trial)
        check_model(trial)
    except Interrupted as interrupted:
        print(f"interrupted: {interrupted}", flush=True)
        sys.exit(interruption.EXIT_CODE)
    except WrongInput as refusal:  # as a traceback ends, without one
        print(f"{REFUSALS[0]}{refusal}", flush=True)
        sys.exit(1)


def _attempt(trial: Trial, writer: Writer, launch: Mapping[str, Any]) -> Status:
    """Train, write the outcome, also of a failure, and return its status; an interrupted trial has none yet."""
    record = writer.record
    writer.forget_failure()
    before = record.seconds_trained()
    started = time.time()
    facts = inputs.facts(trial)  # none for a framework that tokenizes nothing
    description = trial.description() | ({"facts": facts} if facts else {})
    writer.describe(description, {"time": started, **launch, **provenance.here(trial.device), **_changes(launch)})
    recorder = Recorder(writer, trial, keeps_predictions=launch.get("predictions", True))
    try:
        check_code(trial)
        _set_up_process(trial)
        load_framework(trial).train(trial, record.path, recorder)
        best = select(record.metrics(), trial.task)
        if best is None:
            raise RuntimeError(f"valid/{trial.task.selection_metric} was never a number")
        status, error = Status.DONE, None
        _check_predictions(record, best)
    except Interrupted as interrupted:
        writer.note_stop()
        print(f"interrupted: {interrupted}", flush=True)
        return Status.INTERRUPTED
    except Exception as failure:
        traceback.print_exc()
        best = select(record.metrics(), trial.task)
        status, error = Status.FAILED, Failure(type(failure).__name__, str(failure), str(record.log))
    seconds = before + time.time() - started
    writer.finish(Outcome(status, best, seconds, _peak_memory_bytes(trial), error, recorder.parameters))
    if status is Status.DONE:
        shutil.rmtree(record.checkpoint, ignore_errors=True)
    return status


def _check_predictions(record: Record, best: Best) -> None:
    """Put a trial's predictions aside where they do not give its record, and say so: the result stays."""
    if not record.predictions.exists():
        return
    from sweeper.frameworks.predictions import checked_predictions

    try:
        checked_predictions(record.predictions, best)
    except WrongInput as error:
        record.predictions.replace(record.refused_predictions)
        said = f"{first_line(error)}\nThe result stays; these predictions are {record.refused_predictions} now."
        print(f"SUSPICIOUS: {said}", flush=True)
    except Exception:  # the training is over, and its result is worth more
        traceback.print_exc()


def _changes(launch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has changed since a trial was submitted, for its provenance, and print it."""
    if "submitted" not in launch:
        return {}
    found = provenance.differences(launch["submitted"])
    for line in found:
        print(line, flush=True)
    return {**provenance.states_of_code(), "differences": found}


def _set_up_process(trial: Trial) -> None:
    """Set the process's threads, determinism and device."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # read by torch when it is imported
        os.environ[name] = str(trial.train.threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(trial.train.threads)
    if trial.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError("this trial was planned for a GPU, and torch sees none here")
        # Without these, kernels may add in another order each time; what has no ordered form warns in the log.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


def _peak_memory_bytes(trial: Trial) -> int:
    """Most memory held at once: of the GPU when there is one, else resident in this process."""
    if trial.device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

"""A done trial's best weights, evaluated once more as they were when it ran, for predictions that it did not keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sweeper.errors import WrongInput, first_line
from sweeper.frameworks.examples import known_examples
from sweeper.frameworks.exported import OURS, trainer_of_export, unread
from sweeper.frameworks.predictions import differences, predictions
from sweeper.frameworks.reporter import ProgressReport
from sweeper.frameworks.trainer import in_order
from sweeper.records.predictions import read_predictions, write_predictions
from sweeper.records.progress import ProgressFile
from sweeper.records.record import Record
from sweeper.trial import Trial
from sweeper.trial.outcome import Best

if TYPE_CHECKING:
    from sweeper.frameworks.trainer import ReportingTrainer


def make_predictions(trial: Trial, record: Record, best: Best) -> str:
    """Write what a trial's best weights answer, where that is what is on record; return why not, empty where it is."""
    if not trial.framework._target_.startswith(OURS):
        return f"how framework={trial.framework.name} reads texts is its own affair"
    if not record.best.is_dir():
        return f"its best weights are not there: {record.best}"
    try:
        if missing := unread(trial, record.best):
            return missing
        with TemporaryDirectory() as scratch:
            outputs = _outputs(trial, record.best, Path(scratch))
            found = predictions(known_examples(trial), best.epoch, best.step, outputs)
            tried = Path(scratch) / record.predictions.name
            write_predictions(tried, found)
            problems = differences(read_predictions(tried), best.metrics)
    except WrongInput as error:
        return first_line(error)
    except Exception as error:  # whatever the libraries raise for weights and files that do not fit
        return f"{type(error).__name__}: {first_line(error)}"
    if problems:
        return "; ".join(problems)
    write_predictions(record.predictions, found)
    return ""


def _outputs(trial: Trial, best: Path, scratch: Path) -> dict[str, Any]:
    """Return what `Report.predictions` takes, of every split that the trial was evaluated on."""
    import torch

    torch.set_num_threads(trial.train.threads)
    device = trial.device if torch.cuda.is_available() else "cpu"
    trainer = _trainer(replace(trial, device=device), best, scratch)
    outputs = {}
    for split, examples in dict(trainer.eval_dataset).items():
        trainer.predict(examples, metric_key_prefix=split)
        outputs[split] = in_order(trainer.reporter.output, trainer.reporter.orders.get(split))
    return outputs


def _trainer(trial: Trial, best: Path, scratch: Path) -> ReportingTrainer:
    """Return the Trainer that evaluates a trial's best weights."""
    if trial.framework.name != "lora":
        return trainer_of_export(trial, best, scratch)
    from sweeper.frameworks.lora import classification, head, questions
    from sweeper.frameworks.lora.checks import has_head
    from sweeper.frameworks.lora.model import base_files, build

    report = ProgressReport(ProgressFile(scratch / "progress.json"))
    model = build(trial)
    base_files(trial, model, best)  # refuses another base than the adapter's
    questions.load_adapter(model, best)
    make = questions if trial.task.name == "qa" else head if has_head(trial) else classification
    trainer: ReportingTrainer = make.trainer_of(trial, scratch, report, model)
    return trainer

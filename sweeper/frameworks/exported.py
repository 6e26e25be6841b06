"""What an export is worth: loaded anew by plain Transformers and evaluated on the validation texts of its trial.

Light to import: the libraries are imported when something is measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sweeper.checkpoints.weight_files import weight_files
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.reporter import ProgressReport
from sweeper.records.files import cached
from sweeper.records.progress import ProgressFile
from sweeper.trial import Trial
from sweeper.trial.settings import Family, Precision

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sweeper.frameworks.trainer import ReportingTrainer

COMPARED = ("accuracy", "loss")  # those of these that a task measures
OURS = "sweeper.frameworks."  # how the adapters' classes begin whose way of reading texts is known
# How far two scores of an example may move against each other, over the largest score or 1. An export is evaluated in
# float32: after training in that, another machine adds in another order, and an adapter is merged. In half precision,
# of 11 or 8 significant bits, every layer is off (bf16, the demo: by up to 2.4e-2, their mean over examples 5e-3).
ROUNDING = {Precision.fp32: 1e-4, Precision.fp16: 1e-2, Precision.bf16: 5e-2}


@dataclass(frozen=True)
class Measured:
    """What an export is worth on so many examples; `rounding` is how far apart two scores of one may have moved.

    `close` are the examples whose class that decides: their two greatest scores are no further apart.
    """

    metrics: Mapping[str, float]
    examples: int
    rounding: float
    close: int = 0

    def different(self, recorded: Mapping[str, float]) -> list[str]:
        """Return the recorded metrics that rounding does not explain."""
        # In the mean over examples most of what moved is gone.
        allowed = {"accuracy": (self.close + 0.5) / self.examples, "loss": self.rounding / 4}
        return [name for name, value in recorded.items() if not _alike(value, self.metrics[name], allowed[name])]


def _alike(recorded: float, measured: float, allowed: float) -> bool:
    if math.isnan(recorded) or math.isnan(measured):
        return math.isnan(recorded) and math.isnan(measured)  # of a training that diverged
    return abs(recorded - measured) <= allowed


def not_measurable(trial: Trial, exported: Path) -> str | None:
    """Return why an export cannot be measured here, in one line, or None; makes the tokenized data in the cache.

    Nothing is trained for it: the tokenizer is the export's own where the cache has lost it.
    """
    if not trial.framework._target_.startswith(OURS):
        return f"how framework={trial.framework.name} reads them is its own affair"
    if not (exported / "config.json").is_file() or not weight_files(exported):
        return f"{exported} holds no weights that Transformers loads"
    try:
        return unread(trial, exported)
    except (WrongInput, OSError) as error:
        return " ".join(str(error).split("\n")[0].split())


def unread(trial: Trial, exported: Path) -> str | None:
    """Return why a trial's texts are not at hand, None where they are; raises what reading them raises."""
    from sweeper.tokens.tokenizer import load

    if trial.task.is_language_modelling:  # a corpus may be large
        ids = inputs.packed_directory(trial)
        return None if ids.exists() else f"{ids}, the ids of its held-out text, is gone"
    ids = inputs.tokenized_directory(trial)
    if not ids.exists() and trial.data.digest() != trial.digests["data"]:
        return f"{ids} is gone, and the data set holds other texts by now"
    cached(inputs.tokenizer_directory(trial), lambda directory: load(exported).save(directory))
    inputs.tokenized(trial)
    return None


def measure(trial: Trial, exported: Path) -> Measured | str:
    """Load an export by plain Transformers and evaluate it in float32; return why where it cannot be loaded."""
    import torch

    device = trial.device if torch.cuda.is_available() else "cpu"
    rounding = ROUNDING[trial.train.precision]
    trial = replace(trial, device=device, train=replace(trial.train, precision=Precision.fp32))
    with TemporaryDirectory() as scratch:
        try:
            trainer = trainer_of_export(trial, exported, Path(scratch))
        except Exception as error:  # whatever the library raises for a directory that it cannot load
            return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        examples: Any = trainer.eval_dataset
        found = trainer.predict(examples["valid"], metric_key_prefix="valid")
    metrics = {name: float(found.metrics[f"valid_{name}"]) for name in COMPARED if f"valid_{name}" in found.metrics}
    size = len(examples["valid"])
    if "accuracy" not in metrics:  # a loss alone
        return Measured(metrics, size, rounding * max(1.0, metrics["loss"]))
    scores = found.predictions
    rounding *= max(1.0, float(abs(scores).max()))
    scores.sort(axis=1)
    return Measured(metrics, size, rounding, int((scores[:, -1] - scores[:, -2] < rounding).sum()))


def trainer_of_export(trial: Trial, exported: Path, scratch: Path) -> ReportingTrainer:
    """Return the Trainer that evaluated the trial, with the exported model in place of the trained one."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSequenceClassification

    report = ProgressReport(ProgressFile(scratch / "progress.json"))
    if trial.task.is_language_modelling:
        from sweeper.frameworks.language_model.training import trainer_of
        from sweeper.frameworks.pretraining import pretraining

        kind = AutoModelForCausalLM if trial.framework.family is Family.causal_lm else AutoModelForMaskedLM
        # Where it went on from given weights those are not asked for again.
        started = replace(trial, model=replace(trial.model, pretrained=False))
        return trainer_of(pretraining(started), _loaded(exported, kind), scratch, report)
    if trial.task.name == "qa":
        from sweeper.frameworks.fine_tuning import fine_tuner
        from sweeper.frameworks.lora.questions import AnswerLossTrainer, QuestionCollator

        collator = QuestionCollator(inputs.tokenizer(trial).pad)
        return fine_tuner(AnswerLossTrainer, trial, scratch, report, _loaded(exported, AutoModelForCausalLM), collator)
    if trial.reads_prompts:
        from sweeper.frameworks.lora import classification

        return classification.trainer_of(trial, scratch, report, _loaded(exported, AutoModelForCausalLM))
    from sweeper.frameworks.hf import training

    return training.trainer_of(trial, scratch, report, _loaded(exported, AutoModelForSequenceClassification))


def _loaded(exported: Path, kind: Any) -> PreTrainedModel:
    """Load a directory in float32. Raises ValueError where weights are missing, which the library would draw."""
    import torch

    model: PreTrainedModel
    model, told = kind.from_pretrained(exported, dtype=torch.float32, output_loading_info=True)
    if told["missing_keys"]:
        raise ValueError(f"it lacks {', '.join(sorted(told['missing_keys'])[:5])}")
    return model

"""A trial in fairseq's own terms: the arguments that its command line would have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sweeper.checkpoints.fairseq_names import PRE_NORM
from sweeper.trial.settings import Precision, Schedule, TrainSettings
from sweeper.trial.trial import Trial

BOS = 0  # of <s>, in every dictionary of fairseq


def arguments(trial: Trial, steps: int, data: Path, checkpoints: Path, initial: Path | None = None) -> list[str]:
    """Return the arguments of fairseq-train that mean this trial.

    `steps` is the number of updates; `data` holds the binarised texts, `initial` the weights to start from (None:
    fairseq's own random ones), which a checkpoint in `checkpoints` comes before.
    """
    options: dict[str, object] = {
        **_data(trial),
        **_model(trial),
        **_optimisation(trial.train, steps),
        **_schedule(trial.train, steps),
        "seed": trial.seed,
        "distributed-world-size": 1,
        "log-format": "simple",
        "save-dir": checkpoints,
    }
    if initial is not None:
        options["finetune-from-model"] = initial
    named = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [str(data), *named, *_switches(trial)]


def _data(trial: Trial) -> dict[str, object]:
    return {
        "task": "sentence_prediction",
        "criterion": "sentence_prediction",
        "num-classes": len(trial.data.label_names()),
        "init-token": BOS,
        "valid-subset": "valid,test",
        "batch-size": trial.train.batch_size,
        "batch-size-valid": trial.train.eval_batch_size,
        "required-batch-size-multiple": 1,
        "num-workers": 0,
        "data-buffer-size": 0,
    }


def _model(trial: Trial) -> dict[str, object]:
    arch = trial.arch
    return {
        "arch": "roberta",
        "encoder-layers": arch.layers,
        "encoder-embed-dim": arch.width,
        "encoder-ffn-embed-dim": arch.feed_forward,
        "encoder-attention-heads": arch.heads,
        "max-positions": arch.positions,
        "dropout": arch.dropout,
        "attention-dropout": arch.attention_dropout,
        "activation-dropout": 0.0,
        "pooler-dropout": arch.dropout,  # as Transformers' head
    }


def _optimisation(settings: TrainSettings, steps: int) -> dict[str, object]:
    return {
        "optimizer": "adam",
        "adam-betas": settings.betas,
        "adam-eps": settings.eps,
        "weight-decay": settings.weight_decay,
        "clip-norm": settings.gradient_clip,
        "lr": settings.learning_rate,
        "max-epoch": settings.epochs,
        "max-update": steps,
        "update-freq": settings.gradient_accumulation,
    }


def _schedule(settings: TrainSettings, steps: int) -> dict[str, object]:
    """Return the options of a learning rate that at every update is the same number as Transformers'."""
    warmup = int(settings.warmup_ratio * steps)
    if settings.schedule is Schedule.cosine:
        # At least 1: after the last update fairseq divides by it, where all updates warm up.
        return {"lr-scheduler": "cosine", "warmup-updates": warmup, "lr-period-updates": max(steps - warmup, 1)}
    constant = settings.schedule is Schedule.constant  # fairseq's "fixed" warms up one update ahead of Transformers
    return {
        "lr-scheduler": "polynomial_decay",
        "warmup-updates": warmup,
        "total-num-update": steps,
        "power": settings.polynomial_power if settings.schedule is Schedule.polynomial else 1.0,
        "end-learning-rate": settings.learning_rate if constant else 0.0,
    }


def _switches(trial: Trial) -> Iterator[str]:
    yield "--no-epoch-checkpoints"
    if trial.arch.model_type == PRE_NORM:
        yield "--encoder-normalize-before"
    if trial.device == "cpu":
        yield "--cpu"
    if trial.train.precision is not Precision.fp32:
        yield f"--{trial.train.precision}"

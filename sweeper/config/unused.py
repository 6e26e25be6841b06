"""Settings that were typed and have no part in any trial of a command: said, since who types one expects an effect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sweeper.trial.settings import FRAMEWORKS, Family, Schedule
from sweeper.trial.trial import Trial

Reason = Callable[[Trial], str]


def unused_settings(trials: Sequence[Trial], typed: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return a sentence for each typed setting that no trial uses; `typed`: what the command sets for each of them."""
    keys: Collection[str] = dict.fromkeys(key for settings in typed for key in settings)
    sentences = []
    for key in keys:
        reasons = [_reason(trial, key) for trial, settings in zip(trials, typed, strict=True) if key in settings]
        if reasons and all(reasons):
            values = dict.fromkeys(settings[key] for settings in typed if key in settings)
            sentences.append(f"{key}={','.join(values)} changes nothing: {' and '.join(dict.fromkeys(reasons))}")
    return tuple(sentences)


def _reason(trial: Trial, key: str) -> str:
    """Say why a setting has no part in a trial; empty where it has one, or nothing is known of it."""
    return next((said for begins, reason in REASONS.items() if key.startswith(begins) and (said := reason(trial))), "")


def _of_framework(name: str) -> Reason:
    def reason(trial: Trial) -> str:
        used = trial.framework.name == name or trial.framework.name not in FRAMEWORKS
        return "" if used else f"it is of framework={name}, not of framework={trial.framework.name}"

    return reason


def _of_family(family: Family) -> Reason:
    def reason(trial: Trial) -> str:
        trains = trial.framework.family
        return "" if trains is family else f"framework={trial.framework.name} trains {trains}, not {family}"

    return reason


def _recipe(trial: Trial) -> str:
    if trial.task.is_language_modelling:
        return ""
    if not trial.model.pretrained:
        return f"model={trial.model.name} is not pretrained"
    return "" if trial.weights_path is None else "the weights of model.path are made already"


def _polynomial(trial: Trial) -> str:
    schedule = trial.train.schedule
    return "" if schedule is Schedule.polynomial else f"train.schedule={schedule} has no power"


def _counting(trial: Trial) -> str:
    cuts = trial.tokenizer.path is not None and trial.tokenizer.vocabulary_size is not None
    return "" if cuts else "pieces are counted only to cut a given tokenizer to tokenizer.vocabulary_size"


def _head(trial: Trial) -> str:
    return "" if trial.model.pretrained else f"model={trial.model.name} takes no weights along, and so no head"


def _classes(trial: Trial) -> str:
    return "" if trial.task.name == "classification" else f"it is of task=classification, not of task={trial.task.name}"


def _verbalised(trial: Trial) -> str:
    return _classes(trial) or ("" if "verbalisers" in trial.digests else "classes are told by a head here")


# How a setting's name begins -> why a trial does not use it
REASONS: dict[str, Reason] = {
    **{f"framework.{name}.": _of_framework(name) for name in FRAMEWORKS},
    **{f"arch.{family.value}.pretraining.": _recipe for family in Family},
    **{f"arch.{family.value}.": _of_family(family) for family in Family},
    "train.polynomial_power": _polynomial,
    "tokenizer.count_on": _counting,
    "model.head": _head,
    "framework.lora.classify": _classes,
    "framework.lora.length_normalised": _verbalised,
}

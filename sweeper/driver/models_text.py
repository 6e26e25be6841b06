"""What trials take of the model that model.path names, a sentence each, with the setting that changes it."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.checkpoints.parameter_formula import ALL_LINEAR
from sweeper.frameworks.lora.checks import has_head
from sweeper.trial.settings import Family, Head
from sweeper.trial.trial import Trial

FAMILIES = {Family.encoder: "an encoder", Family.causal_lm: "a causal language model"}


def model_lines(trials: Sequence[Trial]) -> list[str]:
    """Return each sentence once, in the order of the trials."""
    lines = [line for trial in trials for line in (*_shape(trial), *_tokenizer(trial), *_layers(trial), *_head(trial))]
    return list(dict.fromkeys(lines))


def _shape(trial: Trial) -> list[str]:
    if trial.weights_path is None or trial.choices["arch"] != "of_model":
        return []
    arch, built = trial.arch, "config" in trial.digests
    how = "built as its config.json says" if built else "its shape is taken for pretrained and random weights"
    kind = f"{FAMILIES[trial.framework.family]}, {arch.model_type}, of {arch.layers} layers and width {arch.width}"
    return [f"model.path={trial.weights_path} is {kind}; {how} (arch=of_model)"]


def _tokenizer(trial: Trial) -> list[str]:
    if "reading" not in trial.digests:
        return []
    return [f"tokenizer {trial.tokenizer.path} is read by Transformers, and what it reads is checked (tokenizer.path)"]


def _layers(trial: Trial) -> list[str]:
    targets = trial.framework.lora.target_modules
    if trial.framework.name != "lora" or not targets or trial.weights_path is None:
        return []
    layers = "all linear layers of the base model" if targets == (ALL_LINEAR,) else ", ".join(targets)
    by = "a head" if has_head(trial) else "its answer in words"
    classifies = f"; it classifies by {by} (framework.lora.classify)" if trial.task.name == "classification" else ""
    return [f"framework=lora adapts {layers} of {trial.arch.model_type} (framework.lora.target_modules){classifies}"]


def _head(trial: Trial) -> list[str]:
    """Of weights that bring a head, or numbers of 16 bits: what version 0.1.0 took otherwise."""
    if not trial.model.pretrained or trial.weights_path is None:
        return []
    mended = trial.digests.get("mended", "").split("+")
    lines = []
    if "head" in mended:
        lines.append(
            f"model.path={trial.weights_path} brings a classification head, which is left out: each seed draws its own"
            " (model.head=keep keeps it)"
        )
    elif trial.model.head is Head.keep:
        lines.append(
            f"model.path={trial.weights_path}: its classification head is kept for all seeds (model.head=draw)"
        )
    if "precision" in mended:
        lines.append(
            f"model.path={trial.weights_path} holds numbers of 16 bits, which are trained as"
            f" {trial.train.precision} (train.precision)"
        )
    return lines

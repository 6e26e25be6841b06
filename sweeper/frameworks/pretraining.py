"""framework=pretraining: a language model trained on unlabelled text, as `python -m sweeper.pretrain` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.checkpoints.checkpoint import CAUSAL_LMS, ENCODERS
from sweeper.errors import WrongInput
from sweeper.frameworks import Framework, Report, check_precision, inputs
from sweeper.trial import Trial
from sweeper.trial.settings import Family

if TYPE_CHECKING:
    from torch import nn

    from sweeper.frameworks.language_model.training import Pretraining


MODEL_TYPES = {Family.encoder: ENCODERS, Family.causal_lm: CAUSAL_LMS}


class LanguageModelling(Framework):
    """The adapter: one trial is one pretraining, its epochs are passes over the corpus."""

    def check(self, trial: Trial) -> None:
        """Raise WrongInput for what cannot be pretrained on the trial's device."""
        if not trial.task.is_language_modelling or not hasattr(trial.data, "held_out_share"):
            raise WrongInput(
                f"framework=pretraining does not do task={trial.task.name} on data={trial.choices['data']}\n"
                "pretrain with: python -m sweeper.pretrain corpus=FILES out=DIR"
            )
        if trial.model.pretrained and trial.weights_path is None:
            raise WrongInput(
                f"model={trial.model.name} names no weights to go on from\nadd model.path=DIR, or model=rd"
            )
        allowed = MODEL_TYPES[trial.framework.family]
        if trial.arch.model_type not in allowed:
            raise WrongInput(
                f"model_type={trial.arch.model_type} of arch={trial.arch.name} cannot be pretrained here\n"
                f"allowed: {', '.join(allowed)}"
            )
        check_precision(trial)

    def build(self, trial: Trial) -> nn.Module:
        """Return the language model before its first update."""
        from transformers import set_seed

        from sweeper.frameworks.language_model.training import start

        set_seed(trial.seed)
        model: nn.Module = start(pretraining(trial))
        return model

    def train(self, trial: Trial, directory: Path, report: Report) -> None:
        """Pretrain; see `Framework.train`."""
        from sweeper.frameworks.language_model.training import pretrain

        pretrain(pretraining(trial), directory, report)


def pretraining(trial: Trial) -> Pretraining:
    """Return what a trial's pretraining is made of."""
    from sweeper.checkpoints.architecture import transformers_config
    from sweeper.frameworks.fine_tuning import total_steps
    from sweeper.frameworks.language_model.training import Numbered, Pretraining, needs_mask
    from sweeper.tokens.packed import PackedSequences, Shuffled, token_counts

    tokenizer, directory, settings = inputs.tokenizer(trial), inputs.packed(trial), trial.train
    options = trial.framework.pretraining
    needs_mask(trial.framework.family, tokenizer)

    def sequences(split: str, length: int) -> PackedSequences:
        return PackedSequences.open(directory, split, length, tokenizer.bos, tokenizer.eos)

    train, short = sequences("train", settings.max_length), sequences("train", options.short_length)
    updates = total_steps(trial, len(train))
    first = int(options.short_share * updates)
    return Pretraining(
        trial.framework.family,
        transformers_config(trial.arch, tokenizer),
        settings,
        options.mask_probability,
        trial.seed,
        tokenizer,
        token_counts=token_counts(directory),
        sequences=Numbered(
            (
                Shuffled(short, first * settings.update_size, trial.data_seed),
                Shuffled(train, (updates - first) * settings.update_size, trial.data_seed),
            )
        ),
        held_out=Numbered((sequences("valid", settings.max_length),)),
        evaluations=min(options.evaluations, updates),
        weights=inputs.weights(trial) if trial.model.pretrained else None,
        device=trial.device,
    )

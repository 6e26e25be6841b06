"""What cannot work although every value is of its type and in its range: refused before anything starts."""

from __future__ import annotations

from pathlib import Path

from sweeper.data.tabular import Tabular
from sweeper.errors import WrongInput
from sweeper.records.files import check_can_be_made
from sweeper.tokens.tokenizer import SHORTEST_PAIR
from sweeper.trial.best_epoch import check_selection
from sweeper.trial.settings import ArchSettings, Family
from sweeper.trial.trial import Trial

LARGEST_RECIPE = 100_000_000  # parameters of the layers' matrices; larger models take days to pretrain
# Task -> the data sets here that are for it.
DATA = {
    "classification": "demo, cls_books, files, hub",
    "language_modelling": "corpus",
    "qa": "qa_demo, qa_files, qa_hub",
}


def check_trial(trial: Trial) -> None:
    """Raise WrongInput for settings that don't fit each other, and names that cannot be part of a file's name."""
    _check_task(trial)
    _check_recipe(trial)
    _check_lengths(trial)
    check_selection(trial.task)
    names = {
        "model.name": trial.model.name,
        "framework.name": trial.framework.name,
        f"arch.{trial.framework.family}.name": trial.arch.name,
        "data": str(trial.choices["data"]),
    }
    for setting, name in names.items():
        check_name(setting, name)


def _check_task(trial: Trial) -> None:
    task, there = trial.task.name, trial.data.task
    if task in DATA and task != there and "qa" in (task, there):
        raise WrongInput(
            f"task={task} does not go with data={trial.choices['data']}, which is for task={there}\n"
            f"allowed: data={DATA[task]}, or task={there}"
        )


def check_arch(arch: ArchSettings, family: Family) -> None:
    """Raise WrongInput for a shape that no model can have."""
    setting = f"arch.{family}"
    if not arch.heads:
        raise WrongInput(f"{setting}.heads=0 is out of range\nallowed: at least 1 of model_type={arch.model_type}")
    if arch.width % arch.heads:
        raise WrongInput(
            f"{setting}: width={arch.width} cannot be shared by heads={arch.heads}\n"
            f"allowed: a {setting}.width that is a multiple of {setting}.heads"
        )
    if arch.model_type == "bloom" and arch.feed_forward != 4 * arch.width:
        raise WrongInput(
            f"{setting}.feed_forward={arch.feed_forward} is not BLOOM's, which is four times the width\n"
            f"allowed: {4 * arch.width}"
        )


def _check_recipe(trial: Trial) -> None:
    arch = trial.arch
    if not trial.model.pretrained or trial.weights_path is not None:
        return
    if isinstance(trial.data, Tabular):
        raise WrongInput(
            f"model={trial.model.name} names no weights, and data={trial.choices['data']} brings none\n"
            "set model.path=DIR or model.path=OWNER/NAME; or make some from text of your own, for model.path=weights:\n"
            "python -m sweeper.pretrain corpus=FILE out=weights; without pretrained weights: model=rd"
        )
    matrices = arch.layers * (4 * arch.width**2 + 2 * arch.width * arch.feed_forward)
    if matrices > LARGEST_RECIPE:
        raise WrongInput(
            f"model={trial.model.name} names no weights for arch={arch.name}, with {matrices:,} parameters in layers\n"
            f"weights are made on the way for at most {LARGEST_RECIPE:,}\n"
            "set model.path=DIR or OWNER/NAME; python -m sweeper.pretrain makes weights of any size"
        )


def _check_lengths(trial: Trial) -> None:
    if trial.train.max_length > trial.arch.positions:
        raise WrongInput(
            f"train.max_length={trial.train.max_length} is more than arch={trial.arch.name} has positions\n"
            f"allowed: at most {trial.arch.positions}"
        )
    # <s> A </s></s> B </s>
    texts = getattr(trial.data, "texts", ())
    if isinstance(texts, tuple) and len(texts) == 2 and trial.train.max_length < SHORTEST_PAIR:
        raise WrongInput(
            f"train.max_length={trial.train.max_length} is too short for pairs\nallowed: {SHORTEST_PAIR} or more"
        )


def check_name(setting: str, name: str) -> None:
    """Raise WrongInput for what cannot be, or be part of, a directory's name."""
    if not name or Path(name).name != name or name.startswith(".") or len(name) > 100:
        raise WrongInput(
            f"{setting}={name} cannot name a directory\nallowed: a plain name that does not start with a dot"
        )


def check_outputs(outputs: Path, study: Path) -> None:
    """Raise WrongInput when a study, or what lies beside it, cannot be written where it is wanted; creates nothing."""
    for directory in (study, outputs):
        check_can_be_made(f"outputs={outputs}", directory, "set outputs=DIR to where you may write, or study=NAME")

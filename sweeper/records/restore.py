"""A trial as its record describes it: what trial.json says, made into the values that it was written from."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from sweeper.errors import WrongInput
from sweeper.records.record import Record
from sweeper.trial.trial import Trial

NOT_RECORDED = ("cache",)  # places, which are no part of what a trial is
BESIDE = ("choices",)  # in trial.json, but not in its configuration


def restored(directory: Path) -> Trial:
    """Return the trial of a directory that lies in a study, which has its cache beside it.

    Paths are those of the time when it ran; what they lead to may have moved since. Raises WrongInput where there is
    no trial, or one that this version cannot read.
    """
    description = Record(directory).description()
    if description is None:
        raise WrongInput(
            f"{directory} is no trial's directory\nneeded: STUDY/TRIAL, as in python -m sweeper.status STUDY"
        )
    try:
        return trial_of(description, directory.absolute().parent.parent / "cache")
    except WrongInput as error:
        raise WrongInput(f"{directory}/trial.json: {error}") from error


def trial_of(description: Mapping[str, Any], cache: Path) -> Trial:
    """Return the trial that `Trial.description` described. Raises WrongInput where this version cannot read it."""
    try:
        values, hints = description["config"], get_type_hints(Trial)
        made = {
            item.name: value_of(hints[item.name], values[item.name])
            for item in fields(Trial)
            if item.name not in (*NOT_RECORDED, *BESIDE, "data")
        }
        return Trial(**made, data=data_of(values["data"]), choices=description["choices"], cache=cache)
    except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise WrongInput(
            f"the description of a trial cannot be read: {error}\n"
            "use the version of sweeper that wrote it, from where its own modules can be imported"
        ) from error


def data_of(values: Mapping[str, Any]) -> Any:
    """Return the data set's settings, of the class that `_target_` names; nothing is read."""
    module, _, name = values["_target_"].rpartition(".")
    kind = getattr(import_module(module), name)
    return value_of(kind, {key: value for key, value in values.items() if key != "_target_"})


def value_of(kind: Any, value: Any) -> Any:
    """Return a plain value as what its type says: settings, one of a few names, or itself.

    Settings that a record does not have, because they are newer, have their defaults.
    """
    if get_origin(kind) in (Union, types.UnionType):
        if value is None:
            return None
        [kind] = [option for option in get_args(kind) if option is not type(None)]
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: value_of(hints.get(name, Any), item) for name, item in value.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return tuple(value) if get_origin(kind) is tuple else value

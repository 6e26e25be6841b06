"""A trial as its record describes it: what trial.json says, made into the values that it was written from."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from sweeper.errors import WrongInput
from sweeper.records.classes import Allowed, check_module, module_specs, recorded_class
from sweeper.records.record import Record
from sweeper.trial.trial import Trial

NOT_RECORDED = ("cache",)  # places, which are no part of what a trial is
BESIDE = ("choices",)  # in trial.json, but not in its configuration


def restored(directory: Path, allowed: Allowed) -> Trial:
    """Return the trial of a directory that lies in a study, which has its cache beside it.

    Paths are those of the time when it ran; what they lead to may have moved since. Raises WrongInput where there is
    no trial, or one that this version cannot read, or that names a class which is not `allowed`.
    """
    description = Record(directory).description()
    if description is None:
        raise WrongInput(
            f"{directory} is no trial's directory\nneeded: STUDY/TRIAL, as in python -m sweeper.status STUDY"
        )
    try:
        return trial_of(description, directory.absolute().parent, allowed)
    except WrongInput as error:
        raise WrongInput(f"{directory}/trial.json: {error}") from error


def trial_of(description: Mapping[str, Any], study: Path, allowed: Allowed) -> Trial:
    """Return the trial of a study that `Trial.description` described.

    Raises WrongInput where this version cannot read it, or where it names a class or a module that is not `allowed`;
    none is imported then that lies with the study.
    """
    try:
        _check_framework(description["config"]["framework"], study, allowed)
        values, hints = description["config"], get_type_hints(Trial)
        made = {
            item.name: value_of(hints[item.name], values[item.name])
            for item in fields(Trial)
            if item.name not in (*NOT_RECORDED, *BESIDE, "data")
        }
        data = _data_of(values["data"], study, allowed)
        return Trial(**made, data=data, choices=description["choices"], cache=study.absolute().parent / "cache")
    except WrongInput:
        raise
    except (ImportError, AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise WrongInput(
            f"the description of a trial cannot be read: {error}\n"
            "use the version of sweeper that wrote it, from where its own modules can be imported"
        ) from error


def _check_framework(values: Mapping[str, Any], study: Path, allowed: Allowed) -> None:
    # What cannot be found from here is refused when it is needed: cancelling a trial, for one, needs none of it.
    target = values["_target_"]
    if module_specs(target.rpartition(".")[0]):
        recorded_class(target, study, "framework._target_", allowed.is_framework)
    for module in filter(module_specs, values.get("preload", ())):
        check_module(module, study, f"framework.preload={module}")


def _data_of(values: Mapping[str, Any], study: Path, allowed: Allowed) -> Any:
    kind = recorded_class(values["_target_"], study, "data._target_", allowed.is_data)
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

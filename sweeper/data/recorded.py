"""A trial's recorded configuration, made whole where it is older than a setting, and what determines the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_type_hints

from sweeper.data import DataSettings
from sweeper.trial.settings import FRAMEWORKS
from sweeper.trial.trial import Trial, with_added


def whole(config: Mapping[str, Any], data: type | None = None) -> dict[str, Any]:
    """Return a configuration with the settings that are younger than it, those of its data set too, at their defaults.

    `data` is the data set's class; without it only the data sets of this package are known, since looking at a record
    must import nothing that it names.
    """
    found = with_added(config)
    kind = data or _own_kind(found)
    return found | ({"data": with_added(found["data"], kind)} if kind else {})


def without_digests(config: Mapping[str, Any], data: type | None = None) -> dict[str, Any]:
    """Return what determines the result of a `whole` configuration but the content of its inputs: no path, no digest.

    As in `Trial.identity` options of frameworks that the trial does not use are left out.
    """
    kept = {name: value for name, value in _of_result(config, Trial).items() if name != "digests"}
    kind = data or _own_kind(config)
    if kind:
        kept["data"] = _of_result(config["data"], kind)
    used = config["framework"].get("name")
    others = {*FRAMEWORKS} - {used} if used in FRAMEWORKS else set()
    kept["framework"] = {name: value for name, value in kept["framework"].items() if name not in others}
    return kept


def _of_result(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    without = {item.name for item in fields(kind) if not item.metadata.get("identity", True)}
    hints = _hints(kind)
    return {
        name: _of_result(value, hints[name]) if isinstance(value, Mapping) and is_dataclass(hints.get(name)) else value
        for name, value in values.items()
        if name not in without
    }


_hints = cache(get_type_hints)


def _own_kind(config: Mapping[str, Any]) -> type | None:
    """Return the class of a data set of this package; None for what is none."""
    module, _, name = str(config["data"].get("_target_")).rpartition(".")
    if not module.startswith("sweeper.data."):
        return None
    try:
        kind = getattr(import_module(module), name, None)
    except ImportError:
        return None
    return kind if isinstance(kind, type) and issubclass(kind, DataSettings) else None

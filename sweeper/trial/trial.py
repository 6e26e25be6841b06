"""A trial: all that determines its result, and its identity. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from sweeper.trial.settings import (
    ArchSettings,
    Family,
    FrameworkSettings,
    ModelSettings,
    TaskSettings,
    TokenizerSettings,
    TrainSettings,
)

IDENTITY_SCHEMA = 1
CLUSTERS = "clusters"  # the digest of what examples belong to, which no model sees: no part of an identity
ID_SHOWN = 8  # hexadecimal digits that a trial's name ends in


@dataclass(frozen=True)
class Trial:
    """One training run: all that determines its result, and where its inputs lie on this machine.

    `data` is a data set's settings (a `sweeper.data.DataSource`). `digests` names the content of the data, the
    tokenizer and the pretrained weights: identity follows content, not paths.
    """

    seed: int
    data_seed: int
    model: ModelSettings
    framework: FrameworkSettings
    arch: ArchSettings
    task: TaskSettings
    data: Any
    tokenizer: TokenizerSettings
    train: TrainSettings
    device: str
    digests: Mapping[str, str]
    choices: Mapping[str, str | int]
    cache: Path

    @property
    def reads_prompts(self) -> bool:
        """Whether the model reads questions in a frame and answers in words; see `sweeper.tokens.prompts`."""
        prompted = self.task.name == "qa" or "verbalisers" in self.digests
        return prompted and self.framework.family is Family.causal_lm and not self.task.is_language_modelling

    @property
    def weights_path(self) -> str | None:
        """Directory or hub name of the pretrained weights, for this trial's architecture family."""
        path = self.model.path
        if isinstance(path, Mapping):
            path = path.get(self.framework.family.value)
        return None if path is None else str(path)

    def identity(self) -> dict[str, Any]:
        """Everything that determines the result, as plain values.

        Options of frameworks that this trial does not use are left out, where the framework's name tells which.
        """
        framework = result_settings(self.framework)
        if self.framework.name in framework:  # else an adapter under a name of the user's own, for which all count
            others = {key for key in framework if is_dataclass(getattr(self.framework, key))} - {self.framework.name}
            framework = {key: value for key, value in framework.items() if key not in others}
        return {
            "schema": IDENTITY_SCHEMA,
            "seed": self.seed,
            "data_seed": self.data_seed,
            "model": result_settings(self.model),
            "framework": framework,
            "arch": result_settings(self.arch),
            "task": result_settings(self.task),
            "data": result_settings(self.data),
            "tokenizer": result_settings(self.tokenizer),
            "train": result_settings(self.train),
            "device": self.device,
            "digests": {name: value for name, value in self.digests.items() if name != CLUSTERS},
        }

    def description(self) -> dict[str, Any]:
        """What trial.json says of the trial: its id, its choices and its whole configuration, paths included."""
        kind = type(self.data)
        config = {
            item.name: plain(getattr(self, item.name)) for item in fields(self) if item.name not in ("choices", "cache")
        }
        config["data"] = {"_target_": f"{kind.__module__}.{kind.__qualname__}", **config["data"]}
        return {"id": self.id, "choices": dict(self.choices), "config": config}

    @property
    def id(self) -> str:
        """Hexadecimal SHA-256 of the identity."""
        return digest(self.identity())

    @property
    def name(self) -> str:
        """Name of the trial's directory."""
        return f"{self.framework.name}-{self.model.name}-{self.choices['data']}-s{self.seed}-{self.id[:ID_SHOWN]}"


def result_settings(settings: Any) -> dict[str, Any]:
    """Return a settings object's fields that determine results, as plain values."""
    return {
        item.name: _result_value(getattr(settings, item.name))
        for item in fields(settings)
        if item.metadata.get("identity", True) and not _added_and_unset(item, settings)
    }


def _result_value(value: Any) -> Any:
    """Return a setting as an identity has it: of settings within, too, only what determines results."""
    return result_settings(value) if is_dataclass(value) and not isinstance(value, type) else plain(value)


def _added_and_unset(item: Field[Any], settings: Any) -> bool:
    """Whether a setting is younger than the identity's schema and has its default, so that older ids stay."""
    unset: bool = _is_added(item) and plain(getattr(settings, item.name)) == _default(item)
    return unset


def _is_added(item: Field[Any]) -> bool:
    since: int = item.metadata.get("since", IDENTITY_SCHEMA)
    return since > IDENTITY_SCHEMA


def _default(item: Field[Any]) -> Any:
    return plain(item.default if item.default_factory is MISSING else item.default_factory())


def with_added(recorded: Mapping[str, Any], kind: type = Trial) -> dict[str, Any]:
    """Return a trial's recorded configuration with the settings that are younger than it, at their defaults."""
    hints = _hints(kind)
    found: dict[str, Any] = {}
    for item in fields(kind):
        value = recorded.get(item.name)
        if isinstance(value, Mapping) and is_dataclass(hints[item.name]):
            found[item.name] = with_added(value, hints[item.name])
        elif item.name in recorded:
            found[item.name] = value
        elif _is_added(item):
            found[item.name] = _default(item)
    return found | {name: value for name, value in recorded.items() if name not in found}


_hints = cache(get_type_hints)


def plain(value: Any) -> Any:
    """Turn settings into what JSON can hold: dicts, lists, strings and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def digest(value: Any) -> str:
    """Hexadecimal SHA-256 of a plain value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

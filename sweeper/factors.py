"""What varies between the trials of a study, besides their seeds; pure functions of their configurations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Value = str | int | float | bool | None

# What a trial is made of; all else in a configuration (study, outputs, tracking, fresh) changes no result.
SECTIONS = ("model", "framework", "data", "arch", "task", "tokenizer", "train", "device", "digests")
ALWAYS = ("model", "framework")
# A path is stood for by its content: the same file at two places makes no difference.
CONTENT = {
    "model.path": "digests.weights",
    "data.path": "digests.data",
    "data.name": "digests.data",
    "data.files": "digests.data",
    "tokenizer.path": "digests.tokenizer",
    "tokenizer.count_on": "digests.tokenizer",
}
# Not that of the alphabet: what the others are compared with comes first.
ORDER = {"framework": ("hf", "fairseq", "lora")}
DIGEST_SHOWN = 12  # hexadecimal digits of a digest


def factor_values(
    settings: Sequence[dict[str, Value]],
) -> tuple[tuple[str, ...], list[tuple[Value, ...]]]:
    """Return the names of what varies between trials, and each trial's values of it."""
    settings = same_paths(settings)
    factors = varied(settings)
    return factors, [tuple(values.get(factor) for factor in factors) for values in settings]


def trial_settings(choices: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Value]:
    """Return what a sweep could have varied but the seeds, by its name on the command line.

    Choices of groups (`data`) come first, then settings (`train.learning_rate`), digests of content last.
    """
    chosen = {section: choices[section] for section in SECTIONS if section in choices}
    return chosen | dict(leaves({section: config[section] for section in SECTIONS if section in config}))


def leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield a nested configuration's single settings by dotted name; a list is one setting, as JSON."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            text = json.dumps(value) if isinstance(value, list) else value
            yield f"{prefix}{key}", text[:DIGEST_SHOWN] if prefix == "digests." else text


def same_paths(settings: Sequence[dict[str, Value]]) -> list[dict[str, Value]]:
    """Give paths to the same content one name, the first that occurs, be it none at all."""
    first: dict[tuple[str, Value], Value] = {}
    return [
        values
        | {
            name: first.setdefault((name, values.get(content)), value)
            for path, content in CONTENT.items()
            for name, value in values.items()
            if name == path or name.startswith(f"{path}.")
        }
        for values in settings
    ]


def varied(settings: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    """Return model, framework, and every setting that differs between trials alike in all earlier factors.

    So a setting that only follows another (`model.pretrained` follows `model`) is no factor of its own.
    """
    factors = list(ALWAYS)
    names = dict.fromkeys(name for values in settings for name in values)
    for name in names:
        found: dict[tuple[Value, ...], Value] = {}
        for values in settings:
            key = tuple(values.get(factor) for factor in factors)
            if found.setdefault(key, values.get(name)) != values.get(name):
                factors.append(name)
                break
    return tuple(factors)


def rank(factor: str, value: Value) -> tuple[int, float, str]:
    """Sorting key of a factor's value: numbers by size, then known text in its order, other text, what is not set."""
    if value is None:
        return 2, 0.0, ""
    if not isinstance(value, str):
        return 0, float(value), ""
    known = ORDER.get(factor, ())
    return 1, float(known.index(value) if value in known else len(known)), value

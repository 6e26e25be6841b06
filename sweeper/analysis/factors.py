"""Factors: what varies between trials besides their seeds, found in their configurations."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweeper.analysis.contents import MODEL, same_paths
from sweeper.analysis.contents import Value as Value
from sweeper.errors import WrongInput
from sweeper.trial.mends import MENDED
from sweeper.trial.settings import FRAMEWORKS
from sweeper.trial.trial import CLUSTERS

# What a trial is made of; all else in a configuration (study, outputs, tracking, fresh) changes no result.
SECTIONS = ("model", "framework", "data", "arch", "task", "tokenizer", "train", "device", "digests")
ALWAYS = ("model", "framework")
ORDER = {"framework": FRAMEWORKS}
NO_FACTORS = ("data.cluster", f"digests.{CLUSTERS}")  # they change no training: trials with and without are one group
SEEDS = ("seed", "data_seed")
STUDY = "study"
DIGEST_SHOWN = 12  # hexadecimal digits of a digest


def factor_values(
    settings: Sequence[dict[str, Value]], by: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[tuple[Value, ...]]]:
    """Return what varies or `by` names, and each trial's values of it; raises WrongInput for what is no setting."""
    settings = same_paths(settings)
    factors = tuple(dict.fromkeys(named(factor, settings, "by") for factor in by)) or varied(settings)
    return factors, [tuple(values.get(factor) for factor in factors) for values in settings]


def named(factor: str, settings: Sequence[Mapping[str, Value]], asked: str) -> str:
    """Return a setting's whole name from it or from its last part; raises WrongInput listing the factors there are.

    `asked` is the setting that names it, as `by`.
    """
    if factor in SEEDS:
        raise WrongInput(f"{asked}={factor}: groups are made over seeds\nallowed: other settings")
    known = dict.fromkeys(name for values in settings for name in values)
    found = [factor] if factor in known else [name for name in known if name.rpartition(".")[2] == factor]
    if len(found) > 1:
        found = [name for name in found if len({values.get(name) for values in settings}) > 1] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongInput(f"{asked}={factor} could be several settings\nallowed: {', '.join(found)}")
    differing = [name for name in known if len({values.get(name) for values in settings}) > 1]
    listed = dict.fromkeys([*(name for name in ALWAYS if name in known), *differing])
    near = difflib.get_close_matches(factor, known, n=1)
    raise WrongInput(
        f"{asked}={factor}: no such factor{f'; did you mean {near[0]}?' if near else ''}\n"
        f"those that differ here: {', '.join(listed)}\n"
        "any other setting of sweeper.run can be named, too"
    )


def trial_settings(choices: Mapping[str, Any], config: Mapping[str, Any], study: str = "") -> dict[str, Value]:
    """Return what a sweep could have varied but the seeds, by its name on the command line.

    Choices of groups (`data`) come first, then settings (`train.learning_rate`), digests of content, and last the
    study, where there are several: it is a factor of its own only between trials that are otherwise alike.
    """
    chosen = {section: choices[section] for section in SECTIONS if section in choices}
    settings = chosen | dict(_leaves({section: config[section] for section in SECTIONS if section in config}))
    return settings | ({STUDY: study} if study else {})


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield a nested configuration's single settings by dotted name; a list is one setting, as JSON."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            text = json.dumps(value) if isinstance(value, list) else value
            if f"{prefix}{key}" in NO_FACTORS:
                continue
            yield f"{prefix}{key}", text[:DIGEST_SHOWN] if prefix == "digests." and key != MENDED else text


def varied(settings: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    """Return model, framework and what differs without following an earlier factor, as `model.pretrained` does.

    The model's path comes before all that follows from it: its shape, its tokenizer, the weights' digest.
    """
    factors = list(ALWAYS)
    names = dict.fromkeys(name for values in settings for name in values)
    for name in sorted(names, key=lambda name: not (name == MODEL or name.startswith(f"{MODEL}."))):
        if len({values.get(name) for values in settings}) == 1:
            continue
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

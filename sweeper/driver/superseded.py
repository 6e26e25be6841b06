"""Why trials are trained although the study has results of the same settings: what their results depend on changed.

Of code of the user's own that changed `other_code` tells.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from sweeper.data.recorded import whole, without_digests
from sweeper.errors import WrongInput
from sweeper.records.record import Record
from sweeper.trial.mends import MENDS, changed_inputs, newly_mended
from sweeper.trial.outcome import Status
from sweeper.trial.trial import ID_SHOWN, Trial

# A digest that differs -> how it is said.
CHANGED = {
    "data": "the data has changed since",
    "tokenizer": "the tokenizer has changed since",
    "weights": "the weights have changed since",
    "config": "config.json of model.path has changed since",
    "verbalisers": "the words that answer for the classes have changed since",
}
# An input -> the sections of a configuration that say where it comes from: other ones ask for another input.
ASKED_BY = {
    "data": ("data",),
    "tokenizer": ("tokenizer", "model"),
    "weights": ("model", "arch"),
    "config": ("model",),
}

Config = Mapping[str, Any]


def print_reasons(study: Path, trials: Sequence[Trial], to_run: Sequence[Trial], console: Console) -> None:
    """Print for which trials to run the study has a result of the same settings, and why that does not answer."""
    for reason, number in _reasons(study, trials, to_run).items():
        trained, kept = ("trial is", "result stays") if number == 1 else ("trials are", "results stay")
        line = f"{number} {trained} trained anew: {reason} (the older {kept} in the study)"
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _reasons(study: Path, trials: Sequence[Trial], to_run: Sequence[Trial]) -> dict[str, int]:
    """Return why older results do not answer, with the number of trials that it is said of."""
    wanted: dict[str, list[tuple[str, Config]]] = defaultdict(list)  # several read other inputs by the same settings
    kinds = {}
    for trial in to_run:
        config = trial.description()["config"]
        kinds[config["data"]["_target_"]] = type(trial.data)
        wanted[_key(config, kinds)].append((trial.name, config))
    latest: dict[str, tuple[float, str]] = {}
    for description in _older(study, {trial.name for trial in trials}, {_beginning(trial.name) for trial in to_run}):
        with suppress(KeyError, TypeError, AttributeError):  # no record of a trial; those who count it say so
            config = whole(description["config"], kinds.get(description["config"]["data"]["_target_"]))
            for name, now in wanted.get(_key(config, kinds), ()):
                if reason := _reason(config, now):
                    found = (float(description["created"]), reason)
                    latest[name] = max(found, latest.get(name, found))
    return dict(Counter(reason for _, reason in latest.values()))


def _beginning(name: str) -> str:
    """Return what a trial's name has in common with those of the same framework, model, data and seed."""
    return name[:-ID_SHOWN]


def _key(config: Config, kinds: Mapping[str, type]) -> str:
    return json.dumps(without_digests(config, kinds.get(config["data"]["_target_"])), sort_keys=True)


def _older(study: Path, own: set[str], beginnings: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of done records that are none of `own` but whose names begin like one."""
    if not (beginnings and study.is_dir()):
        return
    for path in sorted(study.iterdir()):
        if path.name in own or _beginning(path.name) not in beginnings:
            continue
        record = Record(path)
        with suppress(WrongInput, OSError, KeyError, ValueError, TypeError):
            outcome = record.outcome()
            if outcome is not None and outcome.status is Status.DONE and (description := record.description()):
                yield description


def _reason(before: Config, now: Config) -> str:
    """Return why an older result of the same settings is not taken; empty where other inputs were asked for."""
    differing = changed_inputs(before, now)
    if any(before[section] != now[section] for name in differing for section in ASKED_BY[name]):
        return ""
    changed = _causes(differing, now)
    old, new = before["digests"], now["digests"]
    said = [MENDS[name] for name in newly_mended(before, now)] + [CHANGED[name] for name in changed]
    if not said and before["data"] == now["data"] and old.get("verbalisers") != new.get("verbalisers"):
        said.append(CHANGED["verbalisers"])
    return "; ".join(said)


def _causes(changed: Sequence[str], now: Config) -> list[str]:
    """Return the inputs that changed, without those that are made of one that did."""
    following = {
        "tokenizer": ("data",) if now["tokenizer"]["path"] is None else (),
        "weights": ("data", "tokenizer") if now["model"]["path"] is None else (),
        "config": ("weights",),
    }
    return [name for name in changed if not {*following.get(name, ())} & {*changed}]

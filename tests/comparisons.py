"""Records of a grid as researchers run it, none of them trained: models, pretrained and random, data, rates, seeds.

    python -m sweeper.run -m model=pt,rd model.path=zoo/bert,zoo/camembert,zoo/distil arch=of_model data=files \
        data.path=data/books.csv,data/toys.csv train.learning_rate=1e-5,1e-4 seed=1,2,3

What each trial reached is a sum of what stands here, so that every mean is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sweeper.data.files import Files
from sweeper.trial.trial import Trial
from tests.records import trial, write, write_plan


@dataclass(frozen=True)
class Model:
    """A checkpoint: its shape, and what its own and a random model of its shape reach on validation and test."""

    model_type: str
    layers: int
    width: int
    pretrained: float
    random: float


MODELS = {
    "zoo/bert": Model("bert", 2, 64, 0.80, 0.60),
    "zoo/camembert": Model("camembert", 4, 64, 0.90, 0.61),
    "zoo/distil": Model("distilbert", 1, 32, 0.78, 0.62),
}
DATA = {"data/books.csv": 0.0, "data/toys.csv": -0.05}
RATES = (1e-5, 1e-4)
SEEDS = (1, 2, 3)
SPREAD = {1: -0.01, 2: 0.0, 3: 0.01}
# What the larger rate does on validation, and on test, whose gain is the contrary: it must have no part in the choice.
LARGER_RATE = {"pt": (-0.02, 0.03), "rd": (0.02, -0.03)}
# The rates tie on validation here; the smaller is to be taken.
TIED = ("rd", "zoo/distil", "data/toys.csv")
SIZES = {"train": (70, 70), "valid": (10, 10), "test": (100, 100)}


def digest(text: str) -> str:
    """Stand for content by its name."""
    return hashlib.sha256(text.encode()).hexdigest()


def grid_trial(name: str, path: str, data: str, rate: float, seed: int) -> Trial:
    """One trial of the grid, as `sweeper.config` makes it."""
    model = MODELS[path]
    digests = {"data": digest(data), "tokenizer": digest(f"tokenizer{path}"), "config": digest(f"config{path}")}
    made = trial(
        name,
        seed=seed,
        arch={
            "name": "of_model",
            "model_type": model.model_type,
            "layers": model.layers,
            "width": model.width,
            "heads": 2,
            "feed_forward": 2 * model.width,
            "vocabulary_size": 1000 + model.layers,
        },
        tokenizer={"path": path},
        train={"learning_rate": rate},
        digests=digests | ({"weights": digest(f"weights{path}")} if name == "pt" else {}),
    )
    chosen = {"model": name, "framework": "hf", "arch": "of_model", "task": "classification", "data": "files"}
    choices: Mapping[str, str | int] = chosen | {"seed": seed, "data_seed": seed}
    return replace(made, model=replace(made.model, path=path), data=Files(path=data), choices=choices)


def reached(name: str, path: str, data: str, rate: float, seed: int) -> tuple[float, float]:
    """Accuracy on validation and on test."""
    base = (MODELS[path].pretrained if name == "pt" else MODELS[path].random) + DATA[data] + SPREAD[seed]
    valid, test = LARGER_RATE[name] if rate == max(RATES) else (0.0, 0.0)
    return base + (0.0 if (name, path, data) == TIED else valid), base + test


def grid(
    names: Sequence[str] = ("pt", "rd"),
    paths: Sequence[str] = tuple(MODELS),
    data: Sequence[str] = tuple(DATA),
    rates: Sequence[float] = RATES,
    seeds: Sequence[int] = SEEDS,
) -> Iterator[tuple[str, str, str, float, int]]:
    """Yield the combinations of a part of the grid, by default all 72."""
    yield from (
        (name, path, source, rate, seed)
        for name in names
        for path in paths
        for source in data
        for rate in rates
        for seed in seeds
    )


def write_grid(study: Path, combinations: Sequence[tuple[str, str, str, float, int]] | None = None) -> list[Trial]:
    """Write a finished study of these combinations, by default of all; return its trials."""
    trials = []
    for combination in combinations if combinations is not None else list(grid()):
        described, (valid, test) = grid_trial(*combination), reached(*combination)
        # The second epoch is the best.
        write(study, described, [valid - 0.1, valid, valid - 0.05], [test - 0.1, test, test - 0.05], facts=facts())
        trials.append(described)
    write_plan(study, trials)
    return trials


def facts() -> Mapping[str, object]:
    """What is known of each data set."""
    data = {"label_names": ["bad", "good"], "class_counts": SIZES, "leaked": {}, "notes": []}
    splits = {
        split: {"examples": sum(sizes), "truncated": 0, "tokens": 10 * sum(sizes), "unknown_share": 0.0}
        for split, sizes in SIZES.items()
    }
    return {"data": data, "splits": splits}

"""What paths lead to: the same content has one name, and a model's pretrained and random trials are of one model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import cache

Value = str | int | float | bool | None
MODEL = "model.path"
WEIGHTS = "digests.weights"
# A path is stood for by its content: the same file in two directories makes no difference.
CONTENT = {
    MODEL: WEIGHTS,
    "data.path": "digests.data",
    "data.name": "digests.data",
    "data.files": "digests.data",
    "tokenizer.path": "digests.tokenizer",
    "tokenizer.count_on": "digests.tokenizer",
}
# What tells random models apart, which have no weights to be known by.
OF_SHAPE = ("framework.family", "digests.tokenizer", "digests.config")
NOT_OF_SHAPE = ("arch.name", "arch.pretraining.")


@cache
def content_of(name: str) -> str | None:
    """Return the setting that holds the digest of what a path leads to; None for what is no path."""
    found = (content for path, content in CONTENT.items() if name == path or name.startswith(f"{path}."))
    return next(found, None)


def same_paths(settings: Sequence[dict[str, Value]]) -> list[dict[str, Value]]:
    """Give paths to the same content one name, the first that occurs, be it none at all."""
    first: dict[tuple[str, Hashable], Value] = {}
    models = _models(settings)
    return [
        values
        | {
            name: first.setdefault((name, model if content == WEIGHTS else values.get(content)), values[name])
            for name in values
            if (content := content_of(name))
        }
        for values, model in zip(settings, models, strict=True)
    ]


def _models(settings: Sequence[Mapping[str, Value]]) -> list[Hashable]:
    """Return what each trial's model is known by: the weights; of a random model those of its path, or of its shape."""
    shapes = [_shape(values) for values in settings]
    at_path: dict[Hashable, Value] = {}
    of_shape: dict[Hashable, set[Value]] = defaultdict(set)
    for values, shape in zip(settings, shapes, strict=True):
        if weights := values.get(WEIGHTS):
            at_path.setdefault((_paths(values), shape), weights)
            of_shape[shape].add(weights)

    def model(values: Mapping[str, Value], shape: Hashable) -> Hashable:
        if weights := values.get(WEIGHTS) or at_path.get((_paths(values), shape)):
            return weights
        return next(iter(of_shape[shape])) if len(of_shape[shape]) == 1 else shape

    return [model(values, shape) for values, shape in zip(settings, shapes, strict=True)]


def _paths(values: Mapping[str, Value]) -> Hashable:
    return tuple((name, values[name]) for name in values if content_of(name) == WEIGHTS)


def _shape(values: Mapping[str, Value]) -> Hashable:
    """Return what a random model is made of, besides its seed."""
    arch = [name for name in values if name.startswith("arch.") and not name.startswith(NOT_OF_SHAPE)]
    return tuple((name, values.get(name)) for name in (*arch, *OF_SHAPE))


def twin_paths(settings: Sequence[Mapping[str, Value]]) -> list[tuple[Value, ...]]:
    """Return of each random model the paths of other pretrained ones of its shape, for which it stands as well.

    Two checkpoints of one shape and tokenizer have the same random model, which is trained once.
    """
    of_shape: dict[Hashable, dict[Value, None]] = defaultdict(dict)
    for values in settings:
        if values.get(WEIGHTS):
            of_shape[_shape(values)][values.get(MODEL)] = None
    return [
        () if values.get(WEIGHTS) else tuple(path for path in of_shape[_shape(values)] if path != values.get(MODEL))
        for values in settings
    ]

"""Counting a built model's parameters by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from sweeper.checkpoints.parameter_formula import Counts, Part
from sweeper.checkpoints.parameter_names import part_of
from sweeper.outcome import ParameterCounts

if TYPE_CHECKING:
    from torch import nn


def count(model: nn.Module, unused: Collection[str] = ()) -> Counts:
    """Count a model's parameters by part, each once; without those of the `unused` names."""
    parts: dict[Part, int] = defaultdict(int)
    frozen: dict[Part, int] = defaultdict(int)
    unknown: dict[str, int] = {}
    unknown_frozen = 0
    names: dict[nn.Parameter, list[str]] = defaultdict(list)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if name not in unused:
            names[parameter].append(name)
    for parameter, own in names.items():
        # What words are embedded and predicted by alike is the embedding, whichever the library names first.
        part = next((part for part in Part if part in map(part_of, own)), None)
        size = size_of(parameter)
        if part is None:
            unknown[own[0]] = size
            unknown_frozen += 0 if parameter.requires_grad else size
            continue
        parts[part] += size
        if not parameter.requires_grad:
            frozen[part] += size
    return Counts(parts, frozen, unknown, unknown_frozen)


def size_of(parameter: nn.Parameter) -> int:
    """Number of weights; bitsandbytes packs two of 4 bits in a byte and keeps their shape beside them."""
    state = getattr(parameter, "quant_state", None)
    return int(state.shape.numel()) if state is not None else int(parameter.numel())


def recorded(counts: Counts) -> ParameterCounts:
    """Return counts as an outcome holds them."""
    parts = {part.value: counts.parts[part] for part in Part if part in counts.parts}
    return ParameterCounts(counts.total, counts.total - counts.total_frozen, parts)

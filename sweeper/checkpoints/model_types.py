"""What Transformers and PEFT say of each model type that classifies or is a causal language model.

In a table, since asking them imports torch; a test keeps it equal to theirs. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_suffix(".json")


class Role(StrEnum):
    """What a model type can be used for, or is."""

    classifies = "classifies"  # AutoModelForSequenceClassification loads it
    causal = "causal"  # AutoModelForCausalLM loads it
    masked = "masked"  # AutoModelForMaskedLM loads it
    encoder_decoder = "encoder_decoder"
    bidirectional = "bidirectional"  # it sees the whole text, although it has a class for causal language modelling


@dataclass(frozen=True)
class ModelType:
    """A model type: `shape` tells for each setting its name in config.json and the default of its class.

    `within`: the section of config.json that they stand in; `adapted`: the layers that LoRA adapts by PEFT's default.
    """

    roles: frozenset[Role] = frozenset()
    shape: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    within: str | None = None
    adapted: Sequence[str] | None = None


@cache
def model_types() -> Mapping[str, ModelType]:
    """Return the table."""
    table = json.loads(TABLE.read_bytes())
    return {name: _model_type(**row) for name, row in table.items()}


def _model_type(
    roles: Sequence[str],
    shape: Mapping[str, Sequence[str | int]] | None = None,
    within: str | None = None,
    adapted: Sequence[str] | None = None,
) -> ModelType:
    stated = {setting: (str(name), int(default)) for setting, (name, default) in (shape or {}).items()}
    return ModelType(frozenset(map(Role, roles)), stated, within, adapted)


def known_type(name: str) -> ModelType:
    """Return what is known of a model type; of one that is not in the table, nothing."""
    return model_types().get(name, ModelType())

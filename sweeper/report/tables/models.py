"""Tables of what was trained: parameters by part, as counted in the trained models, and LoRA's configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.checkpoints.parameter_formula import BIASES_AND_NORMS, PUBLISHED, Part
from sweeper.report.text import TextTable, count_text, group_label, printable, value_text
from sweeper.trial.outcome import ParameterCounts
from sweeper.trial.settings import LoraSettings

MODELS_BESIDE = 6  # more of them make no table whose columns are models
PUBLISHED_TOTAL, FULL_TOTAL = "published convention", "with biases and norms"
TOTALS = {PUBLISHED_TOTAL: PUBLISHED, FULL_TOTAL: (*PUBLISHED, *BIASES_AND_NORMS)}


def parameter_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield the numbers of parameters by part, a column for groups of the same model, where there are few models."""
    models: dict[str, list[GroupRow]] = {}
    counts: dict[str, ParameterCounts] = {}
    for group in comparison.groups:
        alike = {repr(row.parameters): row.parameters for row in group.members if row.parameters}
        if len(alike) == 1:  # else its trials are of several models
            ((key, known),) = alike.items()
            models.setdefault(key, []).append(group)
            counts[key] = known
    if not 0 < len(models) <= MODELS_BESIDE:
        return
    found = list(counts.values())
    parts = [part for part in Part if any(part in known.parts for known in found)]
    totals = {
        name: [sum(known.parts.get(part, 0) for part in summed) or None for known in found]
        for name, summed in TOTALS.items()
    }
    whole = {
        "as trained": [known.total for known in found],
        "  trainable": [known.trainable for known in found],
        "  frozen": [known.total - known.trainable for known in found],
    }
    yield TextTable(
        title="Parameters, counted in the trained models",
        heads=("part", *(models_label(comparison, groups) for groups in models.values())),
        numeric=1,
        blocks=(
            tuple((part.value, *(count_text(known.parts.get(part, 0)) for known in found)) for part in parts),
            tuple((name, *map(count_text, numbers)) for name, numbers in (totals | whole).items()),
        ),
    )


def models_label(comparison: Comparison, groups: list[GroupRow]) -> str:
    """What groups of the same model have in common, or all of them."""
    columns = zip(*(group.factors for group in groups), strict=True)
    common = [str(value_text(next(iter(values)))) for values in map(set, columns) if len(values) == 1]
    return " ".join(common) or ", ".join(group_label(comparison, group.factors) for group in groups)


def lora_tables(comparison: Comparison) -> Iterator[TextTable]:
    """Yield LoRA's configuration with what each setting means, if LoRA took part; several values where it varies."""
    used: list[Mapping[str, Any]] = [
        config["framework"]["lora"]
        for group in comparison.groups
        for config in group.configs
        if config["framework"]["name"] == "lora"
    ]
    if not used:
        return
    meanings = {item.name: item.metadata["help"] for item in fields(LoraSettings)}
    values = {name: dict.fromkeys(setting_text(own.get(name)) for own in used) for name in meanings}
    yield TextTable(
        title="LoRA: framework.lora",
        heads=("setting", "value", "meaning"),
        numeric=3,
        blocks=(tuple((name, " / ".join(values[name]), meaning) for name, meaning in meanings.items()),),
    )


def setting_text(value: Any) -> str:
    """A setting as it is written on the command line."""
    if isinstance(value, list):
        return f"[{','.join(map(printable, map(str, value)))}]"
    return "null" if value is None else value_text(value)

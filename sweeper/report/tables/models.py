"""What was trained: parameters by part, counted and by their formulas, and LoRA's configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.checkpoints.parameter_formula import BIASES_AND_NORMS, PUBLISHED, Counts, Part, Shape, in_words
from sweeper.report.text import Cells, TextTable, count_text, group_label, printable, value_text
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
    labels = [_models_label(comparison, groups) for groups in models.values()]
    yield parameter_table("Parameters, counted in the trained models", labels, list(counts.values()))


def parameter_table(
    title: str, names: Sequence[str], models: Sequence[ParameterCounts], formulas: Mapping[str, str] | None = None
) -> TextTable:
    """A row a part, then totals, a column a model; with the `formulas` of parts also these and the share trained."""
    present = {name for known in models for name in known.parts} if formulas is None else formulas
    parts = [part for part in Part if part in present]

    def row(name: str, numbers: Iterable[int | None]) -> Cells:
        return name, *(() if formulas is None else (formulas.get(name, ""),)), *map(count_text, numbers)

    totals = [
        row(name, (sum(known.parts.get(part, 0) for part in summed) or None for known in models))
        for name, summed in TOTALS.items()
        if parts or formulas is None  # no formula at all: the model's parts are not known
    ]
    whole = [
        row("as trained", (known.total for known in models)),
        row("  trainable", (known.trainable for known in models)),
        row("  frozen", (known.total - known.trainable for known in models)),
    ]
    if formulas is not None:
        whole.append(("  share trained", "", *(f"{known.trainable / known.total:.2%}" for known in models)))
    return TextTable(
        title=title,
        heads=("part", *(() if formulas is None else ("formula",)), *names),
        numeric=1 if formulas is None else 2,
        blocks=(
            tuple(row(part.value, (known.parts.get(part, 0) for known in models)) for part in parts),
            (*totals, *whole),
        ),
    )


def _models_label(comparison: Comparison, groups: list[GroupRow]) -> str:
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
    yield TextTable("LoRA: framework.lora", ("setting", "value", "meaning"), 3, (tuple(lora_rows(used)),))


def lora_rows(used: Sequence[Mapping[str, Any]]) -> Iterator[Cells]:
    """Yield each setting of LoRA, its values, and what it means."""
    for item in fields(LoraSettings):
        values = dict.fromkeys(_setting_text(own.get(item.name)) for own in used)
        yield item.name, " / ".join(values), item.metadata["help"]


def _setting_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(printable, map(str, value)))}]"
    return "null" if value is None else value_text(value)


def formulas_of(shape: Shape, models: Collection[Counts]) -> dict[str, str]:
    """Return the formula with its numbers of each part that one of the models has or must have."""
    present = {part for counts in models for part in counts.present()}
    return {
        part: shape.filled(own) for part in Part if part in present and shape.is_known and (own := shape.formula(part))
    }


def formula_lines(shape: Shape, models: Mapping[str, Counts]) -> Iterator[str]:
    """Yield each total's formula, in words and with its numbers."""
    own, more = shape.formula(*PUBLISHED), shape.formula(*BIASES_AND_NORMS)
    published = shape.value(own)
    yield f"{PUBLISHED_TOTAL}: word and position embeddings, attention and feed-forward weights; nothing else"
    yield f"  {in_words(own)}"
    yield f"  = {shape.filled(own)} = {published:,}"
    if shape.formula(Part.POSITIONS):
        yield (
            f"  with all {shape.positions + shape.offset} rows of positions: {shape.positions} positions, and the"
            f" {shape.offset} rows before the first, since RoBERTa counts positions from the id after <pad>;"
            f" without them it would be {published - shape.offset * shape.width:,}"
        )
    yield f"{FULL_TOTAL}: the same, and all biases and norms but a head's"
    yield f"  {PUBLISHED_TOTAL} + {in_words(more)}"
    yield f"  = {published:,} + {shape.filled(more)} = {published + shape.value(more):,}"
    for name, counts in models.items():
        yield f"as trained, {printable(name)}: {_trained_text(shape, counts)}"
        if counts.frozen:
            yield f"  frozen: {', '.join(counts.frozen)}"


def _trained_text(shape: Shape, counts: Counts) -> str:
    parts = TOTALS[FULL_TOTAL]
    more = [part for part in counts.present() if part not in parts and shape.formula(part)]
    numbers = [shape.value(shape.formula(*parts)), *(shape.value(shape.formula(part)) for part in more)]
    terms = [" + ".join(f"{number:,}" for number in numbers)] if more else []
    return " = ".join([" + ".join((FULL_TOTAL, *more)), *terms, f"{sum(numbers):,}"])


def mismatch_lines(shape: Shape, models: Mapping[str, Counts]) -> Iterator[str]:
    """Yield what is in a model otherwise than by the formulas."""
    for name, counts in models.items():
        for said in counts.mismatches(shape):
            yield f"MISMATCH, {printable(name)}: {said}"

"""Models' numbers of parameters as a table, and the lines that hold its totals against the closed formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sweeper.checkpoints.parameter_formula import BIASES_AND_NORMS, PUBLISHED, Counts, Part, Shape, in_words
from sweeper.report.cells import Cells, TextTable
from sweeper.report.text import printable, value_text
from sweeper.settings import LoraSettings
from sweeper.trial import plain

PUBLISHED_TOTAL, FULL_TOTAL = "published convention", "with biases and norms"
TOTALS = {PUBLISHED_TOTAL: PUBLISHED, FULL_TOTAL: (*PUBLISHED, *BIASES_AND_NORMS)}


def parameter_table(title: str, shape: Shape, models: Mapping[str, Counts]) -> TextTable:
    """Return a row a part with its formula, then the totals; a column for each model, all of one shape."""
    present = {part for counts in models.values() for part in counts.present()}
    parts = [part for part in Part if shape.is_known and part in present and shape.formula(part)]
    found = models.values()
    return TextTable(
        title=title,
        heads=("part", "formula", *map(printable, models)),
        numeric=2,
        blocks=(
            tuple(
                row(part, shape.filled(shape.formula(part)), (counts.of((part,)) for counts in found)) for part in parts
            ),
            (
                *(
                    row(name, "", (counts.of(summed) for counts in found))
                    for name, summed in TOTALS.items()
                    if shape.is_known
                ),
                row("as trained", "", (counts.total for counts in found)),
                row("  trainable", "", (counts.total - counts.total_frozen for counts in found)),
                row("  frozen", "", (counts.total_frozen for counts in found)),
                ("  share trained", "", *(f"{1 - counts.total_frozen / counts.total:.2%}" for counts in found)),
            ),
        ),
    )


def lora_lines(settings: LoraSettings, stated_in: Path) -> Iterator[str]:
    """Yield LoRA's configuration, a line a setting, with the meanings that a YAML file's comments give."""
    known = meanings(stated_in, "lora")
    for name, value in plain(settings).items():
        shown = f"[{','.join(value)}]" if isinstance(value, list) else "null" if value is None else value_text(value)
        yield f"{name}={printable(shown)}: {known.get(name, '')}"


def meanings(file: Path, section: str) -> dict[str, str]:
    """Return the comment beside each setting of a YAML file's section, its lines joined."""
    found: dict[str, str] = {}
    _, _, lines = file.read_text(encoding="utf-8").partition(f"\n{section}:\n")
    for line in lines.splitlines():
        setting, _, comment = line.partition("#")
        if name := setting.partition(":")[0].strip():
            found[name] = comment.strip()
        elif found:
            found[[*found][-1]] += f" {comment.strip()}"
    return found


def row(name: str, formula: str, numbers: Iterable[int]) -> Cells:
    """Return a row's cells."""
    return name, formula, *(f"{number:,}" for number in numbers)


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
        yield f"as trained, {printable(name)}: {trained_text(shape, counts)}"
        if counts.frozen:
            yield f"  frozen: {', '.join(counts.frozen)}"


def trained_text(shape: Shape, counts: Counts) -> str:
    """Return the sum that makes the whole model."""
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

"""The command that counts a model's parameters: python -m sweeper.parameters [-m] [KEY=VALUE …]

It takes the settings of `sweeper.run` and builds the model as its framework would train it, if possible on torch's meta
device, where nothing as large as the model is allocated. Exit code 1: a count is not what the closed formulas give.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

from sweeper.checkpoints.parameter_count import count, part_of
from sweeper.checkpoints.parameter_formula import BIASES_AND_NORMS, PUBLISHED, Counts, Part, Shape, in_words
from sweeper.config.command import main, planned
from sweeper.errors import DONE, NOT_ALL_DONE, WrongInput, run_and_exit
from sweeper.frameworks import inputs, load_framework
from sweeper.report.tables.models import FULL_TOTAL, PUBLISHED_TOTAL, TOTALS, setting_text
from sweeper.report.text import Cells, TextTable, printable, trial_labels
from sweeper.tokens.special_pieces import SPECIAL, UNK
from sweeper.tokens.tokenizer import TOKENIZER
from sweeper.trial.settings import LoraSettings, ModelSettings, TrainSettings
from sweeper.trial.trial import Trial, plain

if TYPE_CHECKING:
    from torch import nn


def drive(configs: Sequence[Any], launcher: Any) -> int:
    """Count the models of all composed configs and print a table a shape; returns the exit code."""
    _, trials, _ = planned(configs, launcher)
    shapes: dict[Shape, list[tuple[Trial, Counts]]] = defaultdict(list)
    for trial in distinct(trials):
        with TemporaryDirectory() as cache:
            model = build(trial, Path(cache))
        shape, counts = shape_of(trial, model), count(model)
        if shape.is_known and not counts.parts:
            refuse_unknown(counts)
        shapes[shape].append((trial, counts))
    agree = [print_models(shape, members) for shape, members in shapes.items()]
    return DONE if all(agree) else NOT_ALL_DONE


def distinct(trials: Iterable[Trial]) -> list[Trial]:
    """Return one trial a model; weights, seeds and optimisation make no other one."""
    found: dict[str, Trial] = {}
    for trial in trials:
        shaped = replace(
            trial,
            seed=1,
            data_seed=1,
            model=ModelSettings(),
            choices={**trial.choices, "model": "", "seed": 1, "data_seed": 1},
            digests={name: known for name, known in trial.digests.items() if name != "weights"},
        )
        found.setdefault(replace(shaped, train=TrainSettings()).id, shaped)
    return list(found.values())


def build(trial: Trial, cache: Path) -> nn.Module:
    """Return the model as it would be trained, on the meta device where its library can do that.

    What building needs comes to lie in `cache`.
    """
    import torch

    scratch = replace(trial, cache=cache)
    directory = inputs.tokenizer_directory(scratch)
    directory.parent.mkdir()
    if needs_tokenizer(trial):
        inputs.tokenizer(trial)
        shutil.copytree(inputs.tokenizer_directory(trial), directory)
    else:
        write_special_pieces(directory)
    framework = load_framework(trial)
    try:
        with torch.device("meta"):
            return framework.build(scratch)
    except NotImplementedError:  # torch's, for an operation that needs the weights; fairseq draws them by such
        return framework.build(scratch)


def needs_tokenizer(trial: Trial) -> bool:
    """Whether a model's rows follow from its tokenizer: from its size, or from the id that a given one has for <pad>.

    One that is trained or cut to size has <pad> where RoBERTa has it.
    """
    given = trial.tokenizer.path is not None and trial.tokenizer.vocabulary_size is None
    return trial.arch.vocabulary_size is None or given


def write_special_pieces(directory: Path) -> None:
    """Write the least of a tokenizer; the model's rows don't depend on it."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    directory.mkdir()
    ids = {piece: position for position, piece in enumerate(SPECIAL)}
    Tokenizer(WordLevel(ids, unk_token=UNK)).save(str(directory / TOKENIZER))


def refuse_unknown(counts: Counts) -> NoReturn:
    """Say that a framework's model is none whose parts are known."""
    raise WrongInput(
        f"no formula is known for the framework's model: it has {', '.join([*counts.unknown][:3]) or 'no parameters'}\n"
        "known: RoBERTa and BLOOM, as Transformers and fairseq name their parts"
    )


def shape_of(trial: Trial, model: nn.Module) -> Shape:
    """Return the numbers that a trial's settings give its model."""
    rows = trial.arch.vocabulary_size or inputs.tokenizer(trial).size
    classes = 0 if trial.task.is_language_modelling else len(trial.data.label_names())
    shape = Shape.of(trial.arch, rows, position_offset(model), classes)
    if hasattr(model, "peft_config"):
        lora = trial.framework.lora
        return replace(shape, rank=lora.r, adapted=lora.target_modules)
    return shape


def position_offset(model: nn.Module) -> int:
    """Return the number that a model counts positions from: the id after that of <pad> in its table of positions."""
    for name, module in model.named_modules():
        if part_of(f"{name}.weight") is Part.POSITIONS:
            return int(module.padding_idx) + 1
    return 0


def print_models(shape: Shape, members: Sequence[tuple[Trial, Counts]]) -> bool:
    """Print the models of one shape; returns whether all counts are what the formulas give."""
    from sweeper.report.terminal import rich_table, terminal

    labels = trial_labels([trial.description() for trial, _ in members])
    models = {" ".join(label[1:-1]): counts for label, (_, counts) in zip(labels, members, strict=True)}
    names = dict.fromkeys(str(trial.choices["arch"]) for trial, _ in members)
    console = terminal()
    table = parameter_table(f"Parameters of arch={','.join(names)} ({shape.model_type})", shape, models)
    console.print(table.title, style="bold")
    console.print(rich_table(table))
    for adapter in dict.fromkeys(trial.framework.lora for trial, _ in members if shape.rank):
        console.print("LoRA (framework.lora)", style="bold")
        for line in lora_lines(adapter):
            console.print(f"  {line}", highlight=False)
    if not shape.is_known:
        console.print(
            f"No formulas are known for model_type={shape.model_type}: these are the counts of the built model."
        )
        return True
    for line in formula_lines(shape, models):
        console.print(line, style="dim")
    mismatches = list(mismatch_lines(shape, models))
    for line in mismatches:
        console.print(line, style="red")
    if not mismatches:
        console.print("Counted in the built models: every number is what its formula gives.")
    return not mismatches


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


def lora_lines(settings: LoraSettings) -> Iterator[str]:
    """Yield LoRA's configuration, a line a setting, with what each means."""
    for item in fields(settings):
        yield f"{item.name}={setting_text(plain(getattr(settings, item.name)))}: {item.metadata['help']}"


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


if __name__ == "__main__":
    run_and_exit(lambda: main(drive, "parameters"))

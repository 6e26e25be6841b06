"""The command that counts a model's parameters: python -m sweeper.parameters [-m] [KEY=VALUE …]

It takes the settings of `sweeper.run` and builds the model as its framework would train it, if possible on torch's meta
device, where nothing as large as the model is allocated. Exit code 1: a count is not what the closed formulas give.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sweeper.checkpoints.parameter_count import count, part_of, recorded
from sweeper.checkpoints.parameter_formula import Counts, Part, Shape
from sweeper.config.command import main, planned
from sweeper.errors import DONE, NOT_ALL_DONE, WrongInput, run_and_exit
from sweeper.frameworks import inputs, load_framework
from sweeper.frameworks.lora.checks import has_head
from sweeper.report.tables.models import formula_lines, formulas_of, lora_rows, mismatch_lines, parameter_table
from sweeper.report.text import printable, trial_labels
from sweeper.tokens.segmenters import SPECIAL, UNK
from sweeper.tokens.tokenizer import TOKENIZER
from sweeper.trial.settings import ModelSettings, TrainSettings
from sweeper.trial.trial import Trial, plain

if TYPE_CHECKING:
    from torch import nn


def _drive(configs: Sequence[Any], launcher: Any) -> int:
    _, trials, _ = planned(configs, launcher)
    shapes: dict[Shape, list[tuple[Trial, Counts]]] = defaultdict(list)
    for trial in _one_a_model(trials):
        with TemporaryDirectory() as cache:
            model = _build(trial, Path(cache))
        shape, counts = _shape_of(trial, model), count(model)
        if shape.is_known and not counts.parts:
            there = ", ".join([*counts.unknown][:3]) or "no parameters"
            raise WrongInput(
                f"no formula is known for the framework's model: it has {there}\n"
                "known: RoBERTa and BLOOM, as Transformers and fairseq name their parts"
            )
        shapes[shape].append((trial, counts))
    agree = [_print_models(shape, members) for shape, members in shapes.items()]
    return DONE if all(agree) else NOT_ALL_DONE


def _one_a_model(trials: Iterable[Trial]) -> list[Trial]:
    found: dict[str, Trial] = {}
    for trial in trials:
        shaped = replace(
            trial,
            seed=1,
            data_seed=1,
            model=ModelSettings(path=trial.model.path),
            choices={**trial.choices, "model": "", "seed": 1, "data_seed": 1},
            digests={name: known for name, known in trial.digests.items() if name != "weights"},
        )
        found.setdefault(replace(shaped, train=TrainSettings()).id, shaped)
    return list(found.values())


def _build(trial: Trial, cache: Path) -> nn.Module:
    import torch

    scratch = replace(trial, cache=cache)
    directory = inputs.tokenizer_directory(scratch)
    directory.parent.mkdir()
    if _needs_tokenizer(trial):
        inputs.tokenizer(trial)
        shutil.copytree(inputs.tokenizer_directory(trial), directory)
    else:
        _write_special_pieces(directory)  # the model's rows don't depend on others
    framework = load_framework(trial)
    try:
        with torch.device("meta"):
            return framework.build(scratch)
    except NotImplementedError:  # torch's, for an operation that needs the weights; fairseq draws them by such
        return framework.build(scratch)


def _needs_tokenizer(trial: Trial) -> bool:
    """Whether a model's rows follow from its tokenizer: its size, or the id that a given one has for <pad>."""
    # One that is trained or cut to size has <pad> where RoBERTa has it.
    given = trial.tokenizer.path is not None and trial.tokenizer.vocabulary_size is None
    return trial.arch.vocabulary_size is None or given


def _write_special_pieces(directory: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    directory.mkdir()
    ids = {piece: position for position, piece in enumerate(SPECIAL)}
    Tokenizer(WordLevel(ids, unk_token=UNK)).save(str(directory / TOKENIZER))


def _shape_of(trial: Trial, model: nn.Module) -> Shape:
    rows = trial.arch.vocabulary_size or inputs.tokenizer(trial).size
    classes = 0 if trial.task.is_language_modelling else len(trial.data.label_names())
    shape = Shape.of(trial.arch, rows, position_offset(model), classes)
    if hasattr(model, "peft_config"):
        lora = trial.framework.lora
        return replace(shape, rank=lora.r, adapted=lora.target_modules or (), has_magnitudes=lora.use_dora)
    return shape


def position_offset(model: nn.Module) -> int:
    """Return the number that a model counts positions from: the id after that of <pad> in its table of positions."""
    for name, module in model.named_modules():
        if part_of(f"{name}.weight") is Part.POSITIONS:
            return 0 if module.padding_idx is None else int(module.padding_idx) + 1
    return 0


def _print_models(shape: Shape, members: Sequence[tuple[Trial, Counts]]) -> bool:
    from sweeper.report.terminal import rich_table, terminal

    labels = trial_labels([trial.description() for trial, _ in members])
    models = {" ".join(label[:-1]): counts for label, (_, counts) in zip(labels, members, strict=True)}
    names = dict.fromkeys(str(trial.choices["arch"]) for trial, _ in members)
    formulas = formulas_of(shape, models.values())
    console = terminal()
    title = f"Parameters of arch={','.join(names)} ({shape.model_type})"
    table = parameter_table(title, list(map(printable, models)), list(map(recorded, models.values())), formulas)
    console.print(table.title, style="bold")
    console.print(rich_table(table))
    for adapter, head in dict.fromkeys((trial.framework.lora, has_head(trial)) for trial, _ in members if shape.rank):
        console.print("LoRA (framework.lora)", style="bold")
        for name, value, meaning in lora_rows([plain(adapter) | ({"task_type": "SEQ_CLS"} if head else {})]):
            console.print(f"  {name}={value}: {meaning}", highlight=False)
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


if __name__ == "__main__":
    run_and_exit(lambda: main(_drive, "parameters"))

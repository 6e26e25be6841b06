"""Settings that nobody set, fitted to data of one's own: columns, tokenizer, length, architecture, learning rate.

For data=files and data=hub only, and only where neither the command line nor any YAML sets them. What is taken stands
in the trial as if it were typed, and is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.config.arguments import quoted
from sweeper.config.composed import data_source, to_values
from sweeper.config.schema import is_unset
from sweeper.config.sources import DEFAULT_ARCH, chosen_checkpoint
from sweeper.data import Examples
from sweeper.data.found_columns import found_columns
from sweeper.data.headers import example_in_header
from sweeper.data.heads import Head
from sweeper.data.labelled import LabelledColumns
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer_training import LARGEST
from sweeper.trial.settings import ArchSettings, Family, TokenizerKind, check_ranges

FITTING = 0.99  # share of the training texts that max_length cuts nothing off
PIECES_A_WORD, LETTERS_A_PIECE = 2, 3  # at most so many, but of long words
LENGTHS_IN_STEPS_OF, SHORTEST = 8, 16
PROMPT = 16  # ids of the frame in which a causal language model reads a text
FEW_WORDS = 1000  # different ones: of fewer a tokenizer is trained that cuts them into letters
LONGEST, LONGEST_OF_ANY_SHAPE = 512, 256  # ids; the latter where no architecture is chosen: time grows with the square
# Peaks of the learning rate by the width of a model: the first whose width is not below. Those of random weights are
# what validation prefers on French book reviews, 64 and 256 wide.
RANDOM_RATES = {512: 1e-4, 256: 3e-4, 0: 1e-3}
PRETRAINED_RATES = {512: 2e-5, 0: 2e-4}
LORA_RATE = 2e-4
# A character is a word where words are not separated: Thai, Chinese, Japanese.
WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
SHOWN_COLUMNS = 12
PLAIN = re.compile(r"[\w./-]+")  # a text that needs no quotes
OF_LETTERS = (TokenizerKind.unigram, TokenizerKind.bpe, TokenizerKind.byte_bpe)  # what they cut words into


@dataclass(frozen=True)
class Fitted:
    """A configuration with what nobody set, and a sentence for each setting: why, and what changes it."""

    config: DictConfig
    sentences: tuple[str, ...] = ()

    def taking(self, settings: Mapping[str, Any], why: str) -> Fitted:
        """Return it with more settings, as if they were typed."""
        changed = self.config.copy()
        for key, value in settings.items():
            OmegaConf.update(changed, key, value)
        typed = " ".join(_typed(key, value) for key, value in settings.items())
        return Fitted(changed, (*self.sentences, f"{typed}{why}"))


def _typed(key: str, value: Any) -> str:
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return quoted(key, value)
    return f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"


def fitted(config: DictConfig, known: Any) -> Fitted:
    """Return a composed config with what nobody set fitted to its data; `known`: what Hydra knows of the command.

    Raises WrongInput where it is not clear which columns are meant, and for data that cannot be read.
    """
    choices, found = known.runtime.choices, Fitted(config)
    if not isinstance(choices.get("data"), str):
        return found
    source = data_source(config.data, choices["data"])
    if not isinstance(source, LabelledColumns):
        return found
    named = {override.lstrip("+~").partition("=")[0] for override in known.overrides.task}
    values = to_values(config)
    check_ranges(source, "data.")
    found = _with_columns(found, source, named)
    source = data_source(found.config.data, choices["data"])
    assert isinstance(source, LabelledColumns)
    source.check()
    checkpoint = chosen_checkpoint(values)
    own = checkpoint is not None and isinstance(values.model.path, str)
    family = checkpoint.family if own and checkpoint is not None else values.framework.family
    arch_is_free = "arch" not in named and choices.get("arch") == DEFAULT_ARCH and choices.get("experiment") is None
    model = Model(getattr(values.arch, family), family, checkpoint, arch_is_free, f"arch.{family}.positions" in named)
    found = _with_tokenizer(found, source, model)
    found = _with_length(found, source.splits()["train"], model)
    return _with_rate(found, model)


@dataclass(frozen=True)
class Model:
    """What is known of a model before its trial is made."""

    arch: ArchSettings
    family: Family
    checkpoint: Checkpoint | None
    arch_is_free: bool  # nobody chose one
    has_positions: bool  # the command says how many

    @property
    def shape(self) -> ArchSettings:
        """The shape that it has: that of its weights, where there are some."""
        return self.arch if self.checkpoint is None else ArchSettings(**self.checkpoint.settings())

    @property
    def longest(self) -> int:
        """How many ids it can read; as many as are wanted where that is open."""
        grows = self.arch_is_free and self.checkpoint is None and not self.has_positions
        return LONGEST_OF_ANY_SHAPE if grows else min(LONGEST, self.shape.positions)


def _with_tokenizer(found: Fitted, source: LabelledColumns, model: Model) -> Fitted:
    given = found.config.tokenizer
    if given.kind or given.path or model.checkpoint is not None or source.tokenizer_path() is not None:
        return found
    rows, size = model.arch.vocabulary_size, given.vocabulary_size
    if size is None and rows is not None and rows < LARGEST:
        size = rows
    settings: dict[str, Any] = {"tokenizer.kind": TokenizerKind.unigram.value}
    if size != given.vocabulary_size:
        settings["tokenizer.vocabulary_size"] = size
    pieces = f"of {size:,} pieces" if size else f"of {LARGEST:,} pieces, or fewer where they allow no more"
    return found.taking(
        settings,
        f": trained on the training texts, {pieces} (tokenizer.vocabulary_size=N or tokenizer.path=FILE changes it)",
    )


def _with_length(found: Fitted, examples: Examples, model: Model) -> Fitted:
    """Take a length that the texts fit in, and as many positions where no architecture is chosen."""
    if is_unset(found.config, "max_length"):
        known, counted = lengths(examples, found.config.tokenizer.kind in OF_LETTERS)
        prompt = PROMPT if model.family is Family.causal_lm else 0
        needed = known[math.ceil(FITTING * len(known)) - 1] + prompt
        rounded = max(SHORTEST, -(-needed // LENGTHS_IN_STEPS_OF) * LENGTHS_IN_STEPS_OF)
        length = min(rounded, model.longest)
        fit = sum(ids + prompt <= length for ids in known) / len(known)
        cut = "; the others are cut" if fit < FITTING else ""
        found = found.taking(
            {"train.max_length": length},
            f": {math.floor(100 * fit)} % of the training texts fit, {counted}{cut} (train.max_length=N changes it)",
        )
    length = found.config.train.max_length
    if not model.arch_is_free or model.checkpoint is not None:
        return found
    key = f"arch.{model.family}.positions"
    longer = {key: length} if length > model.arch.positions and not model.has_positions else {}
    shape = f"{model.arch.layers} layers of width {model.arch.width}, small enough for any machine"
    changed = found.taking(longer, f": {shape} (arch=NAME changes it; --help lists them)")
    return replace(
        changed, sentences=(*found.sentences, f"arch={DEFAULT_ARCH} {changed.sentences[-1]}".replace(" :", ":"))
    )


def _with_rate(found: Fitted, model: Model) -> Fitted:
    if not is_unset(found.config, "learning_rate"):
        return found
    width = model.shape.width
    rates = RANDOM_RATES if model.checkpoint is None else PRETRAINED_RATES
    rate = next(rate for least, rate in rates.items() if width >= least)
    why = f"usual for random weights of width {width}"
    if model.checkpoint is not None:
        why = f"usual for given weights of width {width}, and the same for model=rd beside them"
    if found.config.framework.name == "lora":
        rate, why = LORA_RATE, "usual for LoRA"
    return found.taking({"train.learning_rate": rate}, f": {why} (train.learning_rate=X changes it)")


def _with_columns(found: Fitted, source: LabelledColumns, named: Collection[str]) -> Fitted:
    """Take the columns of texts and classes where they are not called text and label, and no other is named."""
    wanted = {"text": source.text, "label": source.label}
    free = [name for name, column in wanted.items() if column == name and f"data.{name}" not in named]
    if not free:
        return found
    with suppress(WrongInput):  # told below, or where the table is read again
        source.check()
        return found  # it has both, and is read once
    head = source.head()
    missing = [name for name in free if name not in head.header]
    _check_header(source, head)
    if not missing or not head.rows or len(head.header) < len(wanted):
        return found  # what is wrong is told where the table is read
    wanted = {name: None if name in missing else column for name, column in wanted.items()}
    columns = found_columns(*_without(head, source.cluster), wanted["text"], wanted["label"])
    options = {"text": columns.texts, "label": columns.labels}
    for name in missing:
        if len(options[name]) != 1:
            raise _unclear(source, name, options[name], head)
    taken = {name: options[name][0] for name in missing}
    others = "the only columns that can be meant" if len(taken) == 2 else "the only column that can be meant"
    changes = " ".join(f"data.{name}=COLUMN" for name in taken)
    return found.taking(
        {f"data.{name}": column for name, column in taken.items()}, f": {others} ({changes} changes it)"
    )


def _without(head: Head, column: str | None) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return names of columns and first rows without a column that is neither of texts nor of classes."""
    kept = [position for position, name in enumerate(head.header) if name != column]
    return [head.header[position] for position in kept], [[row[position] for position in kept] for row in head.rows]


def _check_header(source: LabelledColumns, head: Head) -> None:
    """Raise WrongInput where the names of columns may be an example of a file without a header."""
    if not head.without_header or {*source.texts, source.label} & {*head.header}:
        return
    if name := example_in_header(head.header, head.rows):
        raise WrongInput(
            f"{source.source}: the first line may be an example: {name[:40]!r} is like what stands below it\n"
            f"where it is one: {head.without_header}\n"
            "where it names columns: data.text=COLUMN data.label=COLUMN"
        )


def _unclear(source: LabelledColumns, name: str, options: Sequence[str], head: Head) -> WrongInput:
    what = {"text": "texts", "label": "classes"}[name]
    could = f"{' and '.join(options[:3])} could" if options else "none looks like it"
    there = [column[:40] for column in head.header[:SHOWN_COLUMNS]] + ["…"] * (len(head.header) > SHOWN_COLUMNS)
    pair = f", or for pairs of texts data.text=[{','.join(options)}]" if name == "text" and len(options) == 2 else ""
    return WrongInput(
        f"{source.source}: which column holds the {what} is not clear: {could}\n"
        f"columns there: {', '.join(there)}\nset data.{name}=COLUMN{pair}"
    )


@cache
def lengths(examples: Examples, trained: bool) -> tuple[tuple[int, ...], str]:
    """Return about how many ids each example comes to, in rising order, and how that is counted, without a tokenizer.

    `trained`: the tokenizer is trained on these texts, of which it learns few words where there are few.
    """
    words = {word for text in examples.every_text for word in text.split()} if trained else set()
    few = trained and len(words) < FEW_WORDS
    pieces = _letters if few else _pieces
    counted = "counting every letter, as the texts have few words" if few else f"at {PIECES_A_WORD} ids a word"
    return tuple(sorted(sum(map(pieces, texts)) + 2 * len(texts) for texts in examples.inputs)), counted


def _letters(text: str) -> int:
    return sum(1 + len(word) for word in text.split())


def _pieces(text: str) -> int:
    words = WORD.findall(text)
    return sum(1 if len(word) == 1 else max(PIECES_A_WORD, -(-len(word) // LETTERS_A_PIECE)) for word in words)

"""What a trial reads: its tokenizer, its tokenized data, its pretrained weights; each made once, in the cache.

Where they lie follows from what they are made of, so their paths are known before they exist.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sweeper.checkpoints.fairseq_directory import FairseqCheckpoint, is_fairseq
from sweeper.data.facts import FILE, FORMAT
from sweeper.data.verbalisers import reading_notes, verbalisers
from sweeper.errors import WrongInput
from sweeper.frameworks.examples import data_made_of, known_examples
from sweeper.frameworks.reporter import ProgressReport
from sweeper.records.files import cached, read_json
from sweeper.records.own_code import DATA_CODE
from sweeper.records.progress import ProgressFile
from sweeper.tokens.prompts import framed_texts
from sweeper.trial import Trial
from sweeper.trial.settings import TokenizerKind
from sweeper.trial.trial import digest, result_settings

if TYPE_CHECKING:
    from datasets import DatasetDict

    from sweeper.tokens.tokenizer import Tokenizer


@dataclass(frozen=True)
class Preparation:
    """Something that a trial needs and that is not in the cache yet."""

    title: str
    directory: Path

    @property
    def progress_file(self) -> Path:
        """File that tells how far it is; only pretraining takes long enough to have one."""
        return self.directory.with_name(f"{self.directory.name}.progress.json")


def tokenizer_directory(trial: Trial) -> Path:
    """Where the trial's tokenizer lies, cut to size or trained."""
    return trial.cache / "tokenizers" / f"{trial.digests['tokenizer'][:16]}{_data_code(trial)}"


def tokenized_directory(trial: Trial) -> Path:
    """Where the trial's tokenized data lies."""
    made_of = _made_of(trial) | {"max_length": trial.train.max_length, "format": FORMAT}
    if "verbalisers" in trial.digests:
        made_of["verbalisers"] = trial.digests["verbalisers"]
    return trial.cache / "tokenized" / f"{trial.choices['data']}-{digest(made_of)[:16]}"


def packed_directory(trial: Trial) -> Path:
    """Where the ids of the trial's corpus lie."""
    return trial.cache / "packed" / f"{trial.choices['data']}-{digest(_made_of(trial))[:16]}"


def _data_code(trial: Trial) -> str:
    """Tell what a data set of the user's own gives from what it gave before it was edited; "" for Sweeper's."""
    code = trial.digests.get(DATA_CODE)
    return f"-{code[:8]}" if code else ""


def _made_of(trial: Trial) -> dict[str, Any]:
    return data_made_of(trial) | {"tokenizer": trial.digests["tokenizer"]}


def weights_directory(trial: Trial) -> Path:
    """Where weights that were pretrained for the trial lie."""
    return trial.cache / "weights" / f"{trial.arch.name}-{trial.digests['weights'][:16]}{_data_code(trial)}"


def _converted_directory(trial: Trial) -> Path:
    return trial.cache / "converted" / f"{trial.arch.name}-{trial.digests['weights'][:16]}"


def is_checked(trial: Trial) -> bool:
    """Whether the trial's model is built once before its trials: one whose shape only config.json says."""
    return "config" in trial.digests and trial.framework.name in ("hf", "lora")


def checked_directory(trial: Trial) -> Path:
    """Where it is noted that a model which is built as its config.json says was built once, and found whole."""
    framework = result_settings(trial.framework)
    made_of = [trial.digests.get(name) for name in ("config", "weights", "tokenizer", "verbalisers", "data")]
    return (
        trial.cache
        / "checked"
        / digest([made_of, framework, result_settings(trial.model), trial.train.max_length])[:16]
    )


def _needs_conversion(trial: Trial) -> bool:
    return trial.weights_path is not None and is_fairseq(Path(trial.weights_path))


def preparations(trial: Trial) -> list[Preparation]:
    """What is still to be made for the trial, in order. Imports nothing heavy."""
    data = trial.choices["data"]
    ids = packed_directory(trial) if trial.task.is_language_modelling else tokenized_directory(trial)
    steps = [
        Preparation(f"tokenizer for {data}", tokenizer_directory(trial)),
        Preparation(f"tokenizing {data}", ids),
    ]
    if trial.model.pretrained and trial.weights_path is None:
        steps.append(Preparation(f"pretraining {trial.arch.name} on {data}", weights_directory(trial)))
    elif trial.model.pretrained and _needs_conversion(trial):
        steps.append(Preparation(f"converting {trial.weights_path}", _converted_directory(trial)))
    if is_checked(trial):
        steps.append(Preparation(f"checking {trial.weights_path}", checked_directory(trial)))
    return [step for step in steps if not step.directory.exists()]


def prepare(trial: Trial) -> None:
    """Make what is missing."""
    if trial.task.is_language_modelling:
        packed(trial)
    else:
        tokenized(trial)
        with suppress(Exception):  # without them a trial keeps no predictions, and says so
            known_examples(trial)
    if trial.model.pretrained:
        weights(trial)


def tokenizer(trial: Trial) -> Tokenizer:
    """Return the trial's tokenizer. Raises WrongInput when it has more ids than the model has rows."""
    made = _load_tokenizer(cached(tokenizer_directory(trial), partial(_make_tokenizer, trial)))
    rows = trial.arch.vocabulary_size
    if rows is not None and made.size > rows:
        raise WrongInput(
            f"the tokenizer has {made.size} ids, arch={trial.arch.name} has {rows} rows for them\n"
            f"set tokenizer.vocabulary_size={rows} to keep the most frequent pieces"
        )
    return made


@cache  # read once a process
def _load_tokenizer(directory: Path) -> Tokenizer:
    from sweeper.tokens.tokenizer import load

    return load(directory)


def _make_tokenizer(trial: Trial, directory: Path) -> None:
    from sweeper.tokens.tokenizer import load
    from sweeper.tokens.tokenizer_training import train_tokenizer

    settings, size = trial.tokenizer, trial.tokenizer.vocabulary_size
    if "reading" in trial.digests:
        _read_by_transformers(trial, directory)
        return
    with TemporaryDirectory() as trained:
        if settings.path is not None:
            file = Path(settings.path)
        elif settings.kind is None:  # all words, then the most frequent ones of the training texts
            file = train_tokenizer(TokenizerKind.word, _own_texts(trial), None, Path(trained))
        else:
            file = train_tokenizer(settings.kind, _own_texts(trial), size, Path(trained), trial.train.threads)
            size = None  # it has that size
        counted = None if size is None else _counting_texts(trial)
        load(file, size, counted).save(directory)


def _read_by_transformers(trial: Trial, directory: Path) -> None:
    from sweeper.tokens.reading import CHECKED_TEXTS, read_by_transformers

    assert trial.tokenizer.path is not None
    model = trial.weights_path or trial.tokenizer.path
    texts = [text for text in trial.data.splits()["train"].every_text if text.strip()]
    read_by_transformers(
        Path(trial.tokenizer.path), read_json(Path(model) / "config.json") or {}, texts[:CHECKED_TEXTS], directory
    )


def _own_texts(trial: Trial) -> Iterable[str]:
    return _as_read(trial, trial.data.texts() if trial.task.is_language_modelling else trial.data.unlabelled())


def _counting_texts(trial: Trial) -> Iterable[str]:
    if trial.tokenizer.count_on is not None:
        return Path(trial.tokenizer.count_on).read_text(encoding="utf-8").split("\n")
    if trial.task.is_language_modelling:
        return _own_texts(trial)
    return _as_read(trial, trial.data.splits()["train"].every_text)


def _as_read(trial: Trial, texts: Iterable[str]) -> Iterable[str]:
    """Return texts as the trial's model reads them: a causal one in prompts, whose words a tokenizer must know."""
    if not trial.reads_prompts:
        return texts
    return framed_texts(texts, verbalisers(trial.data) if "verbalisers" in trial.digests else ())


def tokenized(trial: Trial) -> DatasetDict:
    """Return the splits, memory-mapped; their columns: see `sweeper.tokens.tokenized`, of questions `prompted`."""
    from sweeper.tokens import prompted, tokenized

    make: Callable[..., Path] = prompted.tokenized if trial.reads_prompts else tokenized.tokenized
    if trial.task.name == "qa":
        make = prompted.tokenized_answers
    made = make(tokenized_directory(trial), trial.data, tokenizer(trial), trial.train.max_length)
    return tokenized.load_tokenized(made)


def packed(trial: Trial) -> Path:
    """Return the directory of a corpus's ids; see `sweeper.tokens.packed`."""
    from sweeper.tokens.packed import pack

    def build(directory: Path) -> None:
        source = trial.data
        pack(source.texts(), tokenizer(trial), source.held_out_share, source.split_seed, directory)

    return cached(packed_directory(trial), build)


def tokenized_facts(trial: Trial) -> dict[str, Any] | None:
    """Return what is kept beside the trial's tokenized data; None before they are made. Loads no tokenizer."""
    found: dict[str, Any] | None = read_json(tokenized_directory(trial) / FILE)
    return found


def facts(trial: Trial) -> dict[str, Any] | None:
    """Return what is known of the trial's tokenized data ("data", "splits"); None before they are made.

    "ends" is the piece that answers to prompts end with, "reading" are sentences on how prompts are read, where they
    are.
    """
    found = tokenized_facts(trial)
    if found is None:
        return None
    if "verbalisers" in trial.digests or trial.task.name == "qa":
        found["ends"] = tokenizer(trial).ends
    if "verbalisers" in trial.digests:
        found["reading"] = reading_notes(trial.data, trial.framework.lora.length_normalised, found["ends"])
    return found


def weights(trial: Trial) -> str:
    """Return the directory of the trial's weights: those given, converted from fairseq's format, or pretrained here."""
    if _needs_conversion(trial):
        return str(cached(_converted_directory(trial), partial(_convert, trial)))
    if trial.weights_path is not None:
        return trial.weights_path
    return str(cached(weights_directory(trial), partial(_pretrain, trial)))


def _convert(trial: Trial, directory: Path) -> None:
    from sweeper.checkpoints.conversion import write_transformers

    assert trial.weights_path is not None
    write_transformers(FairseqCheckpoint(trial.weights_path, Path(trial.weights_path)), directory)


def _pretrain(trial: Trial, directory: Path) -> None:
    from sweeper.checkpoints.architecture import transformers_config
    from sweeper.frameworks.language_model.training import Numbered, Pretraining, needs_mask, pretrain, recipe_settings
    from sweeper.tokens.packed import Shuffled

    pieces, recipe = tokenizer(trial), trial.arch.pretraining
    needs_mask(trial.framework.family, pieces)
    # When this stops on request, nothing is left of `directory`; its checkpoint is in `workshop`.
    workshop = weights_directory(trial).with_name(f"{weights_directory(trial).name}.training")
    sequences = pieces.encode(trial.data.unlabelled(), recipe.sequence_length or trial.arch.positions)
    counts = Counter(piece for sequence in sequences for piece in sequence[1:-1])
    progress = ProgressFile(Preparation("", weights_directory(trial)).progress_file)
    model = pretrain(
        Pretraining(
            trial.framework.family,
            transformers_config(trial.arch, pieces),
            recipe_settings(recipe, trial.train.threads),
            recipe.mask_probability,
            recipe.seed,
            pieces,
            token_counts=[counts[piece] for piece in range(pieces.size)],
            sequences=Numbered((Shuffled(sequences, recipe.updates * recipe.batch_size, recipe.seed),)),
        ),
        workshop,
        ProgressReport(progress),
    )
    model.save_pretrained(directory)
    pieces.save(directory)
    shutil.rmtree(workshop, ignore_errors=True)
    progress.path.unlink(missing_ok=True)

"""What a trial reads: its tokenizer, its tokenized data, its pretrained weights; each made once, in the cache.

Where they lie follows from what they are made of, so their paths are known before they exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sweeper.cache import cached
from sweeper.record import ProgressFile
from sweeper.trial import Trial, WrongInput, digest, result_settings

if TYPE_CHECKING:
    from datasets import DatasetDict

    from sweeper.data.tokenizer import Tokenizer


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
    return trial.cache / "tokenizers" / trial.digests["tokenizer"][:16]


def tokenized_directory(trial: Trial) -> Path:
    """Where the trial's tokenized data lies."""
    made_of = {
        "data": {"settings": result_settings(trial.data), "digest": trial.digests["data"]},
        "tokenizer": trial.digests["tokenizer"],
        "max_length": trial.train.max_length,
    }
    return trial.cache / "tokenized" / f"{trial.choices['data']}-{digest(made_of)[:16]}"


def weights_directory(trial: Trial) -> Path:
    """Where weights that were pretrained for the trial lie."""
    return trial.cache / "weights" / f"{trial.arch.name}-{trial.digests['weights'][:16]}"


def preparations(trial: Trial) -> list[Preparation]:
    """What is still to be made for the trial, in order. Imports nothing heavy."""
    data = trial.choices["data"]
    steps = [
        Preparation(f"tokenizer for {data}", tokenizer_directory(trial)),
        Preparation(f"tokenizing {data}", tokenized_directory(trial)),
    ]
    if trial.model.pretrained and trial.weights_path is None:
        steps.append(Preparation(f"pretraining {trial.arch.name} on {data}", weights_directory(trial)))
    return [step for step in steps if not step.directory.exists()]


def prepare(trial: Trial) -> None:
    """Make what is missing."""
    tokenized(trial)
    if trial.model.pretrained:
        weights(trial)


def tokenizer(trial: Trial) -> Tokenizer:
    """Return the trial's tokenizer. Raises WrongInput when it has more ids than the model has rows."""
    made = load_tokenizer(cached(tokenizer_directory(trial), partial(make_tokenizer, trial)))
    rows = trial.arch.vocabulary_size
    if rows is not None and made.size > rows:
        raise WrongInput(
            f"the tokenizer has {made.size} ids, arch={trial.arch.name} has {rows} rows for them\n"
            f"set tokenizer.vocabulary_size={rows} to keep the most frequent pieces"
        )
    return made


@cache
def load_tokenizer(directory: Path) -> Tokenizer:
    """Return a cached tokenizer, read once a process."""
    from sweeper.data.tokenizer import load

    return load(directory)


def make_tokenizer(trial: Trial, directory: Path) -> None:
    """Train a tokenizer on the data set's own text, or take the given one, cut to the wanted size."""
    from sweeper.data.tokenizer import load, train_words

    settings = trial.tokenizer
    counted = None if settings.vocabulary_size is None else counting_texts(trial)
    with TemporaryDirectory() as trained:
        path = train_words(trial.data.unlabelled(), Path(trained)) if settings.path is None else Path(settings.path)
        load(path, settings.vocabulary_size, counted).save(directory)


def counting_texts(trial: Trial) -> list[str]:
    """Texts that decide which pieces are frequent."""
    if trial.tokenizer.count_on is None:
        return list(trial.data.splits()["train"].texts)
    return Path(trial.tokenizer.count_on).read_text(encoding="utf-8").split("\n")


def tokenized(trial: Trial) -> DatasetDict:
    """Return train, valid and test as input_ids, labels and length, memory-mapped from the cache."""
    from sweeper.data import tokenized as texts

    directory = tokenized_directory(trial)
    return texts.load_tokenized(texts.tokenized(directory, trial.data, tokenizer(trial), trial.train.max_length))


def weights(trial: Trial) -> str:
    """Return the directory or hub name of the trial's pretrained weights, pretraining them when none are given."""
    if trial.weights_path is not None:
        return trial.weights_path
    return str(cached(weights_directory(trial), partial(pretrain, trial)))


def pretrain(trial: Trial, directory: Path) -> None:
    """Make weights from the data set's unlabelled text by the architecture's recipe."""
    from sweeper.checkpoints.architecture import transformers_config
    from sweeper.checkpoints.pretraining import pretrain_masked_lm

    pieces = tokenizer(trial)
    if pieces.mask is None:
        raise WrongInput(
            "the tokenizer has no <mask>, which pretraining needs\nset tokenizer.path=FILE or model.path=DIR"
        )
    progress = ProgressFile(Preparation("", weights_directory(trial)).progress_file)
    pretrain_masked_lm(
        transformers_config(trial.arch, pieces),
        trial.arch.pretraining,
        pieces.encode(trial.data.unlabelled(), trial.arch.positions),
        mask_id=pieces.mask,
        pad_id=pieces.pad,
        threads=trial.train.threads,
        destination=directory,
        on_progress=lambda step, steps, loss: progress.update(1, step, steps, lambda: loss),
    )
    pieces.save(directory)
    progress.path.unlink(missing_ok=True)

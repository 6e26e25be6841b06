"""A published fairseq directory (model.pt, dict.txt, a tokenizer) as a checkpoint. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.fairseq_args import config_of
from sweeper.checkpoints.fairseq_names import BODY, PRE_NORM, UNUSED, body_names, renamed, tensor_names
from sweeper.checkpoints.pickled_tensors import read_pickles
from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import DICTIONARY, read_dictionary
from sweeper.tokens.tokenizer import SENTENCEPIECE, TOKENIZER

MODEL = "model.pt"
WORDS, VERSION = f"{BODY}embed_tokens.weight", f"{BODY}version"
REMEDY = "needed: a whole checkpoint of fairseq's RoBERTa, with nothing in it but tensors and its args or cfg"
Shape = tuple[int, ...]


@dataclass(frozen=True)
class FairseqCheckpoint(Checkpoint):
    """A fairseq directory; its `config` is what Transformers' config.json would say of the model."""

    @property
    def file(self) -> Path:
        """The file that the model is in. Raises WrongInput when there are several."""
        found = _model_files(self.directory)
        if len(found) != 1:
            names = ", ".join(file.name for file in found[:5])
            self.refuse(f" holds several checkpoints of fairseq: {names}\ncall the one to take {MODEL}")
        return found[0]

    @property
    def stated_in(self) -> str:
        """Name of the file that says its shape."""
        return self.file.name

    @cached_property
    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, Shape]]:
        """Fairseq's arguments, and the tensors' shapes by 0.12.2's names. Raises WrongInput for what it can't read."""
        [found] = read_pickles([self.file], REMEDY)
        if found.arguments is None or found.shapes is None:
            raise WrongInput(
                f'{self.file} holds no model of fairseq: tensors by name under "model", and "args" or "cfg"\n{REMEDY}'
            )
        return found.arguments, renamed(found.shapes, _thirds)

    def has_head(self) -> bool:
        """False: a classification head of fairseq's is not read."""
        return False

    def is_half_precision(self) -> bool:
        """Whether its weights hold numbers of 16 bits."""
        return read_pickles([self.file], REMEDY)[0].is_half_precision

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """What config.json would say. Raises WrongInput for another model and a dictionary that does not match."""
        arguments, shapes = self.stored
        embedding = shapes.get(WORDS, ())
        if len(embedding) != 2:
            self.refuse(f": its {self.file.name} lacks {WORDS}\n{REMEDY}")
        rows = len(self.symbols)
        if rows != embedding[0]:
            self.refuse(
                f": its {DICTIONARY} stands for {rows} rows, the embedding in its {self.file.name} has {embedding[0]}\n"
                f"needed there: the {DICTIONARY} that it was trained with"
            )
        return config_of(arguments, rows, self.refuse)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of all rows of the embedding, by the dictionary. Raises WrongInput where there is none."""
        if not (self.directory / DICTIONARY).is_file():
            self.refuse(
                f" holds no {DICTIONARY}\n"
                f"needed there beside {self.file.name}: {DICTIONARY}, and {SENTENCEPIECE} or {TOKENIZER}"
            )
        return read_dictionary(self.directory / DICTIONARY)

    @property
    def rows(self) -> int:
        """Rows of the embedding."""
        return self.number(("vocab_size",))

    def require_weights(self) -> None:
        """Raise WrongInput where several files could be meant."""
        self.files()

    def files(self) -> list[Path]:
        """Return the files that its content is known by."""
        return [self.file, self.directory / DICTIONARY]

    def tensors(self) -> dict[str, Shape]:
        """Return its tensors' shapes by Transformers' names; see `Checkpoint.tensors`.

        Raises WrongInput for tensors that are missing, or that Transformers' model has no place for.
        """
        held, layers = self.stored[1], self.number(("num_hidden_layers",))
        names = tensor_names(held, self.model_type)
        wanted = [*names, *body_names(self.model_type, layers)]
        if self.model_type == PRE_NORM:
            wanted.append(VERSION)  # without it fairseq would take the last norm away
        if missing := next((name for name in wanted if name not in held), None):
            self.refuse(f": its {self.file.name} lacks {missing}\n{REMEDY}")
        if other := next((name for name in held if name not in names and not UNUSED.fullmatch(name)), None):
            self.refuse(
                f": its {self.file.name} holds {other}\n"
                "allowed: RoBERTa with a language model's head, a classifier or both"
            )
        return {theirs: held[ours] for ours, theirs in names.items()}


def _model_files(directory: Path) -> list[Path]:
    named = directory / MODEL
    return [named] if named.is_file() else sorted(directory.glob("checkpoint*.pt"))


def is_fairseq(directory: Path) -> bool:
    """Whether a directory is fairseq's and not Transformers'."""
    return not (directory / "config.json").is_file() and bool(_model_files(directory))


def checkpoint_in(directory: Path, given: str, setting: str = "model.path=") -> Checkpoint:
    """Return what lies in a directory, of whichever format; see `Checkpoint`."""
    kind = FairseqCheckpoint if is_fairseq(directory) else Checkpoint
    return kind(given, directory, setting)


def _thirds(joined: Shape) -> list[Shape]:
    # of queries, keys and values, which one tensor holds in a row
    return [(joined[0] // 3, *joined[1:])] * 3

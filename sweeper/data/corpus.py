"""Raw text to pretrain on: files of any size, plain or compressed, a text a line, read as a stream."""

from __future__ import annotations

import bz2
import glob
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, ClassVar

from sweeper.data import DataSettings, Examples
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.trial.settings import LARGEST_SEED, setting

LONGEST_LINE_BYTES = 2**20  # a longer line is cut into several texts, so that no line fills the memory
NEEDED = "needed: text files, plain or .gz, .xz, .bz2"
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)  # what reading archives raises; OSError: of plain files too


@dataclass(frozen=True)
class Corpus(DataSettings):
    """Unlabelled text in files."""

    task: ClassVar[str] = "language_modelling"

    files: Any = setting(None, identity=False, help="a path or glob, or a list of them")
    held_out_share: float = setting(
        0.01, above=0, at_most=0.5, help="of the texts, for the loss that is reported and selects the weights"
    )
    split_seed: int = setting(0, at_least=0, at_most=LARGEST_SEED, help="of the texts that are held out")

    def check(self) -> None:
        """Raise WrongInput when there is no file, or one whose first text cannot be read, or no text at all."""
        for name, value in (("limit", self.limit), ("train_limit", self.train_limit)):
            if value is not None:
                raise WrongInput(f"data.{name}={value} draws from classes, and a corpus has none\nleave it out")
        files = self.paths()
        first = [next(texts([file]), None) for file in files]
        if not any(first):
            raise WrongInput(f"corpus={self.files} holds no text\nneeded: a text a line")

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the SHA-256 of each file's raw content, in the files' order."""
        whole = hashlib.sha256()
        for path in self.paths():
            with path.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        return whole.hexdigest()

    def label_names(self) -> tuple[str, ...]:
        """None: a corpus is not labelled."""
        return ()

    def splits(self) -> dict[str, Examples]:
        """Raise WrongInput: there is nothing to classify."""
        raise WrongInput(
            "a corpus has no labels to learn\nuse it to pretrain; to train on labelled texts choose data=…"
        )

    def unlabelled(self) -> list[str]:
        """All texts at once, for small uses; `texts` streams them."""
        return list(self.texts())

    def texts(self) -> Iterator[str]:
        """The texts of all files in order, streamed. Raises WrongInput."""
        return texts(self.paths())

    def paths(self) -> list[Path]:
        """The files, sorted and distinct. Raises WrongInput naming what matches none."""
        names = self.files if isinstance(self.files, list | tuple) else [self.files]
        if all(name in (None, "") for name in names):
            raise WrongInput(
                "corpus is missing\nneeded: files of text, a text a line\nadd corpus=FILE or corpus='*.txt'"
            )
        return sorted({path for name in names for path in _matching(str(name))})


def _matching(name: str) -> list[Path]:
    given = expanded("corpus", name)
    if given.is_dir():
        raise WrongInput(f"corpus={name} is a directory\nneeded: files; all of one kind in it: corpus='{name}/*.txt'")
    if given.is_file():
        return [given]
    if given.exists():
        raise WrongInput(f"corpus={name} is no regular file\n{NEEDED}")
    names = glob.glob(str(given), recursive=True)  # noqa: PTH207  leaves hidden files out
    found = [path for path in map(Path, names) if path.is_file()]
    if not found:
        raise WrongInput(f"corpus={name} does not exist\n{NEEDED}")
    return found


def texts(files: Sequence[Path]) -> Iterator[str]:
    """Stream the texts of UTF-8 files: a line each, stripped of white space around it, empty ones left out.

    Lines end with a line feed or CR LF; U+2028 and the like stay inside, where reviews have them. A line of more
    than `LONGEST_LINE_BYTES` is cut into several texts, at white space where it has some. Raises WrongInput naming
    the file, and the line when it is not UTF-8.
    """
    for file in files:
        encoding = "utf-8-sig"  # only a file's beginning may be a byte order mark
        try:
            with _opened(file) as content:
                for number, line in numbered_lines(content):
                    text = _decoded(line, encoding, file, number).strip()
                    encoding = "utf-8"
                    if text:
                        yield text
        except DAMAGED as error:
            raise WrongInput(f"{file} cannot be read to its end: {error}\nrepair it or leave it out") from error


def _opened(file: Path) -> BufferedIOBase:
    if file.suffix == ".gz":
        return gzip.open(file)
    if file.suffix == ".bz2":
        return bz2.open(file)
    return lzma.open(file) if file.suffix == ".xz" else file.open("rb")


def numbered_lines(content: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Stream the lines with their numbers from 1; one that is too long comes in several parts of the same number."""
    number, rest = 1, b""
    while part := content.readline(LONGEST_LINE_BYTES - len(rest)):
        line, rest = rest + part, b""
        is_whole = line.endswith(b"\n")
        if not is_whole and len(line) == LONGEST_LINE_BYTES:
            end = breaking_point(line)
            line, rest = line[:end], line[end:]
        yield number, line
        number += is_whole
    if rest:
        yield number, rest


def breaking_point(line: bytes) -> int:
    """Where to cut UTF-8 that goes on: after the last white space, else before the last character; at least 1."""
    after_space = 1 + max(line.rfind(space) for space in (b" ", b"\t"))
    if after_space:
        return after_space
    lengths = (back for back in range(1, 5) if line[-back] & 0b1100_0000 != 0b1000_0000)  # of a last character
    return len(line) - next(lengths, 0)


def _decoded(line: bytes, encoding: str, file: Path, number: int) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise WrongInput(f"{file}, line {number} is not UTF-8 ({error.reason})\nconvert the file to UTF-8") from error

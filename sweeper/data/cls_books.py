"""Book reviews with a binary sentiment: the "books" part of Webis CLS-10, or files laid out like it.

{train,valid,test}.review    UTF-8, a review a line        {train,valid,test}.label    0 or 1 a line
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeper.data import SPLITS, DataSettings, Examples
from sweeper.data.sampling import select, stratified_split
from sweeper.trial import WrongInput, digest, setting

LABEL_NAMES = ("negative", "positive")


@dataclass(frozen=True)
class ClsBooks(DataSettings):
    """Reviews in a directory; optionally with train and valid pooled and split again, stratified by label."""

    path: str | None = setting(None, identity=False)
    pool: bool = False
    validation_size: int | None = setting(None, at_least=1)  # examples; null: as many as valid.review has
    split_seed: int = setting(0, at_least=0)

    def check(self) -> None:
        """Raise WrongInput when a file is missing or wrong, or the settings do not fit the files."""
        if not self.pool and (self.validation_size is not None or self.split_seed):
            raise WrongInput(
                f"data.validation_size={self.validation_size} data.split_seed={self.split_seed} need"
                " data.pool=true\nset data.pool=true, or data.validation_size=null data.split_seed=0"
            )
        self.splits()

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the texts and labels of all files: it follows content, not path."""
        files = self._files()
        return digest({split: [files[split].texts, files[split].labels] for split in SPLITS})

    def label_names(self) -> tuple[str, ...]:
        """Negative and positive."""
        return LABEL_NAMES

    def splits(self) -> dict[str, Examples]:
        """The examples of train, valid and test, before any limit."""
        files = self._files()
        if not self.pool:
            return files
        train, valid = files["train"], files["valid"]
        pooled = Examples(train.texts + valid.texts, train.labels + valid.labels)
        size = len(valid) if self.validation_size is None else self.validation_size
        if size >= len(pooled):
            raise WrongInput(
                f"data.validation_size={size} leaves nothing to train on\n"
                f"allowed: 1 to {len(pooled) - 1}, train and valid having {len(pooled)} reviews together"
            )
        kept, held_out = stratified_split(pooled.labels, size, self.split_seed)
        return {"train": select(pooled, kept), "valid": select(pooled, held_out), "test": files["test"]}

    def unlabelled(self) -> list[str]:
        """The training texts that neither validation nor test holds too: the corpus repeats some reviews."""
        splits = self.splits()
        held_out = {*splits["valid"].texts, *splits["test"].texts}
        return [text for text in splits["train"].texts if text not in held_out]

    def tokenizer_path(self) -> Path | None:
        """The one sentencepiece*.model or tokenizer.json beside the reviews; None: none or several."""
        directory = self._directory()
        found = [*directory.glob("sentencepiece*.model"), *directory.glob("tokenizer.json")]
        return found[0] if len(found) == 1 else None

    def _directory(self) -> Path:
        if not self.path:
            raise WrongInput(
                "data.path is missing\nneeded: the directory of {train,valid,test}.review and .label\n"
                "add data.path=DIRECTORY"
            )
        directory = Path(self.path).expanduser()
        if not directory.is_dir():
            raise WrongInput(
                f"data.path={self.path} is not a directory\nneeded: {{train,valid,test}}.review and .label"
            )
        return directory

    def _files(self) -> dict[str, Examples]:
        directory = self._directory()
        names = [f"{split}.{kind}" for split in SPLITS for kind in ("review", "label")]
        missing = [name for name in names if not (directory / name).is_file()]
        if missing:
            raise WrongInput(f"{directory} lacks {', '.join(missing)}\nneeded: {', '.join(names)}")
        return {split: read_examples(directory / f"{split}.review", directory / f"{split}.label") for split in SPLITS}


def read_examples(reviews: Path, labels: Path) -> Examples:
    """Read reviews and their labels; raise WrongInput naming the first line that is wrong."""
    texts, marks = read_lines(reviews), [line.strip() for line in read_lines(labels)]
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            raise WrongInput(f"{reviews}, line {number} is empty\nneeded: a review on every line")
    for number, mark in enumerate(marks, start=1):
        if mark not in ("0", "1"):
            raise WrongInput(f"{labels}, line {number} is {mark[:40]!r}\nallowed: 0 (negative) or 1 (positive)")
    if len(texts) != len(marks):
        raise WrongInput(
            f"{reviews} has {len(texts)} lines, {labels.name} {len(marks)}\nneeded: a label for every review"
        )
    return Examples(tuple(texts), tuple(int(mark) for mark in marks))


def read_lines(file: Path) -> list[str]:
    """Read a UTF-8 file's lines, which end with a line feed or CR LF.

    Unlike `str.splitlines`, this leaves U+2028, U+0085 and the like inside a line, where reviews have them.
    """
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise WrongInput(f"{file}, line {number} is not UTF-8 ({error.reason})\nconvert the file to UTF-8") from error
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}") from error
    if not content:
        raise WrongInput(f"{file} is empty\nneeded: one line an example")
    return [line.removesuffix("\r") for line in content.removesuffix("\n").split("\n")]

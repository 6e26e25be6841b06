"""Book reviews with a binary sentiment: the "books" part of Webis CLS-10, or files laid out like it.

{train,valid,test}.review    UTF-8, a review a line        {train,valid,test}.label    0 or 1 a line
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sweeper.data import SPLITS, Examples
from sweeper.data.dialects import split_lines
from sweeper.data.encodings import utf8_text
from sweeper.data.limits import check_limits
from sweeper.data.splits import check_splits, stratified_parts, tokenizer_beside, unlabelled_texts
from sweeper.data.verbalisers import Verbalised
from sweeper.errors import WrongInput
from sweeper.records.files import expanded
from sweeper.trial.settings import LARGEST_SEED, MOST_UPDATES, setting
from sweeper.trial.trial import digest

LABEL_NAMES = ("negative", "positive")


@dataclass(frozen=True)
class ClsBooks(Verbalised):
    """Reviews in a directory; optionally with train and valid pooled and split again, stratified by label."""

    path: str | None = setting(
        None,
        identity=False,
        help="directory of {train,valid,test}.review, a text a line, and .label, 0 or 1 a line",
    )
    pool: bool = setting(False, help="whether train and valid are pooled and split again, stratified")
    validation_size: int | None = setting(
        None,
        at_least=1,
        at_most=MOST_UPDATES,
        help="validation examples after pooling; null: as many as valid.review has",
    )
    split_seed: int = setting(
        0, at_least=0, at_most=LARGEST_SEED, help="of that split; the trial's seed has no part in it"
    )

    def check(self) -> None:
        """Raise WrongInput when a file is missing or wrong, settings don't fit, or the splits don't."""
        if not self.pool and (self.validation_size is not None or self.split_seed):
            raise WrongInput(
                f"data.validation_size={self.validation_size} data.split_seed={self.split_seed} need"
                " data.pool=true\nset data.pool=true, or data.validation_size=null data.split_seed=0"
            )
        check_splits(self.splits(), LABEL_NAMES, f"data.path={self.path}")
        check_limits(self, len(LABEL_NAMES), f"data.path={self.path}")

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the splits' texts and labels: it follows content, not path."""
        splits = self.splits()
        return digest({split: [splits[split].texts, splits[split].labels] for split in SPLITS})

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
        kept, held_out = stratified_parts(pooled.labels, [size], self.split_seed)
        return {"train": pooled.at(kept), "valid": pooled.at(held_out), "test": files["test"]}

    def notes(self) -> tuple[str, ...]:
        """How validation was made, when it was."""
        if not self.pool:
            return ()
        size = "as many examples as before" if self.validation_size is None else f"{self.validation_size} examples"
        return (f"validation: {size} of train and valid pooled, stratified, split_seed {self.split_seed}",)

    def unlabelled(self) -> list[str]:
        """The training texts that neither validation nor test holds too: the corpus repeats some reviews."""
        return unlabelled_texts(self.splits())

    def tokenizer_path(self) -> Path | None:
        """The one sentencepiece*.model or tokenizer.json beside the reviews; None: none or several."""
        return tokenizer_beside(self._directory())

    def _directory(self) -> Path:
        directory = expanded("data.path", self.path or "")
        if not self.path or not directory.is_dir():
            said = f"data.path={self.path} is not a directory" if self.path else "data.path is missing"
            raise WrongInput(f"{said}\nneeded: the directory of {{train,valid,test}}.review and .label")
        return directory

    def _files(self) -> dict[str, Examples]:
        directory = self._directory()
        names = [f"{split}.{kind}" for split in SPLITS for kind in ("review", "label")]
        missing = [name for name in names if not (directory / name).is_file()]
        if missing:
            raise WrongInput(f"{directory} lacks {', '.join(missing)}\nneeded: {', '.join(names)}")
        return {split: _read_examples(directory / f"{split}.review", directory / f"{split}.label") for split in SPLITS}


def _read_examples(reviews: Path, labels: Path) -> Examples:
    texts, marks = split_lines(utf8_text(reviews)), [line.strip() for line in split_lines(utf8_text(labels))]
    for number, (text, mark) in enumerate(zip(texts, marks, strict=False), start=1):
        if not text.strip():
            raise WrongInput(f"{reviews}, line {number} is empty\nneeded: a review on every line")
        if mark not in ("0", "1"):
            raise WrongInput(f"{labels}, line {number} is {mark[:40]!r}\nallowed: 0 (negative) or 1 (positive)")
    if len(texts) != len(marks):
        raise WrongInput(
            f"{reviews} has {len(texts)} lines, {labels.name} {len(marks)}\nneeded: a label for every review"
        )
    return Examples(tuple(texts), tuple(int(mark) for mark in marks))

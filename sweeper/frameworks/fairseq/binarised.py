"""A trial's texts as fairseq reads them: binarised by its own code, once for a data set and dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sweeper.frameworks import inputs
from sweeper.frameworks.fairseq.mends import load_fairseq
from sweeper.records.files import cached
from sweeper.tokens.fairseq_dictionary import DICTIONARY, order, write_dictionary
from sweeper.trial.trial import Trial, digest

FORMAT = 1  # of what is cached
SPECIAL = 4  # rows of every dictionary before those that its file names


def rows_of(trial: Trial) -> int:
    """Return the number of rows of the model's embedding."""
    return trial.arch.vocabulary_size or inputs.tokenizer(trial).size


def order_of(trial: Trial) -> tuple[int, ...]:
    """Return the tokenizer's id that each row of fairseq's embedding stands for."""
    return order(inputs.tokenizer(trial), rows_of(trial))


def binarised(trial: Trial) -> Path:
    """Return the directory of a trial's binarised data: input0/ and label/, with a dict.txt and the splits in each.

    They are the ids of `inputs.tokenized` in fairseq's order, without <s>, which the task puts before each text. A
    pair is one input.
    """
    made_of = {"ids": inputs.tokenized_directory(trial).name, "rows": rows_of(trial), "format": FORMAT}
    directory = trial.cache / "fairseq" / f"{trial.choices['data']}-{digest(made_of)[:16]}"
    return cached(directory, partial(_binarise, trial))


def _binarise(trial: Trial, directory: Path) -> None:
    load_fairseq()
    texts, labels = directory / "input0", directory / "label"
    texts.mkdir()
    labels.mkdir()
    classes = len(trial.data.label_names())
    write_dictionary(inputs.tokenizer(trial), rows_of(trial), texts / DICTIONARY)
    (labels / DICTIONARY).write_text("".join(f"{number} 1\n" for number in range(classes)), encoding="utf-8")
    row = {index: number for number, index in enumerate(order_of(trial))}
    for name, split in inputs.tokenized(trial).items():
        ids = partial(map, lambda text: [row[index] for index in text[1:]], split["input_ids"])
        _write(texts / name, rows_of(trial), ids)
        _write(labels / name, SPECIAL + classes, partial(map, lambda label: [SPECIAL + label], split["labels"]))


def _write(prefix: Path, size: int, rows: Callable[[], Iterable[list[int]]]) -> None:
    """Write lists of numbers below `size` as fairseq's own preprocessing does; what it reads must be the same.

    `rows` is called twice: as an iterator each time, since the lists may not fit into memory.
    """
    from fairseq.binarizer import FileBinarizer, VocabularyDatasetBinarizer
    from fairseq.data import Dictionary
    from fairseq.data.data_utils import load_indexed_dataset

    binarizer = VocabularyDatasetBinarizer(Dictionary(), append_eos=False, already_numberized=True)
    with TemporaryDirectory() as temporary:
        text = Path(temporary) / "rows"
        with text.open("w", encoding="utf-8") as file:
            file.writelines(f"{' '.join(map(str, row))}\n" for row in rows())
        FileBinarizer.multiprocess_dataset(str(text), "mmap", binarizer, str(prefix), vocab_size=size)
    read = load_indexed_dataset(str(prefix))
    assert all(found.tolist() == row for found, row in zip(read, rows(), strict=True)), f"{prefix} reads otherwise"

"""Labelled texts written into files, as users have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from sweeper.data.facts import FILE, DataFacts, SplitFacts, read_facts
from sweeper.data.files import Files
from sweeper.data.questions import QuestionFiles
from tests.refusals import refusal_of

Columns = Mapping[str, Sequence[Any]]


def write_csv(file: Path, columns: Columns, separator: str = ",") -> None:
    rows = [columns.keys(), *zip(*columns.values(), strict=True)]
    file.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")


def write(file: Path, columns: Columns) -> None:
    if file.suffix == ".parquet":
        parquet.write_table(pyarrow.table(dict(columns)), file)
    elif file.suffix == ".jsonl":
        rows = zip(*columns.values(), strict=True)
        lines = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
        file.write_text("\n".join(lines), encoding="utf-8")
    else:
        write_csv(file, columns, "\t" if file.suffix == ".tsv" else ",")


def texts(split: str, size: int) -> list[str]:
    return [f"texte {split} {number}" for number in range(size)]


def cycle(labels: Sequence[Any], size: int) -> list[Any]:
    return [labels[index % len(labels)] for index in range(size)]


def labelled(split: str, size: int, labels: Sequence[Any] = ("neg", "pos")) -> Columns:
    return {"text": texts(split, size), "label": cycle(labels, size)}


def three(directory: Path, **splits: Columns) -> Files:
    for split in ("train", "valid", "test"):
        write(directory / f"{split}.jsonl", splits.get(split, labelled(split, 4)))
    return Files(path=str(directory))


def refusal(source: Files | QuestionFiles) -> str:
    return refusal_of(source.check).replace(f"{source.path}/", "").replace(str(source.path), "DIR")


def one_file(directory: Path, size: int, labels: Sequence[Any] = ("neg", "pos")) -> Files:
    write(directory / "reviews.csv", labelled("all", size, labels))
    return Files(path=str(directory / "reviews.csv"))


@dataclass(frozen=True)
class TokenizedFacts:
    data: DataFacts | None
    splits: dict[str, SplitFacts]


def load_facts(directory: Path) -> TokenizedFacts:
    """What a directory of tokenized data says of itself."""
    facts = json.loads((directory / FILE).read_text(encoding="utf-8"))
    return TokenizedFacts(read_facts(facts), {split: SplitFacts(**known) for split, known in facts["splits"].items()})

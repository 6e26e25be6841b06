"""Files of examples as columns: CSV, TSV, JSON, parquet. What is wrong in a file is refused with its name and lines.

Standard library only, except for parquet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from sweeper.data.delimited import read_delimited
from sweeper.data.dialects import Asked
from sweeper.data.json_rows import read_json
from sweeper.data.parquet_rows import read_parquet
from sweeper.data.table import Table
from sweeper.errors import WrongInput

Reader = Callable[[Path, Mapping[str, str] | None, Asked, Collection[str]], Table]
READERS: dict[str, Reader] = {
    ".jsonl": read_json,
    ".json": read_json,
    ".csv": partial(read_delimited, ".csv"),
    ".tsv": partial(read_delimited, ".tsv"),
    ".parquet": read_parquet,
}
EXTENSIONS = (*READERS, *(f"{extension}.gz" for extension in READERS if extension != ".parquet"))
AS_SHOWN = Asked()
# What each setting that tells of a format is read for.
DELIMITED = (".csv", ".tsv")
READ_FOR = {
    **dict.fromkeys(("separator", "quoting", "columns"), DELIMITED),
    "encoding": (*DELIMITED, ".jsonl", ".json", ""),  # "": a directory of texts for each class
}


def read_table(
    file: Path, wanted: Mapping[str, str] | None, asked: Asked = AS_SHOWN, optional: Collection[str] = ()
) -> Table:
    """Read columns of a file. Raises WrongInput.

    `wanted`: column -> setting, {"stars": "data.label=stars"}; None: every column. `optional` are those that
    may be missing.
    """
    try:
        _check_size(file)
        table = READERS[format_of(file)](file, wanted, asked, optional)
    except (MemoryError, OverflowError) as error:
        raise _too_large(file) from error
    if not len(table):
        raise WrongInput(f"{file} holds no examples\nneeded: at least one")
    return table


def kind(name: str) -> str:
    """Return a file name's extension without .gz: a key of READERS, or of no known kind."""
    return Path(name.lower().removesuffix(".gz")).suffix


def format_of(file: Path) -> str:
    """Return how a file is read, a key of READERS: by its extension, or as separated where that is none of them."""
    extension = kind(file.name)
    return extension if extension in READERS else DELIMITED[0]


def _check_size(file: Path) -> None:
    if file.stat().st_size > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"):
        raise _too_large(file)


def _too_large(file: Path) -> WrongInput:
    return WrongInput(
        f"{file}, of {file.stat().st_size / 1e9:.1f} GB, does not fit into memory\n"
        "needed: a file that is read at once; take a part of it"
    )

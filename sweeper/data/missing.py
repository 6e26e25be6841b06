"""What is missing in tables: the labels or answers of a whole split, which is made instead, or those of single rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sweeper.data import EVALUATED
from sweeper.data.columns import Faults
from sweeper.data.table import Table, check_rows
from sweeper.errors import WrongInput

# What R, NumPy, pandas, databases and spreadsheets write where there is nothing.
MARKS = ("NA", "N/A", "<NA>", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "None")
SECRET = ("-1", "-1.0")  # the hub's mark of a label that is not told
DROP = "data.missing=drop leaves such rows out"


class Missing(StrEnum):
    """What becomes of rows without a text, a label or an answer."""

    refuse = "refuse"
    drop = "drop"


@dataclass(frozen=True)
class Found:
    """The splits that a source has, as tables; train is always among them."""

    tables: Mapping[str, Table]
    remarks: Mapping[str, str] = field(default_factory=dict)  # split -> why the source's own is not taken


def told(found: Found, target: str, targets: str) -> Found:
    """Leave out validation or test where all labels or answers, the column `target`, are missing or kept secret."""
    known = {str(value) for value in found.tables["train"].columns[target]}
    untold = [
        split
        for split in EVALUATED
        if split in found.tables and _is_untold(found.tables[split].columns.get(target, ()), known)
    ]
    return Found(
        {split: table for split, table in found.tables.items() if split not in untold},
        remarks={split: f"the data set's own has no {targets}" for split in untold},
    )


def _is_untold(values: Sequence[Any], known: set[str]) -> bool:
    marks = {"None", "nan", "", *MARKS, *SECRET} - known
    return all((value is None or str(value).strip() in marks) for value in values)


def without_missing(table: Table, faults: Faults, missing: Missing, needed: str) -> tuple[Table, list[int], str]:
    """Return the table, the indices of its rows that are kept, and a sentence on those that are not.

    Raises WrongInput for rows that are wrong, or that lack something where that is refused.
    """
    refused = faults.wrong if missing == Missing.drop else {**faults.missing, **faults.wrong}
    drop = f"\n{DROP}" if faults.missing and missing == Missing.refuse else ""
    check_rows(table, dict(sorted(refused.items())), needed + drop)
    kept = [index for index in range(len(table)) if index not in faults.missing]
    if len(kept) == len(table):
        return table, kept, ""
    if not kept:
        raise WrongInput(f"{table.source}: {DROP}, and none is left\nneeded: rows with all that is read of them")
    said = f"{len(faults.missing):,} of {len(table):,} rows left out, which lack {_lacking(faults)} (data.missing=drop)"
    return table.at(kept), kept, said


def _lacking(faults: Faults) -> str:
    return " or ".join(sorted({reason.partition(" is ")[0] for reason in faults.missing.values()}))


def by_split(said: Mapping[str, Sequence[str]], titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return each sentence with the splits of which it is true before it."""
    of: dict[str, list[str]] = {}
    for split, sentences in said.items():
        for sentence in filter(None, sentences):
            of.setdefault(sentence, []).append(titles[split])
    return tuple(f"{_and(names)}: {sentence}" for sentence, names in of.items())


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def marks_among(names: set[str]) -> set[str]:
    """Return the names that stand for a missing label: among two or more other classes they name none themselves."""
    marks = {name for name in names if name in MARKS}
    if len(names - marks) > 1 and all(any(map(str.isalpha, name)) for name in names - marks - {"-", "?"}):
        marks |= names & {"-", "?"}  # SNLI's mark of a label that annotators did not agree on
    return marks if len(names - marks) > 1 else set()


def without_marks(names: list[str], faults: Faults, marks: set[str], label: str) -> Faults:
    """Count labels that stand for missing ones among the missing."""
    found = {index: f"{label} is {name}, which names no class" for index, name in enumerate(names) if name in marks}
    return replace(faults, missing={**faults.missing, **found})

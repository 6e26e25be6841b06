"""What a reader must know of a data set: how large its classes are, what its splits share, what tokenizing cut.

Standard library only: reports read it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sweeper.data import EVALUATED, DataSource, QuestionSource
from sweeper.data.class_checks import absence_notes
from sweeper.data.limits import limit_notes, limited

FILE = "facts.json"
# Of a directory of tokenized data, facts.json included; directories of another format are not read.
FORMAT = 3
# A set whose largest class has more than this many times the examples of its smallest is called unbalanced.
UNBALANCED_RATIO = 1.5


@dataclass(frozen=True)
class DataFacts:
    """Sizes, classes and leakage of the splits, after any limit."""

    label_names: tuple[str, ...]  # empty where examples are questions with answers
    class_counts: Mapping[str, tuple[int, ...]]  # split -> examples of each class; of questions their number alone
    leaked: Mapping[str, int]  # "valid": its examples that train holds too; "test": those that train or valid holds
    notes: tuple[str, ...]  # how they were read and made

    @property
    def unbalanced(self) -> bool:
        """Whether the classes of any split differ much in size."""
        return any(max(counts) > UNBALANCED_RATIO * min(counts) for counts in self.class_counts.values())


@dataclass(frozen=True)
class SplitFacts:
    """What tokenizing did to a split."""

    examples: int
    truncated: int  # examples that were longer than the largest length
    tokens: int  # ids that the model sees in an epoch, <s> and </s> included
    unknown_share: float  # of the ids but <s> and </s>, those that are <unk>


def data_facts(source: DataSource) -> DataFacts:
    """Count a data set's classes, and the examples that its splits share, after its limit.

    An example is shared when another split has exactly its text; in a set of pairs, both texts.
    """
    whole = source.splits()
    splits = limited(source, whole)
    names, notes = source.label_names(), source.notes()
    limits = any(len(splits[split]) < len(whole[split]) for split in whole)
    absent = [f"after limits {note}" for note in absence_notes(splits, names) if note not in notes] if limits else []
    counts = {split: Counter(examples.labels) for split, examples in splits.items()}
    return DataFacts(
        label_names=names,
        class_counts={split: tuple(counted[label] for label in range(len(names))) for split, counted in counts.items()},
        leaked=leaked({split: examples.inputs for split, examples in splits.items()}),
        notes=(*notes, *limit_notes(source, whole), *absent),
    )


def question_facts(source: QuestionSource) -> DataFacts:
    """Count a data set's questions, and those that its splits share whatever their answers, after its limit."""
    whole = source.splits()
    splits = {split: pairs.questions for split, pairs in limited(source, whole).items()}
    sizes = {split: (len(questions),) for split, questions in splits.items()}
    notes = (*source.notes(), *limit_notes(source, whole))
    return DataFacts(label_names=(), class_counts=sizes, leaked=leaked(splits), notes=notes)


def leaked(inputs: Mapping[str, Sequence[Hashable]]) -> dict[str, int]:
    """Count validation's examples that train holds too, and test's that train or validation holds."""
    seen, counts = set(inputs["train"]), {}
    for split in EVALUATED:
        counts[split] = sum(text in seen for text in inputs[split])
        seen.update(inputs[split])
    return counts


def save_facts(directory: Path, data: DataFacts, splits: Mapping[str, SplitFacts]) -> None:
    """Write facts.json into a directory of tokenized data."""
    facts = {"data": asdict(data), "splits": {split: asdict(known) for split, known in splits.items()}}
    (directory / FILE).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_facts(recorded: Mapping[str, Any]) -> DataFacts | None:
    """Return what facts.json, or a record of it, says of the data set; None where it says nothing of it."""
    known = recorded.get("data")
    if not known:
        return None
    counts = {split: tuple(sizes) for split, sizes in known["class_counts"].items()}
    return DataFacts(tuple(known["label_names"]), counts, known["leaked"], tuple(known["notes"]))

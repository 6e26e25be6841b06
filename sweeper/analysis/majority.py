"""The majority class: its share of each set, which always answering it reaches, and which trials do no better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.analysis.collapse import ONE_CLASS, ROUNDING, Collapse, Validation, collapse, last_losses
from sweeper.analysis.contents import Value
from sweeper.analysis.rows import SETS, Comparison, GroupRow, MeasuredRow, Values
from sweeper.data import EVALUATED
from sweeper.data.facts import read_facts
from sweeper.errors import WrongInput
from sweeper.trial.outcome import Metric

ACCURACY = "accuracy"  # the one metric that the majority's share is a value of


def shares(facts: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the most frequent class's share of validation and of test; none where a record does not tell classes."""
    known = read_facts(facts or {})
    if known is None or not known.label_names:  # questions have no classes
        return {}
    counts = ((name, known.class_counts.get(split, ())) for name, split in zip(SETS, EVALUATED, strict=True))
    return {name: max(sizes) / sum(sizes) for name, sizes in counts if sum(sizes)}


def trial_collapse(
    facts: Mapping[str, Any] | None,
    at_best: Mapping[str, float],
    metrics: Iterable[Metric],
    predictions: Path | None = None,
) -> Collapse | None:
    """Say by what a done trial is seen to have collapsed, from its record: `at_best` are its metrics at the best step.

    Test metrics are never looked at. The file of predictions, if there is one, is opened only where the accuracy leaves
    room for one class alone, which few trials' does.
    """
    accuracy, majority = at_best.get(f"valid/{ACCURACY}"), shares(facts).get("validation")
    answers = None
    if predictions and accuracy is not None and majority and accuracy <= majority + 1 - ONE_CLASS + ROUNDING:
        answers = _answers(predictions)
    return collapse(Validation(accuracy, majority, last_losses(metrics), answers))


def _answers(path: Path) -> Mapping[object, int] | None:
    """How often each class was answered on validation; None where that is not kept, or the file cannot be used.

    What is wrong with a file is said where its interval lacks.
    """
    if not path.exists():
        return None
    from sweeper.records.predictions import ClassPredictions, read_predictions

    try:
        found = read_predictions(path, ["valid"]).splits.get("valid")
    except WrongInput:
        return None
    return Counter(found.answer.tolist()) if isinstance(found, ClassPredictions) else None


def common(known: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the shares that all have, and have alike."""
    first = known[0] if known else {}
    return {split: share for split, share in first.items() if all(own.get(split) == share for own in known)}


def majority_of(groups: Iterable[GroupRow]) -> dict[str, float]:
    """Return the majority's share on the sets where it is the same in all groups that have a trial that counts."""
    return common([row.majority for row in groups if row.counted])


@dataclass(frozen=True)
class MajorityRow(MeasuredRow):
    """What always answering the most frequent class reaches, where groups have these values of the block factors."""

    blocks: tuple[Value, ...]
    metric: str
    validation: float | None
    test: float | None
    others: Mapping[str, Values]


def majority_rows(comparison: Comparison) -> Iterator[MajorityRow]:
    """Yield a row a block and selection metric, its accuracy alone; none where a majority is not known."""
    positions = [comparison.factors.index(name) for name in comparison.roles.blocks]
    found: dict[tuple[tuple[Value, ...], str], list[GroupRow]] = {}
    for row in comparison.groups:
        blocks = tuple(row.factors[position] for position in positions)
        found.setdefault((blocks, row.metric), []).append(row)
    for (blocks, metric), rows in found.items():
        if known := majority_of(rows):
            own, nothing = Values(known.get("validation"), known.get("test")), Values(None, None)
            selecting = own if metric == ACCURACY else nothing
            yield MajorityRow(blocks, metric, selecting.validation, selecting.test, {ACCURACY: own})

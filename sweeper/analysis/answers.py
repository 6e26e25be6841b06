"""What a study's trials answered to each example of a split, as one table, and what is lacking. Imports numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

import numpy as np

from sweeper.data import Answered
from sweeper.data.example_keys import example_key
from sweeper.data.facts import read_facts
from sweeper.errors import WrongInput, first_line
from sweeper.frameworks import ALLOWED
from sweeper.frameworks.examples import split_rows, texts_of_rows
from sweeper.frameworks.predictions import checked_predictions
from sweeper.records.predictions import AnswerPredictions, ClassPredictions, Predicted, SequencePredictions
from sweeper.records.record import Record
from sweeper.records.restore import restored
from sweeper.records.study import StudyRecords
from sweeper.trial.outcome import Best, Status


@dataclass(frozen=True)
class Row:
    """An example: its data set, its key, the number of its occurrence, and its label as it is kept."""

    data: str
    example: int
    occurrence: int
    label: int | None


@dataclass(frozen=True)
class Column:
    """What a trial answered, by one name: `values` of the table's rows numbered by `rows`."""

    trial: str
    name: str
    rows: Sequence[int]
    values: Any


@dataclass(frozen=True)
class AnswerTable:
    """Examples by trials. `texts` and `labels` are of those rows for which they are known.

    `lacking` are done trials without predictions, `refused` lines on files that are not what is on record, `notes` on
    what is not at hand.
    """

    rows: Sequence[Row]
    texts: Mapping[int, tuple[str, ...]]
    labels: Mapping[int, str]
    columns: Sequence[Column]
    lacking: Sequence[str]
    refused: Sequence[str]
    notes: Sequence[str]


def done_trials(study: StudyRecords) -> list[tuple[Record, Best]]:
    """Return the records of a study's done trials, and their best epochs."""
    outcomes = ((record, record.outcome()) for record in study.records)
    return [
        (record, outcome.best)
        for record, outcome in outcomes
        if outcome is not None and outcome.status is Status.DONE and outcome.best is not None
    ]


def answer_table(study: StudyRecords, split: str) -> AnswerTable:
    """Read what a study's done trials answered to a split, each file checked against its trial's record.

    Raises WrongInput where there is nothing to show.
    """
    rows: dict[Row, int] = {}
    found: list[tuple[Record, Predicted, str, Sequence[int]]] = []
    lacking: list[str] = []
    refused: list[str] = []
    notes: list[str] = []
    kinds: dict[str, list[tuple[str, ...]]] = {}
    for record, best in done_trials(study):
        try:
            known = checked_predictions(record.predictions, best, [split]) if record.predictions.exists() else None
        except WrongInput as error:
            refused.append(first_line(error))
            continue
        if known is None:
            lacking.append(record.path.name)
            continue
        if split not in known.splits:
            notes.append(f"{record.path.name} was not evaluated on {split}")
            continue
        predicted, data = known.splits[split], _data_of(record, kinds)
        numbers = [rows.setdefault(row, len(rows)) for row in _rows(data, predicted)]
        found.append((record, predicted, data, numbers))
    if not found:
        raise WrongInput(_nothing(study, split, lacking, [*refused, *notes]))
    first = {(data, _digest(record)): record for record, _, data, _ in reversed(found)}
    names = {data: _label_names(record) for (data, _), record in first.items()}
    texts, labels = _texts(first, rows, split, notes)
    for row, number in rows.items():
        if row.label is not None and row.label < len(names[row.data]):
            labels[number] = names[row.data][row.label]
    columns = [
        Column(record.path.name, name, numbers, values)
        for record, predicted, data, numbers in found
        for name, values in _columns(predicted, names[data]).items()
    ]
    return AnswerTable(list(rows), texts, labels, columns, lacking, refused, notes)


def _nothing(study: StudyRecords, split: str, lacking: Sequence[str], problems: Sequence[str]) -> str:
    if problems:
        return f"{problems[0]}\nno trial of {study.path} has other predictions of {split}"
    if not lacking:
        return f"no trial of {study.path} is done\nrun its command first"
    return (
        f"no trial of {study.path} has kept predictions of {split}\n"
        f"python -m sweeper.predictions {quote(str(study.path))} --make makes them of the best weights"
    )


def _data_of(record: Record, kinds: dict[str, list[tuple[str, ...]]]) -> str:
    """Name a record's data by its choice, and by a number where others of that choice have other classes: `kinds`."""
    description = record.description()
    choice = str(description["choices"]["data"]) if description else ""
    names, known = _label_names(record), kinds.setdefault(choice, [])
    if names not in known:
        known.append(names)
    number = known.index(names) + 1
    return choice if number == 1 else f"{choice} ({number})"


def _digest(record: Record) -> str:
    """What a record's data is known by, its splits included."""
    description = record.description()
    return str(description["config"]["digests"].get("data")) if description else ""


def _label_names(record: Record) -> tuple[str, ...]:
    facts = read_facts((record.description() or {}).get("facts") or {})
    return facts.label_names if facts else ()


def _rows(data: str, predicted: Predicted) -> list[Row]:
    labels = predicted.label.tolist() if isinstance(predicted, ClassPredictions | AnswerPredictions) else None
    keys = zip(predicted.example.tolist(), predicted.occurrence.tolist(), strict=True)
    return [Row(data, *key, labels[index] if labels else None) for index, key in enumerate(keys)]


def _columns(predicted: Predicted, names: Sequence[str]) -> dict[str, Any]:
    """Return what the table shows of a trial's answers: of classes the answer and its probability."""
    if isinstance(predicted, ClassPredictions):
        answers = predicted.answer
        probabilities = np.exp(predicted.log_probabilities[np.arange(len(predicted)), answers])
        shown = [names[answer] if answer < len(names) else str(answer) for answer in answers.tolist()]
        return {"answer": shown, "probability": probabilities}
    if isinstance(predicted, AnswerPredictions):
        return {
            "answer": predicted.answer,
            "exact_match": predicted.exact_match,
            "token_f1": predicted.token_f1,
            "loss": predicted.loss,
        }
    assert isinstance(predicted, SequencePredictions)
    return {"loss": predicted.loss, "tokens": predicted.tokens}


def _texts(
    first: Mapping[tuple[str, str], Record], rows: Mapping[Row, int], split: str, notes: list[str]
) -> tuple[dict[int, tuple[str, ...]], dict[int, str]]:
    """Return the texts of rows, and the expected answers of questions, where the data set is at hand."""
    texts: dict[tuple[str, int], tuple[str, ...]] = {}
    answers: dict[tuple[str, int], str] = {}
    for (data, _), record in first.items():
        try:
            trial = restored(record.path, ALLOWED)
            if trial.task.is_language_modelling:
                continue
            examples = split_rows(trial)[split]
        except Exception as error:  # whatever reading them anew raises
            notes.append(f"the texts of data={data} are not shown: {first_line(error)}")
            continue
        texts |= {(data, example_key(own)): own for own in texts_of_rows(examples)}
        if isinstance(examples, Answered):
            answers |= {(data, example_key([answer])): answer for answer in examples.answers}
    found = {number: texts[row.data, row.example] for row, number in rows.items() if (row.data, row.example) in texts}
    expected = {
        number: answers[row.data, row.label]
        for row, number in rows.items()
        if row.label is not None and (row.data, row.label) in answers
    }
    return found, expected

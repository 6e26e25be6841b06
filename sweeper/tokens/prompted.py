"""A labelled data set as a causal language model reads it: each text in a prompt, which a class's words follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import datasets

from sweeper.data import Answered, DataSource, Examples, QuestionSource
from sweeper.data.facts import data_facts, question_facts
from sweeper.data.limits import limited
from sweeper.data.verbalisers import verbalisers
from sweeper.errors import WrongInput
from sweeper.records.files import cached
from sweeper.tokens.prompts import (
    PRECEDING,
    Prompted,
    answer_ids,
    check_pieces,
    continuations,
    prompted,
    question_ids,
    question_room,
    split_facts,
)
from sweeper.tokens.tokenized import as_dataset, labels_column, save_splits
from sweeper.tokens.tokenizer import Tokenizer, kept_of_pair

SHOWN = 60  # characters of an answer in a message


def tokenized(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the data set's prompts where it does not exist yet; as in `data.tokenized`.

    Of each example there are `input_ids`, from <s> to where the answer begins, `labels` and `length`. Whichever class's
    words follow, with </s> there are at most `max_length` ids. Raises WrongInput when texts have no room, and for
    verbalisers that the tokenizer cannot tell apart.
    """
    return cached(directory, lambda temporary: _build(temporary, source, tokenizer, max_length))


def class_answers(source: DataSource, tokenizer: Tokenizer, names: Sequence[str] = ()) -> list[list[int]]:
    """Return the ids that each class answers with, </s> last; `names` as for `verbalisers`."""
    return answer_ids(tokenizer, verbalisers(source, names))


def _build(directory: Path, source: DataSource, tokenizer: Tokenizer, max_length: int) -> None:
    check_pieces(tokenizer, source)
    answers = class_answers(source, tokenizer)
    splits = {}
    for split, examples in limited(source, source.splits()).items():
        questions = questions_of(tokenizer, examples)
        prompts = in_prompts(tokenizer, questions, examples.labels, answers, max_length)
        starts = [list(item.input_ids[: item.answer]) for item in prompts]
        facts = split_facts([list(chain(*texts)) for texts in questions], prompts, tokenizer.unk)
        splits[split] = as_dataset(starts, labels_column(examples, source)), facts
    save_splits(directory, splits, data_facts(source))


def questions_of(tokenizer: Tokenizer, examples: Examples) -> list[list[list[int]]]:
    """Return the uncut ids of each example's text, or of both texts of its pair, of which each has a line."""
    columns = [question_ids(tokenizer, examples.texts)]
    if examples.seconds:
        columns.append(continuations(tokenizer, PRECEDING, [f"\n{text}" for text in examples.seconds]))
    return [list(texts) for texts in zip(*columns, strict=True)]


def in_prompts(
    tokenizer: Tokenizer,
    questions: Sequence[list[list[int]]],
    labels: Sequence[int],
    answers: Sequence[Sequence[int]],
    max_length: int,
) -> list[Prompted]:
    """Put each question before its class's answer, with room for the longest; of a pair the longer text is cut."""
    longest = max(map(len, answers))
    room = question_room(tokenizer, longest, max_length)
    return [
        prompted(tokenizer, _joined(texts, room), answers[label], max_length, longest)
        for texts, label in zip(questions, labels, strict=True)
    ]


def _joined(texts: list[list[int]], room: int) -> list[int]:
    # What there is no room for of either text comes last, to be cut off.
    if len(texts) == 1:
        return texts[0]
    first, second = texts
    kept_first, kept_second = kept_of_pair(len(first), len(second), room)
    return [*first[:kept_first], *second[:kept_second], *first[kept_first:], *second[kept_second:]]


def tokenized_answers(directory: Path, source: QuestionSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the prompts of a data set where it does not exist yet.

    Columns: input_ids (<s> … </s>), answer (index of the answer's first id), length (in ids), and the texts question
    and expected. Of a prompt that would have more than `max_length` ids the question is cut. Raises WrongInput for an
    answer that leaves it no room.
    """
    return cached(directory, lambda temporary: _build_answers(temporary, source, tokenizer, max_length))


def _build_answers(directory: Path, source: QuestionSource, tokenizer: Tokenizer, max_length: int) -> None:
    splits = {}
    for split, pairs in limited(source, source.splits()).items():
        questions = question_ids(tokenizer, pairs.questions)
        prompts = _answers_in_prompts(tokenizer, questions, pairs, max_length)
        columns = {
            "answer": (datasets.Value("int32"), [prompt.answer for prompt in prompts]),
            "question": (datasets.Value("string"), pairs.questions),
            "expected": (datasets.Value("string"), pairs.answers),
        }
        rows = as_dataset([list(prompt.input_ids) for prompt in prompts], columns)
        splits[split] = rows, split_facts(questions, prompts, tokenizer.unk)
    save_splits(directory, splits, question_facts(source))


def _answers_in_prompts(
    tokenizer: Tokenizer, questions: list[list[int]], pairs: Answered, max_length: int
) -> list[Prompted]:
    prompts = []
    for question, ids, answer in zip(questions, answer_ids(tokenizer, pairs.answers), pairs.answers, strict=True):
        try:
            prompts.append(prompted(tokenizer, question, ids, max_length))
        except WrongInput as error:
            shown = answer if len(answer) <= SHOWN else f"{answer[:SHOWN]}…"
            said = str(error).replace("\n", "; ")  # in one line: of a log the last one is shown
            raise WrongInput(f"the answer {shown!r} has {len(ids)} ids: {said}") from error
    return prompts

"""Questions and answers as prompts of ids: made once for a (data, tokenizer, length), shared by all trials."""

from __future__ import annotations

from pathlib import Path

import datasets

from sweeper.cache import cached
from sweeper.data import Answered, QuestionSource
from sweeper.data.facts import TokenizedFacts, question_facts, save_facts
from sweeper.data.prompts import Prompted, answer_ids, prompted, question_ids, split_facts
from sweeper.data.tokenized import no_progress_bars
from sweeper.data.tokenizer import Tokenizer
from sweeper.wrong_input import WrongInput

SHOWN = 60  # characters of an answer in a message


def tokenized_answers(directory: Path, source: QuestionSource, tokenizer: Tokenizer, max_length: int) -> Path:
    """Return `directory`, filled with the prompts of a data set where it does not exist yet.

    The caller's choice of directory stands for the content of the other arguments. Of a prompt that would have more
    than `max_length` ids the question is cut. Raises WrongInput for an answer that leaves it no room.
    """
    return cached(directory, lambda temporary: build(temporary, source, tokenizer, max_length))


def build(directory: Path, source: QuestionSource, tokenizer: Tokenizer, max_length: int) -> None:
    """Tokenize a data set into an empty directory.

    Columns: input_ids (<s> … </s>, not padded), answer (index of the answer's first id), length (in ids), and the
    texts question and expected.
    """
    splits, facts = {}, {}
    for split, pairs in source.splits().items():
        pairs = pairs.first(source.limit)
        questions = question_ids(tokenizer, pairs.questions)
        prompts = in_prompts(tokenizer, questions, pairs, max_length)
        splits[split] = as_dataset(prompts, pairs)
        facts[split] = split_facts(questions, prompts, tokenizer.unk)
    with no_progress_bars():
        datasets.DatasetDict(splits).save_to_disk(str(directory))
    save_facts(directory, TokenizedFacts(question_facts(source), facts))


def in_prompts(tokenizer: Tokenizer, questions: list[list[int]], pairs: Answered, max_length: int) -> list[Prompted]:
    """Return each question with its answer as a prompt. Raises WrongInput, naming the answer that is too long."""
    prompts = []
    for question, ids, answer in zip(questions, answer_ids(tokenizer, pairs.answers), pairs.answers, strict=True):
        try:
            prompts.append(prompted(tokenizer, question, ids, max_length))
        except WrongInput as error:
            shown = answer if len(answer) <= SHOWN else f"{answer[:SHOWN]}…"
            said = str(error).replace("\n", "; ")  # in one line: of a log the last one is shown
            raise WrongInput(f"the answer {shown!r} has {len(ids)} ids: {said}") from error
    return prompts


def as_dataset(prompts: list[Prompted], pairs: Answered) -> datasets.Dataset:
    """Put a split's prompts and texts into columns."""
    features = datasets.Features(
        {
            "input_ids": datasets.List(datasets.Value("int32")),
            "answer": datasets.Value("int32"),
            "length": datasets.Value("int32"),
            "question": datasets.Value("string"),
            "expected": datasets.Value("string"),
        }
    )
    columns = {
        "input_ids": [list(prompt.input_ids) for prompt in prompts],
        "answer": [prompt.answer for prompt in prompts],
        "length": [len(prompt.input_ids) for prompt in prompts],
        "question": list(pairs.questions),
        "expected": list(pairs.answers),
    }
    return datasets.Dataset.from_dict(columns, features=features)

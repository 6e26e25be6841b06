from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from sweeper.data import SPLITS
from sweeper.data.demo import ADJECTIVES, Demo
from sweeper.data.qa_demo import OPINION, OPINIONS, TAUGHT, WHERE, WHO, QaDemo, content
from sweeper.trial.trial import digest

SPLIT_SIZES = {"train": 2000, "valid": 200, "test": 500}


def asked(question: str) -> tuple[str, str]:
    """What is told and what is asked."""
    told, _, wanted = question.partition(" . ")
    return told, wanted


def test_digest_is_that_of_the_generated_content() -> None:
    content.cache_clear()
    unlabelled, splits = content()
    assert QaDemo().digest() == digest(
        [unlabelled, {split: [pairs.questions, pairs.answers] for split, pairs in splits.items()}]
    )


def test_planning_generates_nothing() -> None:
    program = (
        "import sys; from sweeper.data.qa_demo import QaDemo, content; QaDemo().check(); QaDemo().digest();"
        "print(content.cache_info().currsize, {'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "set()"]


def test_sizes_and_no_question_twice() -> None:
    splits = QaDemo().splits()
    assert {split: len(pairs) for split, pairs in splits.items()} == SPLIT_SIZES and tuple(splits) == SPLITS
    questions = [question for pairs in splits.values() for question in pairs.questions]
    assert len({*questions, *QaDemo().unlabelled()}) == len(questions) + len(set(QaDemo().unlabelled()))


@pytest.mark.parametrize("split", SPLITS)
def test_answers_follow_from_the_questions(split: str) -> None:
    pairs = QaDemo().splits()[split]
    counts: Counter[str] = Counter()
    for question, answer in zip(pairs.questions, pairs.answers, strict=True):
        told, wanted = asked(question)
        label = int(bool(set(ADJECTIVES[1]) & set(told.split())))
        assert set(ADJECTIVES[1 - label]).isdisjoint(told.split())
        expected = {WHO: told.startswith(f"{answer} reads"), WHERE: told.endswith(f" {answer}")}
        assert expected.get(wanted, answer == OPINIONS[label])
        counts[wanted] += 1
    assert counts[OPINION] / len(pairs) == pytest.approx(0.5, abs=0.06)
    assert counts[WHO] / len(pairs) == pytest.approx(0.25, abs=0.06)


def test_much_of_the_test_is_never_asked_in_training() -> None:
    known = {word for question in QaDemo().splits()["train"].questions for word in question.split()}
    opinion_words = {*ADJECTIVES[0], *ADJECTIVES[1]}
    assert len(known & opinion_words) == 2 * TAUGHT
    questions = QaDemo().splits()["test"].questions
    assert sum(bool(opinion_words.intersection(text.split()) - known) for text in questions) / len(questions) > 0.5


def test_the_unlabelled_text_is_the_demos_and_holds_every_word() -> None:
    unlabelled = QaDemo().unlabelled()
    assert unlabelled[:20000] == Demo().unlabelled() and len(unlabelled) == 22000
    words = {word for text in unlabelled for word in text.split()}
    for pairs in QaDemo().splits().values():
        assert {word for text in pairs.every_text for word in text.split()} <= words

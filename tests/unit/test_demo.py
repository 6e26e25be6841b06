from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import combinations, pairwise

import pytest

from sweeper.data import SPLITS, demo, qa_demo
from sweeper.data.demo import ADJECTIVES, NOUNS, VERBS, Demo, Grammar, clauses
from sweeper.data.qa_demo import OPINION, OPINIONS, TAUGHT, WHERE, WHO, QaDemo
from sweeper.trial.trial import digest

POLAR = tuple({*ADJECTIVES[label], *NOUNS[label], *VERBS[label]} for label in (0, 1))
OPINION_WORDS = POLAR[0] | POLAR[1]


def opinion_words(split: str) -> set[str]:
    return {word for text in Demo().splits()[split].texts for word in text.split()} & OPINION_WORDS


def opinion_clauses(text: str) -> set[str]:
    return {clause for clause in clauses(text) if OPINION_WORDS.intersection(clause.split())}


def lexicon_label(text: str) -> int | None:
    words = text.split()
    score = sum((word in POLAR[1]) - (word in POLAR[0]) for word in words) * (-1 if "never" in words else 1)
    return None if score == 0 else int(score > 0)


def test_digest_is_that_of_the_generated_content() -> None:
    demo.content.cache_clear()
    unlabelled, splits = demo.content()
    columns = {split: {"texts": examples.texts, "labels": examples.labels} for split, examples in splits.items()}
    assert Demo().digest() == digest([unlabelled, columns])


@pytest.mark.parametrize(("module", "name"), [("demo", "Demo"), ("qa_demo", "QaDemo")])
def test_planning_generates_nothing_and_imports_nothing_heavy(module: str, name: str) -> None:
    program = (
        f"import sys; from sweeper.data.{module} import {name}, content; {name}().check(); {name}().digest();"
        "print(content.cache_info().currsize, {'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "set()"]


def test_sizes_and_balance() -> None:
    splits = Demo().splits()
    assert tuple(splits) == SPLITS
    assert [len(examples) for examples in splits.values()] == [200, 200, 1000]
    for examples in splits.values():
        assert examples.labels.count(1) == examples.labels.count(0) == len(examples) // 2
    assert len(Demo().unlabelled()) == 20000


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_shuffled(split: str) -> None:
    labels = Demo().splits()[split].labels
    changes = sum(one != other for one, other in pairwise(labels))
    assert 0.4 < changes / len(labels) < 0.6


@pytest.mark.parametrize("split", SPLITS)
def test_no_labelled_opinion_is_in_the_unlabelled_text(split: str) -> None:
    unlabelled = {clause for text in Demo().unlabelled() for clause in clauses(text)}
    labelled = [opinion_clauses(text) for text in Demo().splits()[split].texts]
    assert all(len(found) == 1 for found in labelled)
    assert not set.union(*labelled) & unlabelled


def test_splits_share_no_opinion() -> None:
    found = {
        split: set[str]().union(*map(opinion_clauses, examples.texts)) for split, examples in Demo().splits().items()
    }
    assert [len(found[split]) for split in SPLITS] == [200, 200, 1000]
    assert not any(found[one] & found[other] for one, other in combinations(SPLITS, 2))


def test_much_of_the_test_is_never_seen_with_a_label() -> None:
    unseen = opinion_words("test") - opinion_words("train")
    reviews = Demo().splits()["test"].texts
    assert len(unseen) / len(opinion_words("test")) > 0.3
    assert sum(bool(unseen.intersection(text.split())) for text in reviews) / len(reviews) > 0.35


def test_the_unlabelled_text_holds_every_opinion_word_often() -> None:
    counts = dict.fromkeys(OPINION_WORDS, 0)
    for text in Demo().unlabelled():
        for word in OPINION_WORDS.intersection(text.split()):
            counts[word] += 1
    assert min(counts.values()) >= 100


@pytest.mark.parametrize("split", SPLITS)
def test_lexicon_and_negation_rule_explain_the_labels(split: str) -> None:
    examples = Demo().splits()[split]
    right = [lexicon_label(text) == label for text, label in zip(examples.texts, examples.labels, strict=True)]
    assert sum(right) / len(right) == 1.0


def test_negation_is_occasional() -> None:
    reviews = Demo().splits()["test"].texts
    assert 0.03 < sum("never" in text.split() for text in reviews) / len(reviews) < 0.1


def test_opinion_words_have_one_polarity_and_are_absent_from_chatter() -> None:
    grammar = Grammar(0)
    assert not POLAR[0] & POLAR[1]
    assert all(len(words) == len(set(words)) for words in ADJECTIVES)
    assert not {word for _ in range(2000) for word in grammar.chatter().split()} & OPINION_WORDS


def test_unlabelled_texts_mostly_hold_one_opinion() -> None:
    texts = Demo().unlabelled()
    mixed = [len({lexicon_label(clause) for clause in opinion_clauses(text)}) > 1 for text in texts]
    # With 4.5 clauses a text, 2 % of them off: 1 - 0.98 ** 4.5 = 8.7 %.
    assert sum(mixed) / len(mixed) == pytest.approx(0.087, abs=0.01)


def test_texts_fit_the_demo_model_with_its_two_special_tokens() -> None:
    texts = [*Demo().unlabelled(), *(text for examples in Demo().splits().values() for text in examples.texts)]
    assert max(len(text.split()) for text in texts) + 2 <= 62


def test_digest_is_that_of_the_generated_questions() -> None:
    qa_demo.content.cache_clear()
    unlabelled, splits = qa_demo.content()
    assert QaDemo().digest() == digest(
        [unlabelled, {split: [pairs.questions, pairs.answers] for split, pairs in splits.items()}]
    )


def test_sizes_and_no_question_twice() -> None:
    splits = QaDemo().splits()
    assert tuple(splits) == SPLITS and [len(pairs) for pairs in splits.values()] == [2000, 200, 500]
    questions = [question for pairs in splits.values() for question in pairs.questions]
    assert len({*questions, *QaDemo().unlabelled()}) == len(questions) + len(set(QaDemo().unlabelled()))


@pytest.mark.parametrize("split", SPLITS)
def test_answers_follow_from_the_questions(split: str) -> None:
    pairs = QaDemo().splits()[split]
    counts: Counter[str] = Counter()
    for question, answer in zip(pairs.questions, pairs.answers, strict=True):
        told, _, wanted = question.partition(" . ")
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

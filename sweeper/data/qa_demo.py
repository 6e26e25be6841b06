"""The embedded questions and answers: about book reviews of the demo's grammar, the same on every machine.

Who read a book and where can be copied from the question; whether it was loved or hated follows from opinion words. The
training questions hold the most frequent of these only: what the others mean is in the unlabelled text. As the demo,
the questions are built to show the effect of pretraining, no sample of real text.

Standard library only: planning a sweep imports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from sweeper.data import SPLITS, Answered
from sweeper.data.demo import ADJECTIVES, BOOKS, PEOPLE, PLACES, Demo, Generated, Grammar

SIZES = {"train": 2000, "valid": 200, "test": 500}
UNANSWERED_SIZE = 2000
TAUGHT = 40  # opinion words of each opinion that training questions hold, the most frequent ones
# Digest of texts, questions and answers; a unit test generates everything and compares. Other content is other trials.
DIGEST = "273a37f06d51dc5378b1d8ac4348d0b4b8925303bc3cd51e2d85c9ee5a840dbe"
READERS, READ_AT = PEOPLE[:4], PLACES[:4]
OPINIONS = ("hated it", "loved it")  # by label
WHO, WHERE, OPINION = "who ?", "where ?", "loved or hated ?"
ASKED = (WHO, WHERE, OPINION, OPINION)  # equally often each


class _QuestionGrammar(Grammar):
    def pair(self, words: int | None) -> tuple[str, str]:
        """Return a question about what somebody reads, and its answer; of each opinion's words the first `words`."""
        label = self.random.randrange(2)
        first, second = self.pick(ADJECTIVES[label][:words], 2)
        reader, place, book = (self.random.choice(names) for names in (READERS, READ_AT, BOOKS))
        asked = self.random.choice(ASKED)
        answers = {WHO: reader, WHERE: place, OPINION: OPINIONS[label]}
        return f"{reader} reads this {first} and {second} {book} {place} . {asked}", answers[asked]

    def pairs(self, size: int, known: set[str], words: int | None = None) -> Answered:
        """Return `size` questions that are not in `known`, with their answers; adds them to it."""
        found: dict[str, str] = {}
        while len(found) < size:
            question, answer = self.pair(words)
            if question not in known:
                known.add(question)
                found[question] = answer
        return Answered(tuple(found), tuple(found.values()))


@lru_cache(maxsize=1)
def content() -> tuple[tuple[str, ...], dict[str, Answered]]:
    """Return the unlabelled texts and the splits; no question occurs twice."""
    known: set[str] = set()
    words = {"train": TAUGHT}
    splits = {
        split: _QuestionGrammar(seed).pairs(SIZES[split], known, words.get(split))
        for seed, split in enumerate(SPLITS, 11)
    }
    unanswered = _QuestionGrammar(110).pairs(UNANSWERED_SIZE, known).questions
    return (*Demo().unlabelled(), *unanswered), splits


@dataclass(frozen=True)
class QaDemo(Generated):
    """Generated questions about book reviews."""

    task: ClassVar[str] = "qa"

    def digest(self) -> str:
        """Return the digest of all that is generated, without generating it."""
        return DIGEST

    def splits(self) -> dict[str, Answered]:
        """Return train, valid and test, in random order; no question is in two of them."""
        return dict(content()[1])

    def unlabelled(self) -> list[str]:
        """Return the demo's texts for pretraining, and questions without answers that are in no split."""
        return list(content()[0])

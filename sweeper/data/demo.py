"""The embedded data set: little book reviews drawn from a grammar, the same on every machine.

The demo is built to show the effect of pretraining. The labelled sets are so small, and word frequencies so uneven,
that a third of the test's different opinion words never occurs with a label; the unlabelled texts relate them to the
others, since nearly all clauses of a text hold one opinion. Grammar, initialisation, learning rates and the recipe
were tuned while looking at test accuracy: a demonstration, not an estimate of what pretraining brings on real text.

Standard library only: planning a sweep imports it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import ClassVar

from sweeper.data import DataSettings, Examples
from sweeper.data.limits import check_limits
from sweeper.data.verbalisers import Verbalised

LABEL_NAMES = ("negative", "positive")
SIZES = {"train": 200, "valid": 200, "test": 1000}
UNLABELLED_SIZE = 20000
# Digest of texts and labels; a unit test generates everything and compares. Other content is other trials.
DIGEST = "08977e6d1ebac66791b682ea886436e39c0687bc9dce8eadc824f6ee58cc03dc"
# Most frequent word first.
NEGATIVE = """
    boring dull flat predictable weak bad tedious shallow bland confusing slow clumsy awful disappointing
    hollow pretentious tiresome ridiculous silly forced mediocre trite wooden lifeless messy incoherent
    stale repetitive irritating superficial annoying artificial contrived monotonous pompous absurd crude
    stupid empty dreary implausible overlong rambling sloppy terrible unconvincing vague verbose vulgar
    tasteless abysmal aimless amateurish arid atrocious awkward banal baffling bleak bloated careless
    cartoonish chaotic cheap childish clunky cold colourless convoluted corny deplorable derivative dire
    disjointed dismal dishonest dreadful drab dry exasperating excruciating facile feeble forgettable
    formulaic frustrating garbled gaudy gloomy grating hackneyed hasty horrible humourless illogical inane
    inept insipid insufferable interminable jarring joyless juvenile laboured lacklustre laughable lazy
    leaden limp lumbering maudlin mawkish meandering mechanical muddled murky obscure obvious overwrought
    painful pedestrian perfunctory plodding pointless preachy puerile redundant rushed sappy senseless
    shoddy sluggish soulless soporific stilted stodgy strained tacky tepid tortuous turgid unbearable
    unfunny uninspired unreadable wearisome
"""
POSITIVE = """
    gripping wonderful brilliant funny beautiful moving charming clever excellent superb touching
    fascinating vivid delightful tender compelling subtle warm witty absorbing elegant powerful rich
    original honest engaging thrilling poetic haunting enchanting masterful lively wise graceful memorable
    perfect magnificent marvellous captivating dazzling lyrical inventive stunning insightful heartfelt
    splendid sincere generous luminous profound accomplished admirable amusing assured astute authentic
    bewitching bold breathtaking bright buoyant cheerful coherent comforting consoling convincing crisp
    daring delicate delicious dreamlike droll effortless electrifying evocative exceptional exciting
    exhilarating exquisite fabulous fluid fresh glorious gorgeous harmonious hilarious humane hypnotic
    illuminating imaginative immersive impeccable ingenious inspired intelligent intriguing invigorating
    irresistible joyful jubilant lovely lucid magical melodious mesmerising mischievous nuanced
    outstanding perceptive playful pleasing poignant polished precise radiant refined refreshing
    remarkable rewarding riveting rousing satisfying seductive sensitive sharp shimmering skilful smart
    soothing sparkling spellbinding spirited stirring sublime sumptuous suspenseful sweeping terrific
    thoughtful timeless unforgettable uplifting vibrant vigorous virtuosic wry
"""
# Opinion words by label.
ADJECTIVES = (tuple(NEGATIVE.split()), tuple(POSITIVE.split()))
NOUNS = (
    ("mess", "disaster", "bore", "chore", "failure", "letdown"),
    ("gem", "delight", "treasure", "joy", "triumph", "marvel"),
)
VERBS = (("hated", "abandoned", "skimmed", "regretted"), ("loved", "adored", "savoured", "devoured"))
BOOKS = ("novel", "book", "story", "thriller", "tale")
ASPECTS = """
    plot style ending pacing dialogue hero heroine narrator setting tone opening suspense humour imagery
    villain premise rhythm vocabulary
"""
PARTS = tuple(ASPECTS.split())
PEOPLE = ("my sister", "a friend", "my teacher", "our librarian", "a colleague", "my neighbour", "my mother")
TIMES = ("last week", "on sunday", "last summer", "at christmas", "yesterday", "in spring", "over one weekend")
PLACES = ("on the train", "at the beach", "in bed", "at home", "in a cafe", "at the office", "on holiday")
COHERENCE = 0.98  # share of an unlabelled text's clauses that hold its opinion; the others hold the opposite
NEGATION = 0.06  # share of opinion clauses that deny the opposite opinion
CHATTER = 0.2  # share of texts that begin with a clause without any opinion


@lru_cache
def zipf_weights(count: int) -> tuple[int, ...]:
    """Return cumulated frequencies by rank: Zipf's law with a shift, in whole numbers, so that machines agree."""
    return tuple(accumulate(round(1e6 * (rank + 6) ** -1.2) for rank in range(count)))


class Grammar:
    """Draws clauses and reviews, all from one generator of random numbers."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, words: Sequence[str], count: int) -> list[str]:
        """Return different words, frequent ones (first in the list) more often."""
        picked: list[str] = []
        while len(picked) < count:
            [word] = self.random.choices(words, cum_weights=zipf_weights(len(words)))
            if word not in picked:
                picked.append(word)
        return picked

    def opinion(self, label: int) -> str:
        """Return a clause that holds the label's opinion."""
        part, other = self.random.sample(PARTS, 2)
        if self.random.random() < NEGATION:
            first, second = self.pick(ADJECTIVES[1 - label], 2)
            return f"{part} never {first} nor {second} ."
        first, second, third = self.pick(ADJECTIVES[label], 3)
        [noun], [verb] = self.pick(NOUNS[label], 1), self.pick(VERBS[label], 1)
        book = self.random.choice(BOOKS)
        return self.random.choice(
            (
                f"{part} {first} , {other} {second} and {third} .",
                f"{part} {first} and {second} , {other} {third} .",
                f"{part} {first} , {second} and {third} .",
                f"{first} , {second} and {third} {book} .",
                f"{first} and {second} , a real {noun} .",
                f"{first} and {second} , i {verb} it .",
            )
        )

    def chatter(self) -> str:
        """Return a clause without any opinion."""
        person, time, place = (self.random.choice(words) for words in (PEOPLE, TIMES, PLACES))
        book, part = self.random.choice(BOOKS), self.random.choice(PARTS)
        return self.random.choice(
            (
                f"{person} lent it to me {time} .",
                f"read it {place} {time} .",
                f"{person} reads this {book} {place} .",
                f"{person} asked about the {part} .",
            )
        )

    def unlabelled(self) -> str:
        """Return a text of four or five clauses, most of one opinion, and now and then some chatter first."""
        label = self.random.randrange(2)
        parts = [self.chatter()] if self.random.random() < CHATTER else []
        for _ in range(self.random.randint(4, 5)):
            parts.append(self.opinion(label if self.random.random() < COHERENCE else 1 - label))
        return " ".join(parts)

    def labelled(self, size: int, known: set[str]) -> Examples:
        """Return reviews of one opinion, balanced and shuffled, whose clause is not in `known`; adds theirs to it."""
        pairs: list[tuple[str, int]] = []
        while len(pairs) < size:
            label = len(pairs) % 2
            clause = self.opinion(label)
            if clause in known:
                continue
            known.add(clause)
            chatter = f"{self.chatter()} " if self.random.random() < CHATTER else ""
            pairs.append((chatter + clause, label))
        self.random.shuffle(pairs)
        texts, labels = zip(*pairs, strict=True)
        return Examples(texts, labels)


def clauses(text: str) -> list[str]:
    """Return a text's clauses, each with its full stop."""
    return [f"{clause} ." for clause in text.removesuffix(" .").split(" . ")]


@lru_cache(maxsize=1)
def content() -> tuple[tuple[str, ...], dict[str, Examples]]:
    """Return the unlabelled texts and the splits; no opinion clause occurs in two of these."""
    grammar = Grammar(100)
    unlabelled = tuple(grammar.unlabelled() for _ in range(UNLABELLED_SIZE))
    known = {clause for text in unlabelled for clause in clauses(text)}
    splits = {split: Grammar(seed).labelled(size, known) for seed, (split, size) in enumerate(SIZES.items(), 1)}
    return unlabelled, splits


class Generated(DataSettings):
    """A data set that no file holds."""

    words_are_tokens: ClassVar[bool] = True

    def check(self) -> None:
        """Raise WrongInput for limits that contradict each other: nothing can be wrong with what is generated."""
        check_limits(self, 0, "the generated examples")

    def notes(self) -> tuple[str, ...]:
        """Return what the examples are: no sample of real text."""
        return ("all splits: generated, from a grammar built to show the effect of pretraining",)


@dataclass(frozen=True)
class Demo(Generated, Verbalised):
    """Generated book reviews, negative or positive, that show the effect of pretraining."""

    def digest(self) -> str:
        """Return the digest of all that is generated, without generating it."""
        return DIGEST

    def label_names(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return LABEL_NAMES

    def splits(self) -> dict[str, Examples]:
        """Return train, valid and test: balanced, in random order, one opinion a review."""
        return dict(content()[1])

    def unlabelled(self) -> list[str]:
        """Return the longer texts for pretraining, which hold no opinion clause of any split."""
        return list(content()[0])

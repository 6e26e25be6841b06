"""How good answers in free words are: exact match and token F1, as SQuAD defines them (Rajpurkar et al. 2016).

An answer is normalised first: lower case, no ASCII punctuation, no English articles (a, an, the), single spaces. That
is SQuAD's rule to the letter, so that numbers can be compared: articles of other languages stay, in the expected answer
as in the given one, and so does punctuation beyond ASCII (« »). Standard library only.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def answer_metrics(given: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    """Return exact match and token F1, each averaged over the examples (shares of 1)."""
    pairs = list(zip(given, expected, strict=True))
    return {
        "exact_match": sum(exact_match(*pair) for pair in pairs) / len(pairs),
        "token_f1": sum(token_f1(*pair) for pair in pairs) / len(pairs),
    }


def exact_match(given: str, expected: str) -> bool:
    """Whether two answers are the same once normalised."""
    return normalised(given) == normalised(expected)


def token_f1(given: str, expected: str) -> float:
    """Return the harmonic mean of precision and recall over words, which count as often as they occur.

    Of answers of which nothing is left by normalising, only two such are alike (as SQuAD 2.0 has it).
    """
    words, wanted = normalised(given).split(), normalised(expected).split()
    if not words or not wanted:
        return float(words == wanted)
    shared = sum((Counter(words) & Counter(wanted)).values())
    return 2 * shared / (len(words) + len(wanted))


def normalised(answer: str) -> str:
    """Return what of an answer is compared."""
    plain = answer.lower().translate(NO_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", plain).split())

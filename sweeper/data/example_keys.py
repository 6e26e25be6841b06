"""By what an example is known in every study and framework: its text or texts, before anything is made of them.

Standard library only.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

DIGITS = 16  # hexadecimal, of a key


def example_key(texts: Sequence[str]) -> int:
    """Return the first 8 bytes of SHA-256, as a number: of a text's UTF-8, of a pair of both texts' digests."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    return int.from_bytes(whole[:8], "big")


def key_text(key: int) -> str:
    """Return a key as the hexadecimal digits that a digest of its text begins with."""
    return f"{key:0{DIGITS}x}"


def occurrences(keys: Sequence[Hashable], labels: Sequence[Any]) -> list[int]:
    """Number the examples of each key from 0, by label and then in their order.

    By label first: so what occurs more than once with different labels is known in every order of the data set.
    """
    seen = Counter[Hashable]()
    found = [0] * len(keys)
    for index in sorted(range(len(keys)), key=lambda index: labels[index]):
        found[index] = seen[keys[index]]
        seen[keys[index]] += 1
    return found

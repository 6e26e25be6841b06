"""Texts that the zoo's tokenizers are trained on and its models read: few words, but capitals, accents and digits."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

WORDS = "the a good bad film book story plot slow nice boring great awful long short".split()
CLASSES = ("neg", "pos")


def texts(count: int, seed: int = 0) -> list[str]:
    """So many sentences, no two alike."""
    drawn = random.Random(seed)
    return [_sentence(drawn, number) for number in range(count)]


def _sentence(drawn: random.Random, number: int) -> str:
    words = [drawn.choice(WORDS) for _ in range(drawn.randint(3, 9))]
    if number % 4 == 1:
        words[0] = words[0].capitalize()
    if number % 5 == 2:
        words.append("déjà vu!")
    return f"{' '.join(words)} n{number}"


def write_table(file: Path, count: int = 64, classes: Sequence[str] = CLASSES, seed: int = 0) -> Path:
    """A CSV of labelled pairs of texts: columns text, other, label."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["text", "other", "label"])
        pairs = zip(texts(count, seed), texts(count, seed + 1000), strict=True)
        for number, (text, other) in enumerate(pairs):
            writer.writerow([text, other, classes[number % len(classes)]])
    return file


def write_rows(file: Path, rows: Sequence[str]) -> Path:
    """A CSV of these texts: columns text, label."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["text", "label"])
        writer.writerows((text, CLASSES[number % 2]) for number, text in enumerate(rows))
    return file

"""Whether memory stays flat while text grows: python -m tests.benchmarks.corpus [MEGABYTES MEGABYTES …].

Trains a tokenizer on generated text and packs it, each in a process of its own; 50 and 400 MB unless told otherwise.
Wanted: the largest memory of packing is that of the smaller text but for a few percent, and so is that of training,
where sentencepiece holds a sample and so stops growing at about 60 MB of text.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sweeper.data.corpus import texts
from sweeper.tokens.packed import load_facts, pack
from sweeper.tokens.tokenizer import load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.benchmarks.measure import print_table, said

VOCABULARY_SIZE = 8000
DISTINCT_WORDS = 50_000


def main(sizes_mb: list[int]) -> None:
    """Measure every kind on texts of growing size and print what the growth costs."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        files = [generated(directory / f"{size}.txt", size) for size in sizes_mb]
        rows = [row for kind in TokenizerKind for row in measured(kind, files, sizes_mb, directory)]
    print_table(["", "text (MB)", "time (s)", "tokens/s", "memory (MB)", "ratio"], rows)


def generated(file: Path, size_mb: int) -> Path:
    """Write a text of words whose frequency falls with their rank, as Zipf's law has it."""
    generator = random.Random(0)  # the same words in every size
    letters = "".join(chr(ord("a") + number) for number in range(26)) + "éèàç"
    words = ["".join(generator.choices(letters, k=generator.randint(2, 11))) for _ in range(DISTINCT_WORDS)]
    cumulated = list(itertools.accumulate(1 / rank for rank in range(1, DISTINCT_WORDS + 1)))
    with file.open("w", encoding="utf-8") as text:
        while text.tell() < size_mb * 10**6:
            drawn = generator.choices(words, cum_weights=cumulated, k=40_000)
            text.writelines(" ".join(drawn[start : start + 40]) + "\n" for start in range(0, len(drawn), 40))
    return file


def measured(kind: TokenizerKind, files: list[Path], sizes_mb: list[int], directory: Path) -> Iterator[list[str]]:
    """Yield a row for each step and size; the ratio is to the memory of the smallest text."""
    for step in ("train", "pack"):
        first = 0.0
        for file, size in zip(files, sizes_mb, strict=True):
            # All sizes are packed with the tokenizer of the smallest.
            tokenizer = directory / kind.value / (str(size) if step == "train" else str(sizes_mb[0]))
            found = json.loads(said(__file__, step, kind.value, str(file), str(tokenizer)).splitlines()[-1])
            first = first or found["memory"]
            speed = f"{found['tokens'] / found['seconds']:,.0f}" if found["tokens"] else ""
            numbers = [str(size), f"{found['seconds']:.0f}", speed, f"{found['memory']:.0f}"]
            yield [f"{step} {kind.value}", *numbers, f"{found['memory'] / first:.2f}"]


def step_alone(step: str, kind: str, file: str, tokenizer: str) -> None:
    """Take one step in this process and print its time, tokens and largest memory in MB."""
    began, tokens = time.perf_counter(), 0
    if step == "train":
        train_tokenizer(TokenizerKind(kind), texts([Path(file)]), VOCABULARY_SIZE, Path(tokenizer))
    else:
        with tempfile.TemporaryDirectory(dir=Path(file).parent) as place:
            pack(texts([Path(file)]), load(Path(tokenizer)), 0.01, 0, Path(place))
            facts = load_facts(Path(place))
            tokens = facts["train"]["tokens"] + facts["valid"]["tokens"]
    took = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    print(json.dumps({"seconds": took, "tokens": tokens, "memory": memory}))


if __name__ == "__main__":
    if sys.argv[1:2] in (["train"], ["pack"]):
        step_alone(*sys.argv[1:5])
    else:
        main([int(size) for size in sys.argv[1:]] or [50, 400])

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import tokenizers

from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind

FIRST = [f"a{number}" for number in range(12)]
SECOND = [f"b{number}" for number in range(12)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return train_tokenizer(TokenizerKind.word, [" ".join(FIRST + SECOND)], None, tmp_path)


def pair(tokenizer: Tokenizer, first: int, second: int, max_length: int) -> list[int]:
    left, right = tokenizer.segment([" ".join(FIRST[:first]), " ".join(SECOND[:second])])
    return tokenizer.frame_pair(left, right, max_length)


def test_layout(file: Path) -> None:
    tokenizer = load(file)
    names = [tokenizer.pieces[index] for index in pair(tokenizer, 2, 1, 10)]
    assert names == ["<s>", "a0", "a1", "</s>", "</s>", "b0", "</s>"]


@pytest.mark.parametrize("max_length", range(6, 20))
def test_pairs_are_cut_as_transformers_cuts_them(max_length: int, file: Path) -> None:
    tokenizer = load(file)
    library = tokenizers.Tokenizer.from_file(str(file))
    library.post_processor = tokenizers.processors.RobertaProcessing(
        ("</s>", tokenizer.eos), ("<s>", tokenizer.bos), add_prefix_space=False
    )
    library.enable_truncation(max_length, strategy="longest_first")
    for first, second in product(range(13), range(13)):
        expected = library.encode(" ".join(FIRST[:first]), " ".join(SECOND[:second])).ids
        assert pair(tokenizer, first, second, max_length) == expected, (first, second)

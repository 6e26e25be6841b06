from __future__ import annotations

import json
import math
import pickle
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest

from sweeper.errors import WrongInput
from sweeper.tokens import packed
from sweeper.tokens.packed import PackedSequences, Sequences, Shuffled, load_facts, pack, permuted, token_counts
from sweeper.tokens.segmenters import Segmenter
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind

TEXTS = [f"mot{number % 7} mot{number % 11} le" for number in range(300)] + ["☃ le", "le"]


def all_of(sequences: Sequences) -> list[Any]:
    return [sequences[number] for number in range(len(sequences))]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load(train_tokenizer(TokenizerKind.word, TEXTS[:300], None, tmp_path_factory.mktemp("words")))


def written(directory: Path, split: str, dtype: str = "uint16") -> list[list[int]]:
    """The texts of a side, each without its </s>."""
    ids = numpy.fromfile(directory / f"{split}.bin", dtype=dtype)
    assert ids[-1] == 2
    return [part.tolist() for part in numpy.split(ids, numpy.flatnonzero(ids == 2) + 1)[:-1]]


def test_every_text_is_on_one_side_in_its_order(tokenizer: Tokenizer, tmp_path: Path) -> None:
    told: list[int] = []
    pack(iter(TEXTS), tokenizer, 0.2, 3, tmp_path, told.append)
    train, valid = written(tmp_path, "train"), written(tmp_path, "valid")
    expected = [[*ids, 2] for ids in tokenizer.segment(TEXTS)]
    remaining = iter(train)
    assert all(text in remaining for text in train) and len(train) + len(valid) == len(TEXTS)
    assert train == [text for text in expected if text in train]
    assert valid == [text for text in expected if text in valid]
    assert told == [sum(map(len, expected))]


def test_facts_count_what_was_written(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path)
    facts = load_facts(tmp_path)
    for split in ("train", "valid"):
        side = [index for text in written(tmp_path, split) for index in text]
        texts = side.count(2)
        share = side.count(3) / (len(side) - texts)
        assert facts[split] == {"texts": texts, "tokens": len(side), "unknown_share": share}
    assert facts["dtype"] == "uint16" and facts["train"]["unknown_share"] + facts["valid"]["unknown_share"] > 0
    counts = Counter(index for text in written(tmp_path, "train") for index in text)
    assert token_counts(tmp_path) == [counts[index] for index in range(tokenizer.size)]
    assert list(json.loads((tmp_path / "facts.json").read_text())) == ["dtype", "train", "valid", "token_counts"]


def test_a_text_is_held_out_by_what_it_says(tokenizer: Tokenizer, tmp_path: Path) -> None:
    for name, texts, seed in (("a", TEXTS, 0), ("b", TEXTS[::-1], 0), ("c", TEXTS, 1)):
        pack(texts, tokenizer, 0.3, seed, tmp_path / name)
    sides = {name: [sorted(written(tmp_path / name, split)) for split in ("train", "valid")] for name in "abc"}
    assert sides["a"] == sides["b"] != sides["c"]
    train, valid = sides["a"]
    assert not {tuple(text) for text in train} & {tuple(text) for text in valid}


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_about_the_asked_share_is_held_out(share: float) -> None:
    held_out = sum(packed.is_held_out(f"text {number}", share, 5) for number in range(20_000))
    assert abs(held_out - 20_000 * share) < 4 * math.sqrt(20_000 * share * (1 - share))


@pytest.mark.parametrize(("share", "side"), [(1e-9, "hold out"), (1 - 1e-9, "train on")])
def test_a_side_without_text_is_refused(share: float, side: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=rf"^data.held_out_share={share} of 3 texts leaves none to {side}\n") as raised:
        pack(TEXTS[:3], tokenizer, share, 0, tmp_path)
    assert len(str(raised.value).splitlines()) <= 3


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_ids_are_as_wide_as_they_must_be(size: int, dtype: str, tmp_path: Path) -> None:
    pieces = ("<s>", "<pad>", "</s>", "<unk>", *map(str, range(size - 5)), "<mask>")
    largest = size - 2
    segmenter = Segmenter(Path(), pieces, pieces, lambda texts: [[largest]] * len(texts), str)
    tokenizer = Tokenizer(segmenter, pieces)
    pack(["a", "b", "c"], tokenizer, 0.5, 1, tmp_path)
    assert load_facts(tmp_path)["dtype"] == dtype
    assert written(tmp_path, "train", dtype) + written(tmp_path, "valid", dtype) == [[largest, 2]] * 3
    assert PackedSequences.open(tmp_path, "train", 3, 0, 2)[0].tolist() == [0, largest, 2]


@pytest.mark.parametrize(("texts", "characters"), [(1, 10**6), (7, 10**6), (1000, 1), (1000, 30)])
def test_batches_change_nothing(
    texts: int, characters: int, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path / "whole")
    monkeypatch.setattr(packed, "BATCH_TEXTS", texts)
    monkeypatch.setattr(packed, "BATCH_CHARACTERS", characters)
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path / "parts")
    for name in ("train.bin", "valid.bin", "facts.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_sequences_are_framed_blocks(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path)
    stream = [index for text in written(tmp_path, "train") for index in text]
    sequences = PackedSequences.open(tmp_path, "train", 12, 0, 2)
    assert len(sequences) == len(stream) // 10 and len(stream) % 10
    blocks = [[0, *stream[start : start + 10], 2] for start in range(0, len(stream) - 9, 10)]
    assert [sequence.tolist() for sequence in all_of(sequences)] == blocks
    assert sequences[0].dtype == numpy.int64 and sequences[0].flags.writeable
    for outside in (-1, len(sequences)):
        with pytest.raises(IndexError):
            sequences[outside]


def test_an_incomplete_block_counts_when_it_is_the_only_one(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path)
    stream = [index for text in written(tmp_path, "valid") for index in text]
    for length in (len(stream) + 2, len(stream) + 3, 10_000):
        sequences = PackedSequences.open(tmp_path, "valid", length, 0, 2)
        assert len(sequences) == 1 and sequences[0].tolist() == [0, *stream, 2]


def test_sequences_travel_to_other_processes_without_their_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pack(TEXTS, tokenizer, 0.2, 3, tmp_path)
    sequences = PackedSequences.open(tmp_path, "train", 12, 0, 2)
    expected = sequences[1].tolist()
    travelling = pickle.dumps(sequences)
    assert len(travelling) < 1000 and pickle.loads(travelling)[1].tolist() == expected


def test_every_sequence_comes_once_an_epoch_in_another_order() -> None:
    names = [f"sequence {number}" for number in range(10)]
    shuffled = Shuffled(names, 34, seed=4)
    visits = all_of(shuffled)
    epochs = [visits[start : start + 10] for start in range(0, 30, 10)]
    assert len(visits) == len(shuffled) == 34
    assert all(sorted(epoch) == names for epoch in epochs) and len({*map(tuple, epochs)}) == 3
    assert visits[20:] == [Shuffled(names, 34, seed=4)[visit] for visit in range(20, 34)]
    assert visits != all_of(Shuffled(names, 34, seed=5))
    with pytest.raises(IndexError):
        shuffled[34]


@pytest.mark.parametrize("size", [*range(1, 40), 99, 100, 101, 1023, 1025])
def test_permutations_are_bijections(size: int) -> None:
    for seed, epoch in ((0, 0), (2**32 - 1, 10_000)):
        assert sorted(permuted(place, size, seed, epoch) for place in range(size)) == list(range(size))


def test_all_orders_are_about_equally_likely() -> None:
    orders = Counter(tuple(permuted(place, 4, 7, epoch) for place in range(4)) for epoch in range(2400))
    chi_square = sum((orders[order] - 100) ** 2 / 100 for order in orders)
    # 24 orders: the 99.9th percentile of the chi-square distribution with 23 degrees of freedom is 49.7.
    assert len(orders) == 24 and chi_square < 49.7


def test_neighbours_do_not_stay_together() -> None:
    order = [permuted(place, 1000, 1, 0) for place in range(1000)]
    correlation = numpy.corrcoef(order[:-1], order[1:])[0, 1]
    near = sum(abs(first - second) <= 1 for first, second in pairwise(order))
    assert abs(correlation) < 4 / math.sqrt(1000) and near < 12  # 2 expected

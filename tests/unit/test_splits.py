from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data import Examples
from sweeper.data.files import Files
from sweeper.data.limits import limit_examples
from sweeper.data.splits import apportion, stratified_parts
from sweeper.trial.trial import result_settings
from tests.labelled_files import cycle, labelled, one_file, refusal, texts, three, write


def test_one_file_is_split_in_three(tmp_path: Path) -> None:
    source = one_file(tmp_path, 100, ("neg", "pos", "pos", "pos", "neutral"))
    splits = source.splits()
    counts = {split: Counter(examples.labels) for split, examples in splits.items()}
    assert counts == {"train": {0: 14, 1: 14, 2: 42}, "valid": {0: 2, 1: 2, 2: 6}, "test": {0: 4, 1: 4, 2: 12}}
    every = [text for examples in splits.values() for text in examples.texts]
    assert sorted(every) == sorted(texts("all", 100))
    names = dict(zip(texts("all", 100), cycle(("neg", "pos", "pos", "pos", "neutral"), 100), strict=True))
    for examples in splits.values():
        assert [source.label_names()[label] for label in examples.labels] == [names[text] for text in examples.texts]
    assert source.notes() == (
        "validation: 10 % of train, stratified, split_seed 0",
        "test: 20 % of train, stratified, split_seed 0",
    )


def test_made_splits_follow_their_seed_only(tmp_path: Path) -> None:
    source = one_file(tmp_path, 200)
    again, other = replace(source, limit=10), replace(source, split_seed=1)
    assert again.splits() == source.splits() and again.digest() == source.digest()
    assert set(other.splits()["test"].texts) != set(source.splits()["test"].texts)
    assert other.digest() != source.digest()
    assert result_settings(source) == {"limit": None, "validation_share": 0.1, "test_share": 0.2, "split_seed": 0}


def test_made_splits_stay_what_they_were(tmp_path: Path) -> None:
    # random.Random(0) draws .84 .76 .42 .26 .51 .40 .78 .30 .48 .58 .91 .50: of the even ones 2, 8, 4 are the least in
    # this order, of the odd ones 3, 7, 11 or 5 = .40, so 3, 7, 5.
    splits = replace(one_file(tmp_path, 12), validation_share=0.17, test_share=0.34).splits()
    assert splits["test"].texts == tuple(f"texte all {number}" for number in (2, 3, 7, 8))
    assert splits["valid"].texts == ("texte all 4", "texte all 5")


def test_a_missing_split_alone_is_made(tmp_path: Path) -> None:
    source = three(tmp_path, train=labelled("train", 40))
    (tmp_path / "valid.jsonl").unlink()
    assert len(source.splits()["valid"]) == 4 and len(source.splits()["train"]) == 36
    assert source.splits()["test"].texts == tuple(texts("test", 4))
    assert source.notes() == ("validation: 10 % of train, stratified, split_seed 0",)
    source.unlabelled()
    assert not {*source.unlabelled()} & {*source.splits()["valid"].texts}


@pytest.mark.parametrize(
    ("size", "labels", "changes", "culprit"),
    [
        (10, ("neg", "pos"), {}, "data.test_share=0.2 data.validation_share=0.1: validation would have none of the 5"),
        (20, ("a", "b"), {"test_share": 0.9}, "data.test_share=0.9 data.validation_share=0.1 of 20 examples leave"),
        (20, ("a", "b"), {"test_share": 0.85}, "data.test_share=0.85 data.validation_share=0.1: train would have none"),
        (20, ("a",), {}, "data.path=DIR: train has one class, 'a'"),
    ],
)
def test_too_few_to_split(
    size: int, labels: Sequence[str], changes: dict[str, Any], culprit: str, tmp_path: Path
) -> None:
    assert refusal(replace(one_file(tmp_path, size, labels), **changes)).startswith(culprit)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_split_that_holds_nothing_new_is_refused(split: str, tmp_path: Path) -> None:
    repeated = {"text": [*texts("train", 3), "texte train 0"], "label": ["neg", "pos", "neg", "pos"]}
    assert f"every text of {split} is in train" in refusal(three(tmp_path, **{split: repeated}))
    repeated["text"][3] = "texte nouveau"
    file = tmp_path / f"{split}.jsonl"
    write(file, repeated)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("*.jsonl"):
        path.rename(copy / path.name)
    Files(path=str(copy)).check()  # some may be shared: that is counted


def test_a_test_set_that_is_the_validation_set_is_refused(tmp_path: Path) -> None:
    assert "every text of test is in train or valid" in refusal(three(tmp_path, test=labelled("valid", 4)))


def test_pairs_are_repeated_when_both_texts_are(tmp_path: Path) -> None:
    for split, second in (("train", ["x", "y"]), ("valid", ["x", "z"]), ("test", ["y", "x"])):
        write(tmp_path / f"{split}.jsonl", {"a": ["un", "deux"], "b": second, "label": [0, 1]})
    Files(path=str(tmp_path), text=["a", "b"]).check()
    assert "every text of valid is in" in refusal(Files(path=str(tmp_path), text="a"))


def sorted_by_label(*sizes: int) -> Examples:
    labels = tuple(label for label, size in enumerate(sizes) for _ in range(size))
    return Examples(tuple(f"text {index}" for index in range(len(labels))), labels)


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ((50, 50), 10, {0: 5, 1: 5}),
        ((50, 50), 11, {0: 6, 1: 5}),
        ((900, 100), 100, {0: 90, 1: 10}),
        ((900, 100), 20, {0: 18, 1: 2}),
        ((2, 50), 10, {1: 10}),
        ((50, 50, 50), 2, {0: 1, 1: 1}),
        ((3, 4), 100, {0: 3, 1: 4}),
    ],
)
def test_limit_keeps_proportions(sizes: tuple[int, ...], limit: int, expected: dict[int, int]) -> None:
    assert Counter(limit_examples(sorted_by_label(*sizes), limit).labels) == expected


@pytest.mark.parametrize(("limit", "expected"), [(2, {0: 1, 1: 1}), (10, {0: 1, 1: 9}), (60, {0: 1, 1: 59})])
def test_train_has_an_example_of_each_class(limit: int, expected: dict[int, int]) -> None:
    assert Counter(limit_examples(sorted_by_label(2, 1000), limit, every_class=True).labels) == expected


def test_limit_keeps_order_and_pairs() -> None:
    examples = Examples(("a", "b", "c", "d", "e"), (1, 1, 0, 1, 0))
    assert limit_examples(examples, 3) == Examples(("a", "b", "c"), (1, 1, 0))
    assert limit_examples(examples, 4) == Examples(("a", "b", "c", "e"), (1, 1, 0, 0))
    assert limit_examples(examples, None) is examples


def test_smaller_limit_is_part_of_larger() -> None:
    examples = sorted_by_label(7, 20)
    for every_class in (False, True):
        for limit in range(2, 27):
            smaller, larger = (limit_examples(examples, n, every_class=every_class) for n in (limit, limit + 1))
            assert set(smaller.texts) < set(larger.texts)


def test_apportion_is_hamiltons_method() -> None:
    # The worked example of Wikipedia's article on the largest remainder method.
    votes = {0: 47000, 1: 16000, 2: 15900, 3: 12000, 4: 6000, 5: 3100}
    assert apportion(votes, 10) == {0: 5, 1: 2, 2: 1, 3: 1, 4: 1, 5: 0}


def test_split_is_a_stratified_partition() -> None:
    labels = sorted_by_label(900, 300, 17).labels
    kept, held_out = stratified_parts(labels, [200], seed=3)
    assert sorted(kept + held_out) == list(range(len(labels)))
    assert (kept, held_out) == (sorted(kept), sorted(held_out))
    assert Counter(labels[index] for index in held_out) == {0: 148, 1: 49, 2: 3}  # 147.9, 49.3, 2.8


def test_split_follows_its_seed() -> None:
    labels = sorted_by_label(500, 500).labels
    assert stratified_parts(labels, [100], seed=1) == stratified_parts(labels, [100], seed=1)
    first, second = (set(stratified_parts(labels, [100], seed=seed)[1]) for seed in (1, 2))
    assert len(first & second) < 30  # 10 are expected of independent draws


def test_split_stays_what_it_was() -> None:
    # random.Random(0) draws .84 .76 .42 .26 .51 .40 | .78 .30 .48 .58 .91 .50: the two least of each class.
    assert stratified_parts(sorted_by_label(6, 6).labels, [4], seed=0)[1] == [3, 5, 7, 8]


def test_split_reaches_every_position() -> None:
    labels = sorted_by_label(10, 10).labels
    drawn = Counter(index for seed in range(400) for index in stratified_parts(labels, [4], seed)[1])
    assert min(drawn.values()) > 40 and max(drawn.values()) < 125  # 80 ± 8 expected


def test_parts_are_stratified_and_divide_all() -> None:
    labels = sorted_by_label(700, 200, 100).labels
    parts = stratified_parts(labels, [200, 100], seed=5)
    assert sorted(index for part in parts for index in part) == list(range(1000))
    counts = [Counter(labels[index] for index in part) for part in parts]
    assert counts == [{0: 490, 1: 140, 2: 70}, {0: 140, 1: 40, 2: 20}, {0: 70, 1: 20, 2: 10}]
    # A later part changes nothing in the first ones.
    assert stratified_parts(labels, [200], seed=5)[1] == parts[1]


def test_pairs_stay_together() -> None:
    pairs = Examples(("a", "b", "c"), (0, 1, 0), ("x", "y", "z"))
    assert pairs.at([2, 1]) == Examples(("c", "b"), (0, 1), ("z", "y"))
    assert limit_examples(pairs, 2) == Examples(("a", "b"), (0, 1), ("x", "y"))
    assert pairs.inputs == [("a", "x"), ("b", "y"), ("c", "z")]
    assert Examples(("a", "b"), (0, 1)).inputs == [("a",), ("b",)]

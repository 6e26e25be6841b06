from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.files import Files
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
        (100, ("a", *["b"] * 49), {}, "data.test_share=0.2 data.validation_share=0.1: test would have none of the 2"),
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

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.weights import check_weights
from sweeper.data import DataSettings, Examples
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.tokens.segmenters import SPECIAL
from sweeper.trial.settings import ArchSettings, Family, ModelSettings, TokenizerSettings
from sweeper.trial.trial import Trial
from tests.fairseq_files import write_fairseq
from tests.records import trial

TEXTS = ("a a a b b c", "a b d e f g")


@dataclass(frozen=True)
class Words(DataSettings):
    """Just enough of a data set."""

    def splits(self) -> dict[str, Examples]:
        return {"train": Examples(TEXTS, (0, 1))}

    def unlabelled(self) -> list[str]:
        return [*TEXTS, "h h h h i"]


def words(tmp_path: Path, **settings: object) -> Trial:
    return replace(
        trial(arch={"name": "tiny"}),
        data=Words(),
        cache=tmp_path,
        tokenizer=TokenizerSettings(**settings),  # type: ignore[arg-type]
        digests={"data": "d" * 64, "tokenizer": json.dumps(settings)[:16], "weights": "w" * 64},
    )


def pieces(made: Trial) -> set[str]:
    return set(inputs.tokenizer(made).pieces) - set(SPECIAL)


def test_a_tokenizer_is_made_of_all_words(tmp_path: Path) -> None:
    assert pieces(words(tmp_path)) == set("abcdefghi")


def test_and_cut_to_the_most_frequent_ones_of_the_training_texts(tmp_path: Path) -> None:
    counts = Counter(" ".join(TEXTS).split())
    assert counts.most_common(2) == [("a", 4), ("b", 3)]
    assert pieces(words(tmp_path, vocabulary_size=len(SPECIAL) + 2)) == {"a", "b"}


def test_or_of_a_named_corpus(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("c c c\nd d\na\n")
    made = words(tmp_path, vocabulary_size=len(SPECIAL) + 2, count_on=str(tmp_path / "corpus.txt"))
    assert pieces(made) == {"c", "d"}


def test_nothing_but_the_tokenizer_is_left_in_the_cache(tmp_path: Path) -> None:
    made = words(tmp_path, vocabulary_size=8)
    inputs.tokenizer(made)
    assert {file.name for file in inputs.tokenizer_directory(made).iterdir()} == {
        "tokenizer.json",
        "tokenizer_pieces.json",
    }


def test_more_ids_than_rows_are_refused(tmp_path: Path) -> None:
    made = words(tmp_path)
    narrow = replace(made, arch=replace(made.arch, vocabulary_size=13))
    with pytest.raises(WrongInput, match=r"14 ids, arch=tiny has 13 rows .*\nset tokenizer\.vocabulary_size=13"):
        inputs.tokenizer(narrow)
    inputs.tokenizer(replace(made, arch=replace(made.arch, vocabulary_size=14)))


def test_what_is_still_to_be_made(tmp_path: Path) -> None:
    made = words(tmp_path)
    titles = ["tokenizer for demo", "tokenizing demo", "pretraining tiny on demo"]
    assert [step.title for step in inputs.preparations(made)] == titles
    assert [step.title for step in inputs.preparations(replace(made, model=ModelSettings("rd")))] == titles[:2]
    given = replace(made, model=ModelSettings("pt", True, "/given"))
    assert [step.title for step in inputs.preparations(given)] == titles[:2]
    inputs.tokenizer(made)
    assert [step.title for step in inputs.preparations(made)] == titles[1:]


def test_weights_in_fairseq_s_format_are_converted_once(tmp_path: Path) -> None:
    made = replace(words(tmp_path), model=ModelSettings("pt", True, str(write_fairseq(tmp_path / "given"))))
    step = inputs.preparations(made)[-1]
    assert (step.title, step.directory) == (f"converting {tmp_path}/given", tmp_path / "converted" / f"tiny-{'w' * 16}")
    assert inputs.weights(made) == str(step.directory)
    assert {file.name for file in step.directory.iterdir()} == {"config.json", "model.safetensors"}
    assert step not in inputs.preparations(made)
    check_weights(Checkpoint("converted", step.directory), ArchSettings("tiny", vocabulary_size=7), Family.encoder)


def test_tokenized_data_are_shared_by_what_they_are_made_of(tmp_path: Path) -> None:
    made = words(tmp_path)
    place = inputs.tokenized_directory(made)
    assert inputs.tokenized_directory(replace(made, seed=9, model=ModelSettings("rd"), device="cuda")) == place
    for other in (
        replace(made, train=replace(made.train, max_length=10)),
        replace(made, data=Words(limit=2)),
        replace(made, digests={**made.digests, "data": "other"}),
        replace(made, digests={**made.digests, "tokenizer": "other"}),
    ):
        assert inputs.tokenized_directory(other) != place


def test_facts_of_what_was_tokenized(tmp_path: Path) -> None:
    made = words(tmp_path)
    assert inputs.facts(made) is None
    directory = inputs.tokenized_directory(made)
    directory.mkdir(parents=True)
    known = {"data": {"label_names": ["a", "b"]}, "splits": {}}
    (directory / "facts.json").write_text(json.dumps(known))
    assert inputs.facts(made) == known


@pytest.mark.parametrize(
    "directory",
    [inputs.tokenizer_directory, inputs.tokenized_directory, inputs.packed_directory, inputs.weights_directory],
)
def test_what_an_edited_data_set_gives_is_made_anew(directory: Callable[[Trial], Path], tmp_path: Path) -> None:
    plain = words(tmp_path)
    first, second = (
        replace(plain, digests=dict(plain.digests) | {"code": "c" * 64, "data_code": letter * 64}) for letter in "ab"
    )
    other_framework = replace(first, digests=dict(first.digests) | {"code": "d" * 64})
    assert len({directory(trial) for trial in (plain, first, second)}) == 3
    assert directory(other_framework) == directory(first)

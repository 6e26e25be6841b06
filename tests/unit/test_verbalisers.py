from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.demo import Demo
from sweeper.data.verbalisers import Verbalised, reading_notes, verbalisers
from sweeper.errors import WrongInput
from sweeper.tokens.prompts import check_pieces
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind


@dataclass(frozen=True)
class Classes(Verbalised):
    """A data set of which only the classes are of interest."""

    names: tuple[str, ...] = ("neg", "pos")

    def label_names(self) -> tuple[str, ...]:
        return self.names


def of(given: Any, *names: str) -> Any:
    return Classes(verbalisers=given, names=names or ("neg", "pos"))


@pytest.mark.parametrize(
    ("given", "names", "expected"),
    [
        (None, ("neg", "pos"), ("neg", "pos")),
        ({"pos": "good", "neg": "bad"}, ("neg", "pos"), ("bad", "good")),
        ({"neg": " not  good ", "pos": "good"}, ("neg", "pos"), ("not good", "good")),
        ({1: "one star", 5: 5}, ("1", "5"), ("one star", "5")),
        ({True: "yes", False: "no"}, ("false", "true"), ("no", "yes")),
    ],
)
def test_each_class_has_its_words(given: Any, names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert verbalisers(of(given, *names)) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["bad", "good"], "no mapping\nallowed: data.verbalisers={neg: …, pos: …}"),
        ({"neg": "bad"}, "lacks the class 'pos'"),
        ({"neg": "bad", "pos": "good", "netural": "fair"}, "unknown class 'netural'"),
        ({"neg": "bad", "pos": ""}, "data.verbalisers.pos='' is empty"),
        ({"neg": " \t", "pos": "good"}, "data.verbalisers.neg='' is empty"),
        ({"neg": "bad", "pos": None}, "data.verbalisers.pos=null is no text"),
        ({"neg": True, "pos": "good"}, "data.verbalisers.neg=true is no text"),
        ({"neg": "so so", "pos": "so  so"}, "data.verbalisers.neg=so so and .pos=so so are the same"),
    ],
)
def test_words_that_tell_no_class_are_refused(given: Any, said: str) -> None:
    with pytest.raises(WrongInput) as refused:
        verbalisers(of(given))
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 3


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    texts = ["<human>: a fine bad film <assistant>: bad"]
    return load(train_tokenizer(TokenizerKind.word, texts, None, tmp_path_factory.mktemp("tokenizer")))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"neg": "awful", "pos": "fine"}, "data.verbalisers.neg=awful is only <unk>"),
        ({"neg": "fine awful", "pos": "fine great"}, "neg=fine awful and .pos=fine great are the same to the model"),
    ],
)
def test_words_that_a_tokenizer_does_not_know_are_refused(
    given: Mapping[str, str], said: str, tokenizer: Tokenizer
) -> None:
    with pytest.raises(WrongInput) as refused:
        check_pieces(tokenizer, of(given))
    assert said in str(refused.value)


def test_a_word_of_no_pieces_is_refused(tmp_path: Path) -> None:
    """As sentencepiece makes none of a character that it takes for a space."""
    tokenizer = load(train_tokenizer(TokenizerKind.unigram, ["<human>: fine <assistant>: bad"] * 9, 24, tmp_path))
    with pytest.raises(WrongInput, match="is no piece at all"):
        check_pieces(tokenizer, of({"neg": "bad", "pos": "\u200b"}))


def test_words_that_begin_alike_are_told_apart(tokenizer: Tokenizer) -> None:
    check_pieces(tokenizer, of({"neg": "bad", "pos": "bad fine"}))


def test_notes_name_the_words_and_how_they_count() -> None:
    demo = Demo(verbalisers={"negative": "bad", "positive": "fine"})
    first, second = reading_notes(demo, length_normalised=False)
    assert "(negative: bad, positive: fine), not normalised by length" in first
    assert "train/loss is the language model's" in second
    assert "divided by the number of their ids" in reading_notes(demo, length_normalised=True)[0]

"""Prompts, and the words that a class has in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sweeper.data import Examples
from sweeper.data.demo import Demo
from sweeper.data.verbalisers import Verbalised, reading_notes, verbalisers
from sweeper.errors import WrongInput
from sweeper.tokens.prompted import in_prompts, questions_of
from sweeper.tokens.prompts import (
    SHORTEST_PROMPT,
    answer_ids,
    check_pieces,
    framed_texts,
    prompt_text,
    prompted,
    question_ids,
    question_room,
    split_facts,
)
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.refusals import refusal_of

TEXTS = ["a dull novel , never fine .", "a fine story .", "never dull , a very fine tale ."] * 20
WORDS = ("bad", "very good")
SIZES = {TokenizerKind.word: None, TokenizerKind.unigram: 38, TokenizerKind.bpe: 60, TokenizerKind.byte_bpe: 290}


def trained(kind: TokenizerKind, directory: Path) -> Tokenizer:
    return load(train_tokenizer(kind, framed_texts(TEXTS, WORDS), SIZES[kind], directory))


def like_bloom(directory: Path) -> Tokenizer:
    """BLOOM's kind: byte-level, a space in the piece that follows it, none added before a text."""
    library = tokenizers.Tokenizer(tokenizers.models.BPE())
    words = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r" ?[^(\s|[.,!?…。，、।۔،])]+"), "isolated")
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    library.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([words, byte_level])
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(framed_texts(TEXTS, WORDS), trainer)
    library.save(str(directory / "tokenizer.json"))
    return load(directory)


MAKERS = {kind.value: lambda place, kind=kind: trained(kind, place) for kind in TokenizerKind} | {"bloom": like_bloom}


@pytest.fixture(params=list(MAKERS))
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Tokenizer:
    return MAKERS[request.param](tmp_path)


@pytest.fixture
def words(tmp_path: Path) -> Tokenizer:
    return trained(TokenizerKind.word, tmp_path)


def test_ids_are_those_of_the_whole_text(tokenizer: Tokenizer) -> None:
    # BLOOM's makes one piece of ".\n", which a frame of its own leaves apart.
    for text, word in zip(("a dull novel", "a fine story , never dull"), WORDS, strict=True):
        [question], [answer] = question_ids(tokenizer, [text]), answer_ids(tokenizer, [word])
        made = prompted(tokenizer, question, answer, 200)
        [whole] = tokenizer.segment([prompt_text(text, word)])
        assert list(made.input_ids) == [tokenizer.bos, *whole, tokenizer.eos]
        assert list(made.input_ids[made.answer :]) == answer
        assert not made.truncated
        assert tokenizer.unk not in made.input_ids


def test_the_space_before_an_answer_is_its_own(tmp_path: Path) -> None:
    tokenizer = like_bloom(tmp_path)
    [ids] = answer_ids(tokenizer, ["bad"])
    assert [tokenizer.pieces[index] for index in ids] == ["Ġbad", "</s>"]


def test_only_the_question_is_cut(tokenizer: Tokenizer) -> None:
    [question], answers = question_ids(tokenizer, [" ".join(TEXTS)]), answer_ids(tokenizer, WORDS)
    whole = prompted(tokenizer, question, answers[1], 10_000)
    frame = len(whole.input_ids) - len(question) - len(answers[1])
    shortest = frame + max(map(len, answers)) + 1
    for length in (shortest, shortest + 1, shortest + 7):
        cut = [prompted(tokenizer, question, answer, length, max(map(len, answers))) for answer in answers]
        kept = length - shortest + 1
        start = whole.answer - len(question)
        after = whole.input_ids[whole.answer - (frame - frame_before(tokenizer)) : whole.answer]
        for made, answer in zip(cut, answers, strict=True):
            assert made.truncated
            assert len(made.input_ids) <= length
            assert list(made.input_ids[made.answer :]) == answer
            assert made.input_ids[: made.answer] == (
                *whole.input_ids[: frame_before(tokenizer)],
                *question[:kept],
                *after,
            )
        assert start == frame
        assert cut[0].input_ids[: cut[0].answer] == cut[1].input_ids[: cut[1].answer], "the answer must not show"
    with pytest.raises(WrongInput, match=f"no room for a question.*\nallowed: at least {shortest}"):
        prompted(tokenizer, question, answers[0], shortest - 1, max(map(len, answers)))


def frame_before(tokenizer: Tokenizer) -> int:
    [opening] = tokenizer.segment(["<human>:"])
    return 1 + len(opening)


def test_facts_count_what_was_cut(words: Tokenizer) -> None:
    questions, [answer] = question_ids(words, ["a dull novel .", "a fine", "unheard"]), answer_ids(words, ["bad"])
    prompts = [prompted(words, question, answer, 8) for question in questions]
    facts = split_facts(questions, prompts, words.unk)
    assert (facts.examples, facts.truncated, facts.tokens) == (3, 1, 8 + 7 + 6)
    assert facts.unknown_share == 1 / 7
    assert min(len(item.input_ids) for item in prompts) == SHORTEST_PROMPT


def test_no_answer_is_its_end_alone(words: Tokenizer) -> None:
    assert answer_ids(words, ["", "  "]) == [[words.eos], [words.eos]]


def test_of_a_pair_the_longer_text_is_cut(words: Tokenizer) -> None:
    pairs = Examples(("a dull novel , never fine .", "a"), (0, 0), ("fine", "a fine story ."))
    answers = answer_ids(words, ["bad"])
    room = question_room(words, 2, 9)
    assert room == 4
    made = in_prompts(words, questions_of(words, pairs), pairs.labels, answers, 9)
    shown = [" ".join(words.pieces[index] for index in item.input_ids) for item in made]
    assert shown == [
        "<s> <human>: a dull novel fine <assistant>: bad </s>",
        "<s> <human>: a a fine story <assistant>: bad </s>",
    ]
    assert [item.truncated for item in made] == [True, True]


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
    assert said in refusal_of(verbalisers, of(given))


@pytest.fixture(scope="module")
def few_words(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
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
    given: Mapping[str, str], said: str, few_words: Tokenizer
) -> None:
    assert said in refusal_of(check_pieces, few_words, of(given))


def test_a_word_of_no_pieces_is_refused(tmp_path: Path) -> None:
    """As sentencepiece makes none of a character that it takes for a space."""
    tokenizer = load(train_tokenizer(TokenizerKind.unigram, ["<human>: fine <assistant>: bad"] * 9, 24, tmp_path))
    with pytest.raises(WrongInput, match="is no piece at all"):
        check_pieces(tokenizer, of({"neg": "bad", "pos": "\u200b"}))


def test_words_that_begin_alike_are_told_apart(few_words: Tokenizer) -> None:
    check_pieces(few_words, of({"neg": "bad", "pos": "bad fine"}))


def test_notes_name_the_words_and_how_they_count() -> None:
    demo = Demo(verbalisers={"negative": "bad", "positive": "fine"})
    first, second = reading_notes(demo, length_normalised=False, ends="<|endoftext|>")
    assert "(negative: bad, positive: fine), not normalised by length" in first
    assert "its words and <|endoftext|> after the prompt" in first
    assert "train/loss is the language model's" in second
    assert "divided by the number of their ids" in reading_notes(demo, length_normalised=True, ends="</s>")[0]

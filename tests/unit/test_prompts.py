from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers

from sweeper.data import Examples
from sweeper.errors import WrongInput
from sweeper.tokens.prompted import in_prompts, questions_of
from sweeper.tokens.prompts import (
    SHORTEST_PROMPT,
    answer_ids,
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

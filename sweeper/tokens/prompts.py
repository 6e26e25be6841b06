"""Questions and answers as a causal language model reads them: `<human>: …` and, a line further, `<assistant>: …`.

One space stands before the question and one before the answer. What that makes of their first piece is the tokenizer's
matter: a byte-level BPE takes the space into it, sentencepiece marks it, a tokenizer of words drops it. The ids are
those that the text has as a whole, but that the frame's are always the same: a full stop and the line's end after it
are never one piece. A prompt begins with <s>, an answer ends with </s>, which generation stops at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sweeper.data import DataSource
from sweeper.data.facts import SplitFacts
from sweeper.data.verbalisers import check_different, verbalisers
from sweeper.errors import WrongInput
from sweeper.tokens.tokenizer import Tokenizer

PROMPTS = "prompt.json"  # beside exported weights: how they are asked
HUMAN, ASSISTANT = "<human>:", "\n<assistant>:"
PRECEDING = f"{HUMAN} a"  # some text that <assistant> and an answer may follow
SHORTEST_PROMPT = 6  # ids: <s>, two of the frame, one of the question, one of the answer, </s>


@dataclass(frozen=True)
class Prompted:
    """A question in its frame, with an answer: `input_ids` from <s> to </s>; the answer's begin at index `answer`."""

    input_ids: tuple[int, ...]
    answer: int
    truncated: bool  # whether the question's end is cut off


def prompt_text(question: str, answer: str = "") -> str:
    """Return a question in its frame as text, with its answer where there is one."""
    return f"{HUMAN} {question}{ASSISTANT}" + (f" {answer}" if answer else "")


def framed_texts(texts: Iterable[str], answers: Sequence[str]) -> Iterator[str]:
    """Yield each text in the frame with all of these answers: what a tokenizer that is to read prompts is made of."""
    answer = " ".join(answers)
    return (prompt_text(text, answer) for text in texts)


def question_ids(tokenizer: Tokenizer, questions: Sequence[str]) -> list[list[int]]:
    """Return the ids of each question as it stands in the frame, uncut."""
    return continuations(tokenizer, HUMAN, [f" {question}" for question in questions])


def answer_ids(tokenizer: Tokenizer, answers: Sequence[str]) -> list[list[int]]:
    """Return the ids of each answer as it follows the frame, </s> last; of an answer of no pieces </s> alone."""
    texts = [f" {answer}" for answer in answers]
    return [[*ids, tokenizer.eos] for ids in continuations(tokenizer, PRECEDING + ASSISTANT, texts)]


def prompted(
    tokenizer: Tokenizer, question: Sequence[int], answer: Sequence[int], max_length: int, room: int | None = None
) -> Prompted:
    """Put a question's ids into the frame, before an answer's (as `answer_ids` returns them).

    Of the question those ids are cut off that would make more than `max_length` in all; of frame and answer none. With
    `room` the question is cut as for an answer of so many ids, </s> included: that of another answer. Raises WrongInput
    when no id of the question would be left.
    """
    before, after = _frame_ids(tokenizer)
    kept = question_room(tokenizer, max(room or 0, len(answer)), max_length)
    start = (*before, *question[:kept], *after)
    return Prompted((*start, *answer), len(start), len(question) > kept)


def question_room(tokenizer: Tokenizer, answer_length: int, max_length: int) -> int:
    """Return how many ids of a question fit before an answer of so many, </s> included. Raises WrongInput for none."""
    before, after = _frame_ids(tokenizer)
    frame = len(before) + len(after)
    if frame + answer_length >= max_length:
        raise WrongInput(
            f"train.max_length={max_length} has no room for a question: the prompt's frame has {frame} ids, the longest"
            f" answer {answer_length}\nallowed: at least {frame + answer_length + 1}"
        )
    return max_length - frame - answer_length


def _frame_ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    [opening] = tokenizer.segment([HUMAN])
    [closing] = continuations(tokenizer, PRECEDING, [ASSISTANT])
    return [tokenizer.bos, *opening], closing


def continuations(tokenizer: Tokenizer, before: str, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of each text as it follows `before`; where no piece ends between them, of the text alone."""
    start, *wholes = tokenizer.segment([before, *(before + text for text in texts)])
    follows = [whole[: len(start)] == start and len(whole) > len(start) for whole in wholes]
    alone = iter(tokenizer.segment([text for text, good in zip(texts, follows, strict=True) if not good]))
    return [whole[len(start) :] if good else next(alone) for whole, good in zip(wholes, follows, strict=True)]


def split_facts(questions: Sequence[Sequence[int]], prompts: Sequence[Prompted], unk: int) -> SplitFacts:
    """Count what tokenizing did to a split; `questions` holds the uncut ids, of which the share of <unk> is."""
    return SplitFacts(
        examples=len(prompts),
        truncated=sum(item.truncated for item in prompts),
        tokens=sum(len(item.input_ids) for item in prompts),
        unknown_share=sum(list(ids).count(unk) for ids in questions) / max(sum(map(len, questions)), 1),
    )


def check_pieces(tokenizer: Tokenizer, source: DataSource) -> None:
    """Raise WrongInput for a verbaliser that a tokenizer does not know, or of which it makes the same as of another."""
    words, names = verbalisers(source), source.label_names()
    answers = [tuple(ids[:-1]) for ids in answer_ids(tokenizer, words)]
    for name, word, ids in zip(names, words, answers, strict=True):
        if set(ids) <= {tokenizer.unk}:
            made = "only <unk>" if ids else "no piece at all"
            raise WrongInput(
                f"data.verbalisers.{name}={word} is {made} to the tokenizer\nallowed: words that it knows, or another"
                " tokenizer.path"
            )
    check_different(answers, names, words)

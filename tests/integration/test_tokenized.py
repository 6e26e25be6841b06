from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from sweeper.data import DataSource, Examples
from sweeper.data.cls_books import ClsBooks
from sweeper.data.facts import SplitFacts, data_facts, question_facts
from sweeper.data.files import Files
from sweeper.data.questions import QuestionFiles
from sweeper.errors import WrongInput
from sweeper.tokens.prompted import tokenized_answers
from sweeper.tokens.tokenized import load_tokenized, tokenized
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.labelled_files import load_facts
from tests.shared_data import CHECKPOINT, REVIEWS, needs

ROWS = {
    "train": [("qui lit ?", "une amie"), ("où ?", "ici")],
    "valid": [("quand ?", "demain")],
    "test": [("qui lit un livre long ?", "une amie"), ("quoi ?", "un livre"), ("où ?", "là")],
}
WORDS = "<human>: <assistant>: qui lit un livre long ? où quand une amie ici demain"


@pytest.fixture
def small(tmp_path: Path) -> ClsBooks:
    files = {
        "train": ("bon livre\nlivre bon et long\nnul\nlivre nul\n", "1\n1\n0\n0\n"),
        "valid": ("livre\nfade\n", "1\n0\n"),
        "test": ("un deux trois quatre cinq\nbon\nnul\n", "0\n1\n0\n"),
    }
    directory = tmp_path / "reviews"
    directory.mkdir()
    for split, (reviews, labels) in files.items():
        (directory / f"{split}.review").write_text(reviews, encoding="utf-8")
        (directory / f"{split}.label").write_text(labels, encoding="utf-8")
    return ClsBooks(path=str(directory))


def words(texts: Iterable[str], directory: Path) -> Tokenizer:
    return load(train_tokenizer(TokenizerKind.word, texts, None, directory))


def test_columns_facts_and_order(small: ClsBooks, tmp_path: Path) -> None:
    tokenizer = words(small.splits()["train"].texts, tmp_path)
    # By frequency, then alphabet: livre 4, bon 5, nul 6, et 7, long 8.
    directory = tokenized(tmp_path / "cache/ids", small, tokenizer, max_length=5)
    data = load_tokenized(directory)
    assert data["train"][:] == {
        "input_ids": [[0, 5, 4, 2], [0, 4, 5, 7, 2], [0, 6, 2], [0, 4, 6, 2]],
        "labels": [1, 1, 0, 0],
        "length": [4, 5, 3, 4],
    }
    assert data["test"]["input_ids"][:] == [[0, 3, 3, 3, 2], [0, 5, 2], [0, 6, 2]]
    assert data["train"].features["labels"].names == ["negative", "positive"]
    facts = load_facts(directory)
    assert facts.splits == {
        "train": SplitFacts(examples=4, truncated=1, tokens=16, unknown_share=0.0),
        "valid": SplitFacts(examples=2, truncated=0, tokens=6, unknown_share=0.5),
        "test": SplitFacts(examples=3, truncated=1, tokens=11, unknown_share=0.6),
    }
    assert facts.data == data_facts(small) and data_facts(small).leaked == {"valid": 0, "test": 1}


def pairs(directory: Path) -> Files:
    rows = {
        "train": [("un livre", "il est bon"), ("un livre", "un")],
        "valid": [("bon livre", "bon"), ("non", "il est")],
        "test": [("un", "un livre bon"), ("est il", "bon")],
    }
    for split, texts in rows.items():
        lines = [json.dumps({"a": a, "b": b, "suit": label}) for label, (a, b) in enumerate(texts)]
        (directory / f"{split}.jsonl").write_text("\n".join(lines))
    return Files(path=str(directory), text=["a", "b"], label="suit")


def test_pairs(tmp_path: Path) -> None:
    source = pairs(tmp_path)
    tokenizer = words(["un livre", "il est bon"], tmp_path / "words")
    directory = tokenized(tmp_path / "ids", source, tokenizer, max_length=8)
    data, facts = load_tokenized(directory), load_facts(directory)
    shown = {
        split: [" ".join(tokenizer.pieces[index] for index in ids) for ids in data[split]["input_ids"]]
        for split in data
    }
    assert shown == {
        "train": ["<s> un livre </s> </s> il est </s>", "<s> un livre </s> </s> un </s>"],
        "valid": ["<s> bon livre </s> </s> bon </s>", "<s> <unk> </s> </s> il est </s>"],
        "test": ["<s> un </s> </s> un livre bon </s>", "<s> est il </s> </s> bon </s>"],
    }
    assert list(data["train"]["length"]) == [8, 7]
    assert facts.splits == {
        "train": SplitFacts(examples=2, truncated=1, tokens=15, unknown_share=0.0),
        "valid": SplitFacts(examples=2, truncated=0, tokens=14, unknown_share=1 / 6),
        "test": SplitFacts(examples=2, truncated=0, tokens=15, unknown_share=0.0),
    }


def test_pairs_without_room_are_refused(tmp_path: Path) -> None:
    source = pairs(tmp_path)
    tokenizer = words(["un livre"], tmp_path / "words")
    with pytest.raises(WrongInput, match=r"train\.max_length=5 has no room for pairs of texts\nallowed: at least 6"):
        tokenized(tmp_path / "ids", source, tokenizer, max_length=5)
    assert len(load_tokenized(tokenized(tmp_path / "ids", source, tokenizer, max_length=6))["test"]) == 2


def test_limit_takes_every_class(small: ClsBooks, tmp_path: Path) -> None:
    tokenizer = words(small.splits()["train"].texts, tmp_path)
    data = load_tokenized(tokenized(tmp_path / "ids", replace(small, limit=2), tokenizer, 10))
    assert {split: list(data[split]["labels"]) for split in data} == {
        "train": [1, 0],
        "valid": [1, 0],
        "test": [0, 1],
    }
    assert data["train"]["input_ids"][:] == [[0, 5, 4, 2], [0, 6, 2]]


class Untouchable(ClsBooks):
    def splits(self) -> dict[str, Examples]:
        raise AssertionError("tokenized a second time")


def test_made_once_and_memory_mapped(small: ClsBooks, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer = words(["livre"], tmp_path)
    directory = tokenized(tmp_path / "ids", small, tokenizer, 10)
    again: DataSource = Untouchable(path=small.path)
    assert tokenized(directory, again, tokenizer, 10) == directory
    files = [file["filename"] for split in load_tokenized(directory).values() for file in split.cache_files]
    assert len(files) == 3 and all(Path(file).is_relative_to(directory) for file in files)
    assert capfd.readouterr() == ("", "")  # no progress bars over the live table


def test_a_build_that_fails_leaves_nothing(small: ClsBooks, tmp_path: Path) -> None:
    tokenizer = words(["livre"], tmp_path)
    with pytest.raises(AssertionError, match="second time"):
        tokenized(tmp_path / "cache/ids", Untouchable(path=small.path), tokenizer, 10)
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


@pytest.fixture
def questions(tmp_path: Path) -> QuestionFiles:
    directory = tmp_path / "faq"
    directory.mkdir()
    for split, pairs in ROWS.items():
        lines = [json.dumps({"question": question, "answer": answer}) for question, answer in pairs]
        (directory / f"{split}.jsonl").write_text("\n".join(lines))
    return QuestionFiles(path=str(directory))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return words([WORDS], tmp_path / "words")


def test_prompts_answers_and_facts(questions: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path) -> None:
    directory = tokenized_answers(tmp_path / "ids", questions, tokenizer, max_length=10)
    data, facts = load_tokenized(directory), load_facts(directory)
    shown = {
        split: [
            tuple(" ".join(tokenizer.pieces[index] for index in ids) for ids in in_two(example)) for example in rows
        ]
        for split, rows in data.items()
    }
    assert shown == {
        "train": [
            ("<s> <human>: qui lit ? <assistant>:", "une amie </s>"),
            ("<s> <human>: où ? <assistant>:", "ici </s>"),
        ],
        "valid": [("<s> <human>: quand ? <assistant>:", "demain </s>")],
        "test": [
            ("<s> <human>: qui lit un livre <assistant>:", "une amie </s>"),  # the question is cut, nothing else
            ("<s> <human>: <unk> ? <assistant>:", "un livre </s>"),
            ("<s> <human>: où ? <assistant>:", "<unk> </s>"),
        ],
    }
    assert data["test"]["length"][:] == [10, 8, 7]
    assert list(zip(data["test"]["question"], data["test"]["expected"], strict=True)) == ROWS["test"]
    assert facts.data == question_facts(questions) and facts.data.leaked == {"valid": 0, "test": 1}
    assert facts.splits["test"] == SplitFacts(examples=3, truncated=1, tokens=25, unknown_share=1 / 10)
    assert facts.splits["train"].truncated == 0


def in_two(example: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    return example["input_ids"][: example["answer"]], example["input_ids"][example["answer"] :]


def test_a_limit_takes_the_first_questions_of_each_split(
    questions: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    data = load_tokenized(tokenized_answers(tmp_path / "ids", replace(questions, limit=2), tokenizer, 20))
    assert data["test"]["expected"][:] == ["une amie", "un livre"]


def test_an_answer_without_room_is_named(questions: QuestionFiles, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(WrongInput) as raised:
        tokenized_answers(tmp_path / "ids", questions, tokenizer, max_length=6)
    assert str(raised.value).startswith("the answer 'une amie' has 3 ids: train.max_length=6 has no room")
    assert str(raised.value).endswith("allowed: at least 7") and "\n" not in str(raised.value)
    assert not (tmp_path / "ids").exists()


@needs(REVIEWS)
def test_french_bpe_model_on_the_reviews() -> None:
    splits = ClsBooks(path=str(REVIEWS)).splits()
    texts = [text for examples in splits.values() for text in examples.texts]
    file = REVIEWS / "sentencepiece.french.model"
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    whole = load(file)
    assert whole.size == 50_000 - 3 + 5
    expected = [[3 if piece == 0 else piece + 1 for piece in ids] for ids in model.encode(texts)]
    assert whole.segment(texts) == expected
    # 27,317 of the model's pieces are known to be used, <unk> among them.
    assert len({index for ids in expected for index in ids}) == 27_317
    cut = load(file, 32_000, texts)
    assert cut.size == 27_316 + 5
    for before, after in zip(expected, cut.segment(texts), strict=True):
        assert [whole.pieces[index] for index in before] == [cut.pieces[index] for index in after]


@needs(REVIEWS)
def test_cut_french_model_keeps_what_is_most_frequent() -> None:
    texts = ClsBooks(path=str(REVIEWS)).splits()["train"].texts
    file = REVIEWS / "sentencepiece.french.model"
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    counts = Counter(piece for ids in model.encode(list(texts)) for piece in ids if piece != 0)
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))[: 8000 - 5]
    expected = ("<s>", "<pad>", "</s>", "<unk>", *map(model.id_to_piece, ranked), "<mask>")
    assert load(file, 8000, texts).pieces == expected


@needs(REVIEWS, CHECKPOINT)
def test_checkpoints_unigram_model_on_the_reviews(tmp_path: Path) -> None:
    source = ClsBooks(path=str(REVIEWS), pool=True, validation_size=200)
    model = sentencepiece.SentencePieceProcessor(model_file=str(CHECKPOINT / "sentencepiece.bpe.model"))
    tokenizer = load(CHECKPOINT, 32_000, source.splits()["train"].texts)
    assert (tokenizer.size, tokenizer.mask) == (8000, 4)  # 8,000 are fewer than 32,000: not cut, own ids
    directory = tokenized(tmp_path / "ids", source, tokenizer, max_length=112)
    data, facts = load_tokenized(directory), load_facts(directory)
    assert {split: len(data[split]) for split in data} == {"train": 1800, "valid": 200, "test": 2000}
    uncut = model.encode(list(source.splits()["test"].texts))
    assert data["test"]["input_ids"][:] == [[0, *ids[:110], 2] for ids in uncut]
    assert facts.splits["test"].truncated == sum(len(ids) > 110 for ids in uncut)
    pieces = [piece for ids in uncut for piece in ids[:110]]
    assert facts.splits["test"].unknown_share == pieces.count(model.unk_id()) / len(pieces)

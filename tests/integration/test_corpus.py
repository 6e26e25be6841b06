from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoConfig, AutoTokenizer

from sweeper.data.corpus import Corpus, texts
from sweeper.tokens.packed import PackedSequences, is_held_out, load_facts, pack
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind
from tests.shared_data import REVIEWS, needs

ROOT = Path(__file__).parents[2]
VOCABULARY_SIZE = 2000
TRICKY = [
    "",
    " ",
    " deux  espaces \t fin ",
    "☃☃ ☃",
    "de\u0301compose\u0301",
    "ŒUVRE ½ ﬁn … Ⅳ",
    "a\u2028b",
    "un\u200blivre",
]
MODEL_TYPES = ["roberta", "roberta-prelayernorm", "xlm-roberta", "camembert", "bloom"]
every_kind = pytest.mark.parametrize("kind", TokenizerKind)

pytestmark = needs(REVIEWS)


@pytest.fixture(scope="module")
def reviews() -> list[str]:
    return Corpus(files=str(REVIEWS / "train.review")).unlabelled()


@pytest.fixture(scope="module")
def unseen() -> list[str]:
    return [*texts([REVIEWS / "test.review"]), *TRICKY]


@pytest.fixture(scope="module")
def tokenizers(reviews: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[TokenizerKind, Tokenizer]:
    place = tmp_path_factory.mktemp("tokenizers")
    return {kind: load(train_tokenizer(kind, reviews, VOCABULARY_SIZE, place / kind.value)) for kind in TokenizerKind}


@every_kind
@pytest.mark.parametrize("model_type", [None, *MODEL_TYPES])
def test_transformers_gives_the_same_ids(
    kind: TokenizerKind,
    model_type: str | None,
    tokenizers: dict[TokenizerKind, Tokenizer],
    unseen: list[str],
    tmp_path: Path,
) -> None:
    tokenizer = tokenizers[kind]
    tokenizer.save(tmp_path)
    if model_type is not None:  # a model beside it, by whose type a tokenizer might be guessed
        AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    library = AutoTokenizer.from_pretrained(tmp_path)
    assert library(unseen)["input_ids"] == tokenizer.encode(unseen, 100_000)
    assert set(library("un", "deux")) == {"input_ids", "attention_mask"}
    assert len(library) == tokenizer.size == VOCABULARY_SIZE
    special = (library.bos_token_id, library.pad_token_id, library.eos_token_id, library.unk_token_id)
    assert (*special, library.mask_token_id) == (0, 1, 2, 3, VOCABULARY_SIZE - 1)
    assert library.decode(library("un livre")["input_ids"], skip_special_tokens=True).strip() == "un livre"


@pytest.mark.parametrize(("kind", "tolerated"), [(TokenizerKind.unigram, 0.002), (TokenizerKind.bpe, 0.0)])
def test_conversion_cuts_as_sentencepiece(
    kind: TokenizerKind, tolerated: float, tokenizers: dict[TokenizerKind, Tokenizer], unseen: list[str]
) -> None:
    file = tokenizers[kind].segmenter.file.with_name("sentencepiece.bpe.model")
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    differing = [
        (ours, theirs)
        for ours, theirs in zip(tokenizers[kind].segment(unseen), model.encode(unseen), strict=True)
        if ours != theirs
    ]
    assert len(differing) <= tolerated * len(unseen)
    # Of two ways that are equally likely, as "." "..." and "..." ".", the libraries take different ones.
    assert all(sorted(ours) == sorted(theirs) for ours, theirs in differing)


def test_real_text_is_packed_to_the_ids_of_its_texts(
    tokenizers: dict[TokenizerKind, Tokenizer], reviews: list[str], tmp_path: Path
) -> None:
    tokenizer = tokenizers[TokenizerKind.unigram]
    corpus = Corpus(files=str(REVIEWS / "train.review"), held_out_share=0.1)
    pack(corpus.texts(), tokenizer, corpus.held_out_share, corpus.split_seed, tmp_path)
    kept = [text for text in reviews if not is_held_out(text, corpus.held_out_share, corpus.split_seed)]
    expected = [index for ids in tokenizer.segment(kept) for index in (*ids, tokenizer.eos)]
    sequences = PackedSequences.open(tmp_path, "train", 512, tokenizer.bos, tokenizer.eos)
    stream = [index for number in range(len(sequences)) for index in sequences[number][1:-1].tolist()]
    assert stream == expected[: len(stream)] and len(expected) - len(stream) < 510
    facts = load_facts(tmp_path)
    assert facts["train"]["texts"] == len(kept) and facts["train"]["tokens"] == len(expected)
    assert facts["valid"]["texts"] == len(reviews) - len(kept) > 0.05 * len(reviews)
    assert facts["train"]["unknown_share"] < 0.001


@every_kind
def test_training_is_the_same_in_another_process_with_other_threads(
    kind: TokenizerKind, tokenizers: dict[TokenizerKind, Tokenizer], tmp_path: Path
) -> None:
    script = (
        "from pathlib import Path; from sweeper.data.corpus import texts;"
        "from sweeper.trial.settings import TokenizerKind;"
        "from sweeper.tokens.tokenizer_training import train_tokenizer;"
        f"train_tokenizer(TokenizerKind.{kind.value}, texts([Path({str(REVIEWS / 'train.review')!r})]),"
        f" {VOCABULARY_SIZE}, Path({str(tmp_path)!r}), threads=3)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert (tmp_path / "tokenizer.json").read_bytes() == tokenizers[kind].segmenter.file.read_bytes()

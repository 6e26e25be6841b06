"""Weights of fairseq and Transformers, each converted to the other: the libraries themselves compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, PreTrainedModel

from sweeper.convert import convert
from sweeper.tokens.tokenizer import Tokenizer, load
from tests.fairseq_models import HEAD, LONGEST, load_fairseq_directory, write_fairseq, write_transformers
from tests.needs_fairseq import needs_fairseq
from tests.shared_data import CHECKPOINT, REVIEWS, needs

pytestmark = [needs_fairseq, needs(REVIEWS)]
TYPES = ("roberta", "roberta-prelayernorm")
LARGEST_DIFFERENCE = 1e-5


@pytest.fixture(scope="module", autouse=True)
def fairseq() -> None:
    from sweeper.frameworks.fairseq.mends import load_fairseq

    load_fairseq()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Real reviews, the longest first."""
    reviews = (REVIEWS / "test.review").read_text(encoding="utf-8").splitlines()
    return sorted(reviews, key=len, reverse=True)


@pytest.fixture(scope="module")
def tokenizer(texts: list[str]) -> Tokenizer:
    """The reviews' own tokenizer, cut to what a few of them use."""
    return load(REVIEWS / "sentencepiece.french.model", 2000, texts[:200])


class Batch(NamedTuple):
    """Padded ids, and where they are no padding."""

    ids: Tensor
    shown: Tensor


def batches(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Batch]:
    """Reviews of 3 to 256 ids, short and long ones together, a word of each hidden."""
    lengths = [LONGEST, *range(LONGEST - 1, 32, -9), *range(32, 2, -1)]
    sequences = [tokenizer.encode([text], length)[0] for length, text in zip(lengths, texts, strict=False)]
    assert [len(sequence) for sequence in sequences] == lengths
    assert tokenizer.mask is not None
    for sequence in sequences:
        sequence[len(sequence) // 2] = tokenizer.mask
    found = []
    for start in range(6):
        rows = [torch.tensor(sequence) for sequence in sequences[start::6]]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad)
        found.append(Batch(ids, ids != tokenizer.pad))
    return found


def unlike(model: Any, other: PreTrainedModel, inputs: Sequence[Batch], row_of: Tensor | None = None) -> float:
    """Return the largest difference of the logits of a fairseq and a Transformers model, dropout off.

    `row_of` is fairseq's id of each of Transformers'. fairseq takes its fast path where no gradients are wanted.
    """
    row_of = torch.arange(other.config.vocab_size) if row_of is None else row_of
    largest = 0.0
    for number, batch in enumerate(inputs):
        with torch.set_grad_enabled(number % 2 == 0):
            theirs = other.eval()(batch.ids, attention_mask=batch.shown).logits
            if theirs.dim() == 2:
                ours = model.eval()(row_of[batch.ids], classification_head_name=HEAD)[0]
            else:
                ours, theirs = model.eval()(row_of[batch.ids])[0][..., row_of][batch.shown], theirs[batch.shown]
        assert ours.shape == theirs.shape and theirs.abs().max() > 0.01
        largest = max(largest, (ours - theirs).abs().max().item())
    return largest


@pytest.mark.parametrize("stirred", [False, True])
@pytest.mark.parametrize("model_type", TYPES)
def test_what_fairseq_drew_is_the_same_in_transformers(
    model_type: str, stirred: bool, tokenizer: Tokenizer, texts: list[str], tmp_path: Path
) -> None:
    given = write_fairseq(tmp_path / "given", model_type, tokenizer, stirred)
    convert(given, tmp_path / "there")
    model, _ = load_fairseq_directory(given)
    assert load(given).pieces == load(tmp_path / "there").pieces == tokenizer.pieces
    inputs = batches(tokenizer, texts)
    for head in (AutoModelForSequenceClassification, AutoModelForMaskedLM):
        other, loaded = head.from_pretrained(tmp_path / "there", output_loading_info=True)
        assert not loaded["missing_keys"] and not loaded["mismatched_keys"]
        assert unlike(model, other, inputs) <= LARGEST_DIFFERENCE
    convert(tmp_path / "there", tmp_path / "back")
    assert (tmp_path / "back" / "dict.txt").read_text().splitlines()[:-1] == (
        given / "dict.txt"
    ).read_text().splitlines()
    back, _ = load_fairseq_directory(tmp_path / "back")
    expected = model.state_dict()
    assert back.state_dict().keys() == expected.keys()
    for name, tensor in back.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("head", [AutoModelForSequenceClassification, AutoModelForMaskedLM])
@pytest.mark.parametrize("model_type", TYPES)
def test_what_transformers_wrote_is_the_same_in_fairseq(
    model_type: str, head: Any, tokenizer: Tokenizer, texts: list[str], tmp_path: Path
) -> None:
    given = write_transformers(tmp_path / "given", model_type, head, tokenizer)
    convert(tmp_path / "given", tmp_path / "there")
    model, task = load_fairseq_directory(tmp_path / "there")
    assert len(task.source_dictionary) == given.config.vocab_size and task.mask_idx == tokenizer.mask
    inputs = batches(tokenizer, texts)
    assert unlike(model, given, inputs) <= LARGEST_DIFFERENCE
    convert(tmp_path / "there", tmp_path / "back")
    assert unlike(model, head.from_pretrained(tmp_path / "back"), inputs) <= LARGEST_DIFFERENCE
    with torch.no_grad():  # and without the token type, which is what a map of names alone would give
        row = given.base_model.embeddings.token_type_embeddings.weight[0]
        model.encoder.sentence_encoder.embed_positions.weight -= row
    assert unlike(model, given, inputs) > 1000 * LARGEST_DIFFERENCE


@pytest.mark.parametrize("head", [AutoModelForSequenceClassification, AutoModelForMaskedLM])
@pytest.mark.parametrize("model_type", TYPES)
def test_a_vocabulary_with_its_special_pieces_elsewhere(
    model_type: str, head: Any, tokenizer: Tokenizer, texts: list[str], tmp_path: Path
) -> None:
    moved = Tokenizer(tokenizer.segmenter, (*tokenizer.pieces[:3:-1], *tokenizer.pieces[:4][::-1]))
    assert (moved.mask, moved.pad) == (0, tokenizer.size - 2)
    given = write_transformers(tmp_path / "given", model_type, head, moved)
    convert(tmp_path / "given", tmp_path / "there")
    model, task = load_fairseq_directory(tmp_path / "there")
    rows = [task.source_dictionary.index(piece) for piece in moved.pieces]
    assert sorted(rows) == [*range(moved.size)]
    row_of = torch.tensor([*rows, *range(moved.size, given.config.vocab_size)])
    assert unlike(model, given, batches(moved, texts), row_of) <= LARGEST_DIFFERENCE
    again = load(tmp_path / "there")
    for ids, expected in zip(again.encode(texts, 50), moved.encode(texts, 50), strict=True):
        assert ids == row_of[expected].tolist()
    convert(tmp_path / "there", tmp_path / "back")
    assert unlike(model, head.from_pretrained(tmp_path / "back"), batches(again, texts)) <= LARGEST_DIFFERENCE


@needs(CHECKPOINT)
def test_a_pretrained_model(texts: list[str], tmp_path: Path) -> None:
    convert(CHECKPOINT, tmp_path / "there")
    given = AutoModelForMaskedLM.from_pretrained(CHECKPOINT)
    model, _ = load_fairseq_directory(tmp_path / "there")
    inputs = batches(load(CHECKPOINT), texts)[::2]
    largest_logit = max(
        given.eval()(batch.ids, attention_mask=batch.shown).logits.abs().max().item() for batch in inputs
    )
    # So large that the two kinds of attention in Transformers itself differ by more than 1e-5.
    assert largest_logit > 10
    assert unlike(model, given, inputs) <= 1e-6 * largest_logit
    assert unlike(model.double(), given.double(), inputs) <= LARGEST_DIFFERENCE


def test_fairseq_s_own_interface_gives_the_same_ids(tokenizer: Tokenizer, texts: list[str], tmp_path: Path) -> None:
    from fairseq.models.roberta import RobertaModel

    write_transformers(tmp_path / "given", "roberta", AutoModelForMaskedLM, tokenizer)
    convert(tmp_path / "given", tmp_path / "there")
    interface = RobertaModel.from_pretrained(str(tmp_path / "there"), bpe="sentencepiece")
    for text in texts[-50:]:
        assert interface.encode(text).tolist() == tokenizer.encode([text], 2000)[0]

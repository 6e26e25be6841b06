"""Greedy generation in batches, against one id after another by the model's logits alone."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel, set_seed

from sweeper.frameworks.fine_tuning import padded
from sweeper.frameworks.lora.generation import generate
from sweeper.tokens.tokenizer import Tokenizer, load
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import TokenizerKind

WORDS = [f"mot{number}" for number in range(40)]
PROMPTS = [[0, 5, 6, 7, 8, 9, 10], [0, 11], [0, 12, 13, 14], [0, 20, 21], [0, 30, 31, 32, 33]]
LONGEST, POSITIONS = 12, 30
MODELS = {
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS},  # it counts positions from 0
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load(train_tokenizer(TokenizerKind.word, [" ".join(WORDS)], None, tmp_path_factory.mktemp("words")))


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> PreTrainedModel:
    set_seed(3)
    config = AutoConfig.for_model(
        request.param, vocab_size=tokenizer.size, initializer_range=0.5, **MODELS[request.param]
    )
    return AutoModelForCausalLM.from_config(config)


def one_by_one(model: PreTrainedModel, tokenizer: Tokenizer, prompt: list[int], longest: int) -> list[int]:
    """Append the most likely id again and again: no cache, no batch, no padding."""
    ids: list[int] = []
    model.eval()
    with torch.no_grad():
        while len(ids) < longest:
            likeliest = int(model(input_ids=torch.tensor([prompt + ids])).logits[0, -1].argmax())
            if likeliest == tokenizer.eos:
                break
            ids.append(likeliest)
    return ids


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_each_prompt_has_its_most_likely_answer(batch_size: int, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    answers = [one_by_one(model, tokenizer, prompt, LONGEST) for prompt in PROMPTS]
    assert len({tuple(answer) for answer in answers}) > 2
    expected = [tokenizer.decode(answer) for answer in answers]
    assert generate(model, tokenizer, PROMPTS, LONGEST, POSITIONS, batch_size) == expected


def test_it_stops_at_the_end_and_at_the_last_position(model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    whole = one_by_one(model, tokenizer, PROMPTS[0], LONGEST)
    assert len(whole) > 4, "the model must go on for a while"
    place = next(place for place in range(1, len(whole)) if whole[place] not in whole[:place])
    ending = Tokenizer(tokenizer.segmenter, swapped(tokenizer, whole[place]))
    cut = tokenizer.decode(whole[:place])
    assert generate(model, ending, PROMPTS[:1], LONGEST, POSITIONS, 1) == [cut]
    short = generate(model, tokenizer, PROMPTS[:1], LONGEST, len(PROMPTS[0]) + 2, 1)
    assert short == [tokenizer.decode(whole[:2])]
    assert generate(model, tokenizer, PROMPTS[:1], LONGEST, len(PROMPTS[0]), 1) == [""]


def swapped(tokenizer: Tokenizer, index: int) -> tuple[str, ...]:
    """The pieces with </s> at an id where a word was."""
    pieces = list(tokenizer.pieces)
    pieces[index], pieces[tokenizer.eos] = pieces[tokenizer.eos], pieces[index]
    return tuple(pieces)


def test_nothing_that_a_model_brings_along_counts_or_is_lost(model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    expected = generate(model, tokenizer, PROMPTS, LONGEST, POSITIONS, 5)
    brought = GenerationConfig(
        do_sample=True, temperature=5.0, repetition_penalty=9.0, max_length=9, suppress_tokens=[4]
    )
    model.generation_config = brought
    model.train()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert generate(model, tokenizer, PROMPTS, LONGEST, POSITIONS, 5) == expected
    assert torch.equal(torch.get_rng_state(), before)
    assert model.generation_config is brought and model.training


def test_prompts_end_together() -> None:
    ids, mask = padded([[0, 5], [0, 6, 7]], 1, "left")
    assert ids.tolist() == [[1, 0, 5], [0, 6, 7]]
    assert mask.tolist() == [[0, 1, 1], [1, 1, 1]]

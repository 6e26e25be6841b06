"""What a causal language model answers: greedy generation in batches, the same for the same weights and prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import GenerationConfig, PreTrainedModel

from sweeper.frameworks.fine_tuning import padded
from sweeper.tokens.tokenizer import Tokenizer


def generate(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    prompts: Sequence[Sequence[int]],
    longest: int,
    positions: int,
    batch_size: int,
) -> list[str]:
    """Return the text with which a model goes on after each prompt, until </s>.

    Prompts are ids. At most `longest` ids are generated, </s> included, and no more than fit into `positions` with the
    prompt. Neither the model nor random states are changed.
    """
    by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers = [""] * len(prompts)
    with _generating(model):
        for start in range(0, len(prompts), batch_size):
            batch = by_length[start : start + batch_size]
            rows = [prompts[index] for index in batch]
            room = min(longest, positions - max(map(len, rows)))
            for index, ids in zip(batch, _continuations(model, tokenizer, rows, room), strict=True):
                answers[index] = tokenizer.decode(ids).strip()
    return answers


def _continuations(
    model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], longest: int
) -> list[list[int]]:
    if longest < 1:
        return [[] for _ in prompts]
    ids, mask = padded(prompts, tokenizer.pad, "left")
    device = next(model.parameters()).device
    greedy = GenerationConfig(  # no sampling, no beams, nothing that forbids or favours an id
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=longest,
        bos_token_id=tokenizer.bos,
        eos_token_id=tokenizer.eos,
        pad_token_id=tokenizer.pad,
    )
    found = model.generate(input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=greedy)
    rows = found[:, ids.shape[1] :].tolist()
    return [row[: row.index(tokenizer.eos)] if tokenizer.eos in row else row for row in rows]


@contextmanager
def _generating(model: PreTrainedModel) -> Iterator[None]:
    """Let a model generate: no dropout, no gradients, none of the settings that it may have brought along."""
    training, brought = model.training, model.generation_config
    model.eval()
    model.generation_config = GenerationConfig()  # what `greedy` leaves open would be taken from there
    try:
        with torch.no_grad(), torch.random.fork_rng():
            yield
    finally:
        model.generation_config = brought
        model.train(training)

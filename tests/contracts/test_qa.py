"""What framework=lora makes of task=qa: the suite of all frameworks is on classification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeper.backends import Backend
from sweeper.export import main as export
from sweeper.frameworks import inputs
from sweeper.frameworks.metrics import answer_metrics
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from tests.contracts.frameworks import EPOCHS, STEPS_PER_EPOCH, Laboratory, best_weights, events, run, values
from tests.contracts.interruptions import FINISHED_EPOCHS, KILLED, run_until
from tests.records import best_metrics

QA = ("task=qa", "data=qa_demo", "train.learning_rate=5e-3")
METRICS = ("loss", "perplexity", "exact_match", "token_f1")


@pytest.fixture(scope="module")
def laboratory(outputs: Path, backend: Backend) -> Laboratory:
    return Laboratory(outputs, backend, "lora")


def answers(directory: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in Record(directory).answers.read_text(encoding="utf-8").splitlines()]


def test_reports_every_epoch_and_keeps_some_answers(laboratory: Laboratory) -> None:
    trial = laboratory.trial(*QA)
    (directory,) = laboratory.run({"reference": trial})
    keys = ["train/loss", *(f"{split}/{name}" for split in ("valid", "test") for name in METRICS)]
    expected = [(key, epoch, STEPS_PER_EPOCH * epoch) for epoch in range(1, EPOCHS + 1) for key in keys]
    assert [(key, epoch, step) for key, _, epoch, step in events(directory)] == expected
    assert Record(directory).status() is Status.DONE
    assert best_metrics(directory)["valid/loss"] == min(values(directory, "valid/loss"))
    assert {path.name for path in directory.iterdir()} == {
        "trial.json", "events.jsonl", "outcome.json", "train.log", "best", "lock", "answers.jsonl",
        "predictions.npz",
    }  # fmt: skip
    kept, test = answers(directory), inputs.tokenized(trial)["test"]
    assert [(item["question"], item["expected"]) for item in kept] == [
        (example["question"], example["expected"]) for example in test.select(range(10))
    ]
    assert all(item["before"] != item["after"] for item in kept), "a random model says other things"


def test_another_batch_size_of_evaluation_changes_no_number(laboratory: Laboratory) -> None:
    trial, other = laboratory.trial(*QA), laboratory.trial(*QA, "train.eval_batch_size=7")
    first, second = laboratory.run({"reference": trial, "other batches": other})
    assert values(second, "train/loss") == values(first, "train/loss")
    assert best_weights(other, second) == best_weights(trial, first)
    assert answers(second) == answers(first)
    for split in ("valid", "test"):
        for name in METRICS:
            assert values(second, f"{split}/{name}") == pytest.approx(values(first, f"{split}/{name}"), rel=1e-6)


@pytest.mark.parametrize("moment", list(FINISHED_EPOCHS))
def test_a_killed_trial_ends_with_the_same_numbers_and_answers(laboratory: Laboratory, moment: str) -> None:
    trial = laboratory.trial(*QA)
    (undisturbed,) = laboratory.run({"reference": trial})
    directory = laboratory.place / moment
    assert laboratory.call({directory.name: run_until(trial, directory, moment)}) == {directory.name: KILLED}
    assert laboratory.call({directory.name: run(trial, directory)}) == {directory.name: ""}
    laboratory.check_same(trial, directory, undisturbed)


def test_the_export_gives_the_numbers_on_record(laboratory: Laboratory, tmp_path: Path) -> None:
    """Of a plain model, one example after another, without cache or batches."""
    import torch
    from transformers import AutoModelForCausalLM

    trial = laboratory.trial(*QA, "model=pt", "arch.causal_lm.pretraining.updates=40", "train.learning_rate=2e-2")
    inputs.prepare(trial)
    (directory,) = laboratory.run({"pretrained": trial})
    assert export([str(directory), str(tmp_path / "plain")]) == 0
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path / "plain").eval(), inputs.tokenizer(trial)
    losses: list[float] = []
    given: list[str] = []
    with torch.no_grad():
        for example in inputs.tokenized(trial)["test"]:
            ids, start = example["input_ids"], example["answer"]
            following = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].double(), dim=-1)
            losses += [-float(following[place - 1, ids[place]]) for place in range(start, len(ids))]
            given.append(tokenizer.decode(likeliest(model, ids[:start], tokenizer.eos, 12)))
    loss = float(np.mean(losses))
    expected = answer_metrics(given, inputs.tokenized(trial)["test"]["expected"][:])
    assert 0 < expected["token_f1"] < 1, "nothing would be compared"
    for name, value in {"loss": loss, "perplexity": float(np.exp(loss)), **expected}.items():
        assert best_metrics(directory)[f"test/{name}"] == pytest.approx(value, rel=1e-5), name
    assert [item["after"] for item in answers(directory)] == given[:10]


def likeliest(model: Any, prompt: list[int], end: int, longest: int) -> list[int]:
    """Return the most likely ids after a prompt."""
    import torch

    ids: list[int] = []
    while len(ids) < longest:
        found = int(model(input_ids=torch.tensor([prompt + ids])).logits[0, -1].argmax())
        if found == end:
            break
        ids.append(found)
    return ids

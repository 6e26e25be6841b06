"""What every framework must do; `tests.contracts.frameworks` lists them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sweeper.backends.local.backend import LocalBackend
from sweeper.checkpoints.parameter_count import count, recorded
from sweeper.export import main as export
from sweeper.frameworks import inputs, load_framework
from sweeper.records.record import Record
from sweeper.tokens.prompted import class_answers
from sweeper.trial.metrics import METRICS, DeclaredMetric
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import (
    EPOCHS,
    EXAMPLES,
    PARAMETERS,
    STEPS_PER_EPOCH,
    Laboratory,
    SmallTest,
    best_weights,
    events,
    run,
    values,
)
from tests.contracts.interruptions import FINISHED_EPOCHS, KILLED, launches, run_until
from tests.records import best_metrics

if TYPE_CHECKING:
    from torch import Tensor


@pytest.fixture(scope="module", params=PARAMETERS)
def laboratory(outputs: Path, backend: LocalBackend, request: pytest.FixtureRequest) -> Laboratory:
    return Laboratory(outputs, backend, request.param)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(laboratory: Laboratory) -> None:
    trial, other = laboratory.trial(), laboratory.trial("seed=2", "data_seed=1")
    first, again, different = laboratory.run({"reference": trial, "again": trial, "seed 2": other})
    assert events(first) == events(again)
    assert best_weights(trial, first) == best_weights(trial, again)
    assert values(first, "train/loss")[0] != values(different, "train/loss")[0]
    assert best_weights(trial, first).keys() == best_weights(other, different).keys()
    assert best_weights(trial, first) != best_weights(other, different)


def test_another_data_seed_changes_the_order_only(laboratory: Laboratory) -> None:
    trial, reordered = laboratory.trial(), laboratory.trial("data_seed=2")
    assert initial_weights(trial) == initial_weights(reordered)
    first, other = laboratory.run({"reference": trial, "data seed 2": reordered})
    assert values(first, "train/loss")[0] != values(other, "train/loss")[0]


def test_the_seed_is_set_before_the_first_weight_is_made(laboratory: Laboratory) -> None:
    weights = initial_weights(laboratory.trial())
    assert initial_weights(laboratory.trial()) == weights
    other = initial_weights(laboratory.trial("seed=2"))
    drawn = {name for name in weights if "weight" in name and "orm" not in name and not starts_at_zero(name)}
    assert drawn <= changed(weights, other)


def test_pretrained_weights_are_kept_and_the_head_is_random(laboratory: Laboratory) -> None:
    """By tensors' contents, since a framework may call them otherwise."""
    first, second = laboratory.trial("model=pt"), laboratory.trial("model=pt", "seed=2")
    inputs.prepare(first)
    made, other = initial_weights(first), initial_weights(second)
    assert initial_weights(first) == made
    body = set(digests(inputs.weights(first)).values())
    drawn = {name for name, digest in made.items() if digest not in body}
    assert drawn
    assert changed(made, other) == {name for name in drawn if not starts_at_zero(name)}
    kept = {digest for digest in made.values() if digest in body}
    assert len(kept) > 0.8 * len(body)


def test_reports_every_epoch_once(laboratory: Laboratory) -> None:
    (directory,) = laboratory.run({"reference": laboratory.trial()})
    measured = [f"{split}/{name}" for split in ("valid", "test") for name in ("loss", "accuracy", "macro_f1")]
    keys = ["train/loss", *measured]
    expected = [(key, epoch, STEPS_PER_EPOCH * epoch) for epoch in range(1, EPOCHS + 1) for key in keys]
    assert [(key, epoch, step) for key, _, epoch, step in events(directory)] == expected
    record = Record(directory)
    assert record.status() is Status.DONE
    assert not record.checkpoint.exists()
    assert not record.progress_file.exists()
    assert {path.name for path in directory.iterdir()} == {
        "trial.json", "events.jsonl", "outcome.json", "train.log", "best", "lock", "predictions.npz"
    }  # fmt: skip


def test_a_metric_that_is_declared_and_computed_is_on_record(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And can select the best epoch; every framework reads the one table."""
    declared = DeclaredMetric(("classification",), greater_is_better=False, share=True)
    monkeypatch.setitem(METRICS, "error_rate", declared)
    trial = laboratory.trial("task.selection_metric=error_rate", "task.greater_is_better=false")
    directory = laboratory.place / "error rate"

    def with_its_computation() -> None:
        from sweeper.frameworks import metrics

        metrics.CLASSIFICATION["error_rate"] = lambda scores, labels: 1 - metrics.accuracy(scores, labels)
        run(trial, directory)()

    assert laboratory.call({directory.name: with_its_computation}) == {directory.name: ""}
    best = best_metrics(directory)
    assert {split: best[f"{split}/error_rate"] for split in ("valid", "test")} == {
        split: 1 - best[f"{split}/accuracy"] for split in ("valid", "test")
    }
    assert best["valid/error_rate"] == min(values(directory, "valid/error_rate"))


def test_the_parameters_of_the_trained_model_are_on_record(laboratory: Laboratory) -> None:
    trial = laboratory.trial()
    (directory,) = laboratory.run({"reference": trial})
    outcome = Record(directory).outcome()
    assert outcome is not None and outcome.parameters is not None
    assert outcome.parameters == recorded(count(load_framework(trial).build(trial)))
    assert sum(outcome.parameters.parts.values()) == outcome.parameters.total > 0, "every part is known"


@pytest.mark.parametrize(
    "rule", [(), ("task.selection_metric=loss", "task.greater_is_better=false")], ids=["accuracy", "loss"]
)
def test_the_best_weights_give_the_numbers_on_record(laboratory: Laboratory, rule: tuple[str, ...]) -> None:
    trial = laboratory.trial("train.learning_rate=2e-3", *rule)
    (directory,) = laboratory.run({f"best by {rule or 'accuracy'}": trial})
    best_weights(trial, directory)
    for split in ("valid", "test"):
        check_recorded(trial, directory, directory.with_name(f"{directory.name}.exported"), split)
    losses = values(directory, "test/loss")
    assert min(abs(a - b) for a in losses for b in losses if a is not b) > 1e-4, "the epochs cannot be told apart"


@pytest.mark.parametrize("model", ["pt", "rd"])
def test_plain_weights_that_are_exported_elsewhere_give_them_too(
    laboratory: Laboratory, model: str, tmp_path: Path
) -> None:
    trial = laboratory.trial(f"model={model}", "train.learning_rate=2e-3")
    inputs.prepare(trial)
    (directory,) = laboratory.run({model: trial})
    for moved in (laboratory.outputs / "cache", directory):
        shutil.copytree(moved, tmp_path / "elsewhere" / moved.relative_to(laboratory.outputs))
    plain = tmp_path / "plain"
    assert export([str(tmp_path / "elsewhere" / directory.relative_to(laboratory.outputs)), str(plain)]) == 0
    check_recorded(trial, directory, plain, "test")
    config = json.loads((plain / "config.json").read_text())
    assert not {"peft_type", "adapter_config.json"} & {*config, *(path.name for path in plain.iterdir())}


@pytest.mark.parametrize("moment", list(FINISHED_EPOCHS))
def test_a_killed_trial_resumes_and_ends_with_the_same_numbers(laboratory: Laboratory, moment: str) -> None:
    trial = laboratory.trial()
    (undisturbed,) = laboratory.run({"reference": trial})
    directory = laboratory.place / moment
    assert laboratory.call({directory.name: run_until(trial, directory, moment)}) == {directory.name: KILLED}
    assert Record(directory).status() is Status.INTERRUPTED
    before = (directory / "events.jsonl").read_text() if (directory / "events.jsonl").exists() else ""
    with (directory / "events.jsonl").open("a") as file:
        file.write('{"split": "valid", "name": "accu')  # a line that the kill has torn
    length = laboratory.log(directory.name).stat().st_size
    assert laboratory.call({directory.name: run(trial, directory)}) == {directory.name: ""}
    assert (directory / "events.jsonl").read_text().startswith(before)
    laboratory.check_same(trial, directory, undisturbed)
    resumed = laboratory.log(directory.name).read_text()[length:]
    trained = [epoch for epoch in range(1, EPOCHS + 1) if f"epoch {epoch}, step" in resumed]
    assert trained == list(range(FINISHED_EPOCHS[moment] + 1, EPOCHS + 1))
    assert len(launches(directory)) == 2


def test_evaluation_changes_no_weight(laboratory: Laboratory) -> None:
    """Neither how it is batched nor how much is evaluated."""
    trial, batches = laboratory.trial(), laboratory.trial("train.eval_batch_size=7")
    target = f"data._target_={SmallTest.__module__}.{SmallTest.__name__}"
    smaller = laboratory.trial(target)
    names = {"reference": trial, "other batches": batches, "smaller test set": smaller}
    first, *others = laboratory.run(names)
    for changed_trial, directory in zip((batches, smaller), others, strict=True):
        assert values(directory, "train/loss") == values(first, "train/loss")
        assert best_weights(changed_trial, directory) == best_weights(trial, first)
    for key in ("valid/accuracy", "valid/loss", "test/accuracy", "test/loss"):
        assert values(others[0], key) == pytest.approx(values(first, key), rel=1e-6)
    assert values(others[1], "test/loss") != values(first, "test/loss")
    assert values(others[1], "valid/loss") == values(first, "valid/loss")


@pytest.mark.parametrize(("steps", "ends"), [(4, [(1, 4)]), (9, [(1, 6), (2, 9)]), (99, [(1, 6), (2, 12), (3, 18)])])
def test_max_steps_ends_an_epoch_early(laboratory: Laboratory, steps: int, ends: list[tuple[int, int]]) -> None:
    """Also when it is killed after that, where a resumption could make one more update."""
    trial = laboratory.trial(f"train.max_steps={steps}")
    directory = laboratory.place / f"{steps} steps"
    # The kill is where a naive resumption would make one more update.
    killed = run_until(trial, directory, "killed before the outcome")
    assert laboratory.call({directory.name: killed}) == {directory.name: KILLED}
    laboratory.call({directory.name: run(trial, directory)})
    assert [(epoch, step) for key, _, epoch, step in events(directory) if key == "test/loss"] == ends
    assert Record(directory).status() is Status.DONE


def test_a_diverging_trial_ends_with_an_outcome(laboratory: Laboratory) -> None:
    wild = ["train.gradient_clip=0", "train.warmup_ratio=0", "train.max_steps=6"]
    by_loss = ["task.selection_metric=loss", "task.greater_is_better=false"]
    places = {name: laboratory.place / name for name in ("diverging", "diverging, by loss")}
    trials = [laboratory.trial(*wild), laboratory.trial(*wild, *by_loss)]
    # No command takes such a rate.
    trials = [replace(trial, train=replace(trial.train, learning_rate=1e30)) for trial in trials]
    calls = {name: run(trial, place) for (name, place), trial in zip(places.items(), trials, strict=True)}
    assert laboratory.call(calls) == {"diverging": "", "diverging, by loss": "exit code 1"}
    done, failed = (Record(place) for place in places.values())
    assert np.isnan(values(done.path, "train/loss")[-1])
    assert done.status() is Status.DONE
    outcome = failed.outcome()
    assert outcome is not None and outcome.error is not None
    assert (outcome.status, outcome.error.message) == (Status.FAILED, "valid/loss was never a number")


def test_half_precision_trains(laboratory: Laboratory) -> None:
    exact, half = laboratory.run({"reference": laboratory.trial(), "bf16": laboratory.trial("train.precision=bf16")})
    assert values(half, "train/loss") != values(exact, "train/loss")
    assert values(half, "train/loss") == pytest.approx(values(exact, "train/loss"), rel=0.05)


def initial_weights(trial: Trial) -> dict[str, str]:
    """Digest of each parameter of the model as it would be trained."""
    inputs.tokenized(trial)
    parameters = load_framework(trial).build(trial).named_parameters()
    return {name: hashlib.sha256(value.detach().numpy().tobytes()).hexdigest() for name, value in parameters}


def digests(directory: str) -> dict[str, str]:
    """Digest of each tensor of a checkpoint, and of what a model without token types makes of its positions."""
    from safetensors.torch import load_file

    tensors = load_file(Path(directory) / "model.safetensors")
    found = {
        kind: value for name, value in tensors.items() for kind in ("position", "token_type") if f"{kind}_emb" in name
    }
    if found:  # BLOOM has neither
        tensors["positions of token type 0"] = found["position"] + found["token_type"][0]
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in tensors.items()}


def changed(weights: Mapping[str, str], others: Mapping[str, str]) -> set[str]:
    return {name for name in weights if weights[name] != others[name]}


def starts_at_zero(name: str) -> bool:
    """Whether a parameter is no random one: biases, and the second matrix of LoRA's product."""
    return "bias" in name or "lora_B" in name


def check_recorded(trial: Trial, directory: Path, exported: Path, split: str) -> None:
    """Compare what exported weights give with what is on record of the best epoch."""
    accuracy, loss = evaluate(trial, exported, split)
    assert best_metrics(directory)[f"{split}/accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert best_metrics(directory)[f"{split}/loss"] == pytest.approx(loss, rel=1e-5)


def evaluate(trial: Trial, directory: Path, split: str) -> tuple[float, float]:
    """Accuracy and mean cross-entropy of a Transformers directory, one example after another."""
    import torch

    score = class_scores(trial, directory)
    hits, losses = [], []
    with torch.no_grad():
        for example in inputs.tokenized(trial)[split]:
            logits = score(example["input_ids"]).double()
            hits.append(int(logits.argmax()) == example["labels"])
            losses.append(-float(torch.log_softmax(logits, 0)[example["labels"]]))
    assert len(hits) == EXAMPLES
    return float(np.mean(hits)), float(np.mean(losses))


def class_scores(trial: Trial, directory: Path) -> Callable[[list[int]], Tensor]:
    """What gives the classes' scores for the ids of an example: a classifier, or a language model's likelihoods."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    if not trial.reads_prompts:
        classifier = AutoModelForSequenceClassification.from_pretrained(directory).eval()
        return lambda ids: classifier(input_ids=torch.tensor([ids])).logits[0]
    model = AutoModelForCausalLM.from_pretrained(directory).eval()
    answers = class_answers(trial.data, inputs.tokenizer(trial))

    def likelihood(prompt: list[int], answer: list[int]) -> Tensor:
        following = torch.log_softmax(model(input_ids=torch.tensor([prompt + answer])).logits[0], dim=-1)
        places = range(len(prompt) - 1, len(prompt) + len(answer) - 1)
        return torch.stack([following[place, ids] for place, ids in zip(places, answer, strict=True)]).sum()

    return lambda ids: torch.stack([likelihood(ids, answer) for answer in answers])

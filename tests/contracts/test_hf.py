"""What framework=hf makes of a trial's settings, seen at the Trainer that it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Trainer, TrainerCallback

from sweeper.backends import Backend
from sweeper.frameworks.hf import training as hf_training
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import EPOCHS, STEPS_PER_EPOCH, Laboratory, make_trial, run
from tests.contracts.in_process import SHAPES, Silent, learning_rates

STEPS = EPOCHS * STEPS_PER_EPOCH


class Observer(TrainerCallback):  # type: ignore[misc]
    """Keeps what each update was made with."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.norms: list[float] = []

    def on_pre_optimizer_step(self, *_: Any, optimizer: Any, model: torch.nn.Module, **__: Any) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])
        gradients = [parameter.grad.norm() for parameter in model.parameters() if parameter.grad is not None]
        self.norms.append(float(torch.stack(gradients).norm()))


class Observed(hf_training.ClassifierTrainer):
    """The adapter's Trainer, with all that goes through it kept."""

    latest: Observed

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        Observed.latest = self
        self.observer = Observer()
        self.add_callback(self.observer)
        self.before = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self.batches: list[torch.Tensor] = []
        self.losses: list[float] = []

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        loss = super().compute_loss(model, inputs, *args, **kwargs)
        if model.training:
            self.batches.append(inputs["input_ids"])
            self.losses.append(loss.item())
        return loss


@pytest.fixture(autouse=True)
def _observed(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(hf_training, "ClassifierTrainer", Observed)


def train(trial: Trial, directory: Path) -> tuple[Observed, Silent]:
    report = Silent()
    hf_training.train(trial, directory, report)
    return Observed.latest, report


@pytest.mark.parametrize("schedule", list(SHAPES))
def test_learning_rates_follow_the_closed_formula(schedule: str, outputs: Path, tmp_path: Path) -> None:
    settings = [f"train.schedule={schedule}", "train.polynomial_power=3", "train.warmup_ratio=0.25"]
    trainer, _ = train(make_trial(outputs, *settings, "train.learning_rate=4e-4"), tmp_path)
    expected = learning_rates(schedule, 4e-4, STEPS // 4, STEPS)
    assert trainer.observer.rates == pytest.approx(expected, rel=1e-9)


def test_max_steps_is_what_the_schedule_spans(outputs: Path, tmp_path: Path) -> None:
    trainer, _ = train(make_trial(outputs, "train.max_steps=4", "train.warmup_ratio=0"), tmp_path)
    assert trainer.observer.rates == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])


def test_the_epochs_loss_is_the_mean_of_its_batches(outputs: Path, tmp_path: Path) -> None:
    trainer, report = train(make_trial(outputs), tmp_path)
    assert len(trainer.losses) == STEPS
    assert report.losses == pytest.approx(np.reshape(trainer.losses, (EPOCHS, -1)).mean(axis=1), rel=1e-6)


def test_every_example_is_seen_once_an_epoch_in_another_order(outputs: Path, tmp_path: Path) -> None:
    trainer, _ = train(make_trial(outputs), tmp_path)
    texts = [tuple(row[row != 1].tolist()) for batch in trainer.batches for row in batch]
    epochs = np.array_split(np.array(texts, dtype=object), EPOCHS)
    given = sorted(tuple(ids) for ids in trainer.train_dataset["input_ids"])
    assert all(sorted(epoch) == given for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == EPOCHS
    assert all(batch.shape[1] == int((batch != 1).sum(dim=1).max()) for batch in trainer.batches), "padded too much"


def test_gradients_are_clipped_only_when_wanted(outputs: Path, tmp_path: Path) -> None:
    free, _ = train(make_trial(outputs, "train.gradient_clip=0", "train.max_steps=3"), tmp_path / "free")
    clipped, _ = train(make_trial(outputs, "train.gradient_clip=0.01", "train.max_steps=3"), tmp_path / "clipped")
    assert min(free.observer.norms) > 0.1
    assert clipped.observer.norms == pytest.approx([0.01] * 3, rel=1e-3)


def test_optimizer_settings_arrive(outputs: Path, tmp_path: Path) -> None:
    settings = ["train.betas=[0.8,0.9]", "train.eps=1e-5", "train.weight_decay=0.3", "train.max_steps=2"]
    trainer, _ = train(make_trial(outputs, *settings), tmp_path)
    decayed, others = trainer.optimizer.param_groups
    assert (decayed["betas"], decayed["eps"], decayed["weight_decay"]) == ((0.8, 0.9), 1e-5, 0.3)
    assert others["weight_decay"] == 0
    shapes = {len(parameter.shape) for parameter in others["params"]}
    assert shapes == {1}, "biases and norms, which are vectors"
    assert all(len(parameter.shape) == 2 for parameter in decayed["params"])


def test_match_fairseq_decays_all_and_freezes_the_token_type_row(outputs: Path, tmp_path: Path) -> None:
    trainer, _ = train(make_trial(outputs, "framework.hf.match_fairseq=true"), tmp_path)
    trained = {id(p) for group in trainer.optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    still = {name for name, value in trainer.model.named_parameters() if torch.equal(value, trainer.before[name])}
    assert still == {"roberta.embeddings.token_type_embeddings.weight"}
    assert {name for name, value in trainer.model.named_parameters() if id(value) not in trained} == still


def test_evaluating_more_changes_no_weight(outputs: Path, backend: Backend) -> None:
    laboratory = Laboratory(outputs, backend, "hf")
    trial, twice = laboratory.trial(), laboratory.place / "twice"

    def call() -> None:
        loop = Trainer.evaluation_loop

        def evaluate_twice(*args: Any, **kwargs: Any) -> Any:
            torch.rand(1)
            loop(*args, **kwargs)
            return loop(*args, **kwargs)

        Trainer.evaluation_loop = evaluate_twice
        run(trial, twice)()

    assert laboratory.call({"twice": call}) == {"twice": ""}
    (once,) = laboratory.run({"once": trial})
    laboratory.check_same(trial, twice, once)

"""What framework=fairseq makes of a trial's settings, seen at the task that it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sweeper.frameworks import inputs, load_framework
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import EPOCHS, STEPS_PER_EPOCH, make_trial
from tests.contracts.in_process import SHAPES, Silent, learning_rates
from tests.needs_fairseq import needs_fairseq

pytestmark = [needs_fairseq, pytest.mark.usefixtures("one_thread")]
STEPS = EPOCHS * STEPS_PER_EPOCH


class Observed:
    """What goes through fairseq's task: at each update the examples, the loss, the rate and the gradients' norm."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from sweeper.frameworks.fairseq.task import ReportingTask

        self.examples: list[list[int]] = []
        self.texts: list[torch.Tensor] = []
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.norms: list[float] = []
        self.optimizer: Any = None
        train_step, optimizer_step = ReportingTask.train_step, ReportingTask.optimizer_step

        def watched_train_step(task: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
            self.examples.append(sample["id"].tolist())
            self.texts.append(sample["net_input"]["src_tokens"])
            result = train_step(task, sample, *args, **kwargs)
            self.losses.append(float(result[0].detach()) / result[1])
            return result

        def watched_optimizer_step(task: Any, optimizer: Any, model: torch.nn.Module, update_num: int) -> None:
            self.optimizer = optimizer
            self.rates.append(optimizer.get_lr())
            gradients = [value.grad.norm() for value in model.parameters() if value.grad is not None]
            self.norms.append(float(torch.stack(gradients).norm()))
            optimizer_step(task, optimizer, model, update_num)

        monkeypatch.setattr(ReportingTask, "train_step", watched_train_step)
        monkeypatch.setattr(ReportingTask, "optimizer_step", watched_optimizer_step)


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> Observed:
    return Observed(monkeypatch)


def train(trial: Trial, directory: Path) -> Silent:
    from sweeper.frameworks.fairseq.training import train

    report = Silent()
    directory.mkdir(exist_ok=True)
    train(trial, directory, report)
    return report


def fairseq(outputs: Path, *overrides: str) -> Trial:
    return make_trial(outputs, "framework=fairseq", *overrides)


@pytest.mark.parametrize("schedule", list(SHAPES))
def test_learning_rates_follow_the_closed_formula(
    schedule: str, outputs: Path, tmp_path: Path, observed: Observed
) -> None:
    settings = [f"train.schedule={schedule}", "train.polynomial_power=3", "train.warmup_ratio=0.25"]
    train(fairseq(outputs, *settings, "train.learning_rate=4e-4"), tmp_path)
    assert observed.rates == pytest.approx(learning_rates(schedule, 4e-4, STEPS // 4, STEPS), rel=1e-9)


@pytest.mark.parametrize("schedule", list(SHAPES))
def test_max_steps_is_what_the_schedule_spans(schedule: str, outputs: Path, tmp_path: Path, observed: Observed) -> None:
    """Also where all updates warm up, and where none does."""
    settings = [f"train.schedule={schedule}", "train.polynomial_power=3", "train.max_steps=4"]
    for ratio, warmup in ((0, 0), (1, 4)):
        observed.rates.clear()
        train(fairseq(outputs, *settings, f"train.warmup_ratio={ratio}"), tmp_path / str(ratio))
        assert observed.rates == pytest.approx(learning_rates(schedule, 1e-3, warmup, 4), rel=1e-9)


def test_the_epochs_loss_is_the_mean_of_its_batches(outputs: Path, tmp_path: Path, observed: Observed) -> None:
    report = train(fairseq(outputs), tmp_path)
    assert len(observed.losses) == STEPS
    assert report.losses == pytest.approx(np.reshape(observed.losses, (EPOCHS, -1)).mean(axis=1), rel=1e-6)
    assert report.of_updates == pytest.approx(observed.losses, rel=1e-6)


def test_every_example_is_seen_once_an_epoch_in_another_order(
    outputs: Path, tmp_path: Path, observed: Observed
) -> None:
    trial = fairseq(outputs)
    train(trial, tmp_path)
    texts = [tuple(row[row != 1].tolist()) for batch in observed.texts for row in batch]
    epochs = np.array_split(np.array(texts, dtype=object), EPOCHS)
    given = sorted(tuple(ids) for ids in inputs.tokenized(trial)["train"]["input_ids"])
    assert all(sorted(epoch) == given for epoch in epochs), "the demo's ids are in fairseq's order already"
    assert len({tuple(epoch) for epoch in epochs}) == EPOCHS


def test_data_seed_is_the_examples_order_and_seed_is_not(outputs: Path, tmp_path: Path, observed: Observed) -> None:
    orders = []
    for seed, data_seed in ((1, 1), (2, 1), (1, 2)):
        observed.examples.clear()
        train(fairseq(outputs, f"seed={seed}", f"data_seed={data_seed}"), tmp_path / f"{seed} {data_seed}")
        orders.append(list(observed.examples))
    assert orders[0] == orders[1] != orders[2]


def test_gradients_are_clipped_to_the_norm_or_not_at_all(outputs: Path, tmp_path: Path, observed: Observed) -> None:
    train(fairseq(outputs, "train.gradient_clip=0", "train.max_steps=3"), tmp_path / "free")
    assert min(observed.norms) > 0.1
    observed.norms.clear()
    train(fairseq(outputs, "train.gradient_clip=0.01", "train.max_steps=3"), tmp_path / "clipped")
    assert observed.norms == pytest.approx([0.01] * 3, rel=1e-3)


def test_optimizer_settings_arrive(outputs: Path, tmp_path: Path, observed: Observed) -> None:
    settings = ["train.betas=[0.8,0.9]", "train.eps=1e-5", "train.weight_decay=0.3", "train.max_steps=2"]
    train(fairseq(outputs, *settings), tmp_path)
    (group,) = observed.optimizer.optimizer.param_groups
    assert (tuple(group["betas"]), group["eps"], group["weight_decay"]) == ((0.8, 0.9), 1e-5, 0.3)


def test_fairseq_keeps_no_best_file_of_its_own(outputs: Path, tmp_path: Path) -> None:
    train(fairseq(outputs), tmp_path)
    from fairseq import checkpoint_utils

    assert {path.name for path in (tmp_path / "checkpoint").iterdir()} == {"initial.pt", "checkpoint_last.pt"}
    assert not hasattr(checkpoint_utils.save_checkpoint, "best"), "it would meet the next training of this process"


@pytest.mark.parametrize("model_type", ["roberta", "roberta-prelayernorm"])
def test_both_frameworks_build_the_same_function(model_type: str, outputs: Path) -> None:
    """Of weights, random or pretrained, and of classification heads, which are random."""
    ids = torch.tensor([[0, 5, 6, 7, 2, 1, 1], [0, 8, 9, 10, 11, 12, 2]])
    for settings in (["model=rd"], ["model=pt"], ["model=rd", "seed=2"]):
        settings += [f"arch.encoder.model_type={model_type}"]
        trial = make_trial(outputs, "framework=hf", *settings)
        inputs.prepare(trial)
        ours = load_framework(trial).build(trial).eval()
        theirs = load_framework(fairseq(outputs, *settings)).build(fairseq(outputs, *settings)).eval()
        with torch.no_grad():
            expected = ours(input_ids=ids, attention_mask=ids.ne(1).long()).logits
            found, _ = theirs(src_tokens=ids, classification_head_name="sentence_classification_head")
        assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_own_initialization_is_fairseqs(outputs: Path) -> None:
    """Normal with 0.02 for the body, whatever the architecture says, and no two weights paired with framework=hf."""
    own = fairseq(outputs, "framework.fairseq.initialization=own")
    weights = dict(load_framework(own).build(own).named_parameters())
    paired = dict(load_framework(own).build(fairseq(outputs)).named_parameters())
    name = "encoder.sentence_encoder.layers.0.fc1.weight"
    spreads = [float(known[name].detach().std()) for known in (weights, paired)]
    assert spreads == pytest.approx([0.02, 0.1], rel=0.05)
    same = {name for name in weights if torch.equal(weights[name], paired[name])}
    assert all("norm" in name or "bias" in name for name in same)
    assert own.id != fairseq(outputs).id


def test_own_initialization_of_a_pretrained_model_is_its_heads(outputs: Path) -> None:
    inputs.prepare(fairseq(outputs, "model=pt"))
    trials = [fairseq(outputs, "model=pt", f"framework.fairseq.initialization={name}") for name in ("own", "paired")]
    own, paired = (dict(load_framework(trial).build(trial).named_parameters()) for trial in trials)
    head = {name for name in own if name.startswith("classification_heads.")}
    assert {name for name in own if not torch.equal(own[name], paired[name])} == head


def test_what_is_built_has_nothing_that_classification_does_not_use(outputs: Path) -> None:
    trial = fairseq(outputs)
    model = load_framework(trial).build(trial)
    logits, _ = model(src_tokens=torch.tensor([[0, 5, 6, 2]]), classification_head_name="sentence_classification_head")
    logits.sum().backward()
    assert all(value.grad is not None for value in model.parameters())
    twin = make_trial(outputs, "framework=hf")
    hf = load_framework(twin).build(twin)
    count = sum(value.numel() for value in hf.parameters())
    assert sum(value.numel() for value in model.parameters()) == count - 64, "all but the token-type row"

"""Models of many types trained by framework=hf and by framework=lora with a head; what a tokenizer makes is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset, DatasetDict
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from sweeper.frameworks import Interrupted, inputs, load_framework
from sweeper.frameworks.classifier import build_classifier, drawn_parameters
from sweeper.frameworks.lora.model import build
from sweeper.records.record import Record
from sweeper.trial.settings import ClassifiedBy, LoraSettings
from sweeper.trial.trial import Trial
from tests.tiny_models import KINDS, ROWS, TOKENIZER, batch, trial_of, write

FRAMEWORKS = ("hf", "lora")
SETTINGS = {"epochs": 2, "batch_size": 4, "eval_batch_size": 5, "learning_rate": 1e-2}
UPDATES = 12


@dataclass
class Watched:
    """A report that keeps what is measured, takes the latest epoch for the best, and stops after some update."""

    stop_after: int | None = None
    metrics: dict[int, Mapping[str, float]] = field(default_factory=dict)
    step: int = 0

    def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
        self.metrics[epoch] = metrics
        return True

    def progress(self, epoch: int, step: int, steps: int, loss: Any) -> None:
        self.step = step

    def must_stop(self) -> bool:
        return self.step == self.stop_after

    def model(self, *_: object) -> None:
        pass


def examples(count: int, seed: int) -> Dataset:
    torch.manual_seed(seed)
    rows = [[0, *torch.randint(4, ROWS, (int(torch.randint(1, 9, (1,))),)).tolist(), 3] for _ in range(count)]
    return Dataset.from_dict(
        {
            "input_ids": rows,
            "token_type_ids": [[0] * len(row) for row in rows],
            "labels": [row[1] % 2 for row in rows],
            "length": [len(row) for row in rows],
        }
    )


SPLITS = DatasetDict({"train": examples(24, 1), "valid": examples(10, 2), "test": examples(11, 3)})


@pytest.fixture(autouse=True)
def _reading(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    tokenizer = SimpleNamespace(**vars(TOKENIZER), save=lambda _: None)
    monkeypatch.setattr(inputs, "tokenizer", lambda _: tokenizer)
    monkeypatch.setattr(inputs, "tokenized", lambda _: SPLITS)


def trial(tmp_path: Path, kind: str, framework: str, *, model: str = "pt", seed: int = 1, **lora: Any) -> Trial:
    if not (directory := tmp_path / "published").exists():
        write(directory, kind)
    made = trial_of(directory, kind, model, framework, seed, train=SETTINGS)
    settings = LoraSettings(classify=ClassifiedBy.head, **lora)
    return replace(made, framework=replace(made.framework, lora=settings))


def run(described: Trial, directory: Path, stop_after: int | None = None) -> Watched:
    report = Watched(stop_after)
    with Record(directory).writing() as writer:
        writer.describe(described.description(), {"command": "a test"})
    load_framework(described).train(described, directory, report)
    return report


def exported(described: Trial, directory: Path) -> PreTrainedModel:
    load_framework(described).export(directory, directory / "exported")
    return AutoModelForSequenceClassification.from_pretrained(directory / "exported").eval()


def loss(model: PreTrainedModel, split: str) -> float:
    labels = torch.tensor(SPLITS[split]["labels"][:])
    with torch.no_grad():
        return float(cross_entropy(model(**batch(model, SPLITS[split]["input_ids"][:])).logits, labels))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_is_what_was_trained(kind: str, framework: str, tmp_path: Path) -> None:
    described = trial(tmp_path, kind, framework)
    report = run(described, tmp_path / "trial")
    assert report.step == UPDATES and report.metrics[2]["train/loss"] < report.metrics[1]["train/loss"]
    model = exported(described, tmp_path / "trial")
    for split in ("valid", "test"):
        assert loss(model, split) == pytest.approx(report.metrics[2][f"{split}/loss"], rel=1e-4)
    assert type(model) is type(build_classifier(described))
    assert model.config.id2label == dict(enumerate(described.data.label_names()))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_trial_ends_with_the_same_bits(kind: str, framework: str, tmp_path: Path) -> None:
    described = trial(tmp_path, kind, framework)
    whole = run(described, tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(described, tmp_path / "cut", stop_after=8)
    resumed = run(described, tmp_path / "cut")
    assert resumed.metrics[2] == {name: pytest.approx(value, rel=0) for name, value in whole.metrics[2].items()}
    one, two = (exported(described, tmp_path / name).state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_under_lora_is_both_random_and_frozen(kind: str, tmp_path: Path) -> None:
    one, two = (build(trial(tmp_path, kind, "lora", seed=seed)) for seed in (1, 2))
    classifier = build_classifier(trial(tmp_path, kind, "lora"))
    held, drawn = dict(classifier.named_parameters()), drawn_parameters(classifier)
    frozen = {name: value for name, value in one.named_parameters() if not value.requires_grad}
    others = dict(two.named_parameters())
    assert frozen and all(torch.equal(value, others[name]) for name, value in frozen.items())
    plain = {
        name.removeprefix("base_model.model.").replace(".base_layer.", "."): value for name, value in frozen.items()
    }
    assert all(torch.equal(value, held[name]) for name, value in plain.items())
    assert not set(plain) & set(drawn)
    trained = {value.data_ptr(): value for value in one.parameters() if value.requires_grad}
    assert all(any(torch.equal(held[name], value) for value in trained.values()) for name in drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_no_layer_beside_the_body_gets_an_adapter(kind: str, tmp_path: Path) -> None:
    base = build_classifier(trial(tmp_path, kind, "lora"))
    linear = {name for name, module in base.named_modules() if isinstance(module, nn.Linear | Conv1D)}
    body = {name for name in linear if name.startswith(f"{base.base_model_prefix}.") and "pooler" not in name}
    for targets in (("all-linear",), None, (sorted(body)[-1].rpartition(".")[2],)):
        model = build(trial(tmp_path, kind, "lora", target_modules=targets))
        names = {
            name.removeprefix("base_model.model.") for name, _ in model.named_modules() if name.endswith(".lora_A")
        }
        adapted = {name.removesuffix(".lora_A") for name in names}
        assert adapted and adapted <= body and (targets != ("all-linear",) or adapted == body)


@pytest.mark.parametrize("kind", ["bert", "gpt2", "xlnet"])
@pytest.mark.parametrize("switch", ["use_rslora", "use_dora"])
def test_variants_of_lora(switch: str, kind: str, tmp_path: Path) -> None:
    variant: dict[str, Any] = {switch: True}
    described = trial(tmp_path, kind, "lora", **variant)
    report = run(described, tmp_path / "trial")
    plain = run(trial(tmp_path, kind, "lora"), tmp_path / "plain")
    assert report.metrics[2]["train/loss"] != plain.metrics[2]["train/loss"]
    assert loss(exported(described, tmp_path / "trial"), "test") == pytest.approx(
        report.metrics[2]["test/loss"], rel=1e-4
    )


@pytest.mark.parametrize("kind", ["distilbert", "deberta-v2", "xlnet", "llama"])
def test_a_random_base_is_drawn_again_to_be_exported(kind: str, tmp_path: Path) -> None:
    described = trial(tmp_path, kind, "lora", model="rd")
    report = run(described, tmp_path / "trial")
    assert loss(exported(described, tmp_path / "trial"), "test") == pytest.approx(
        report.metrics[2]["test/loss"], rel=1e-4
    )

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.cls_books import ClsBooks
from sweeper.errors import WrongInput
from sweeper.trial.best_epoch import select
from sweeper.trial.outcome import Metric
from sweeper.trial.settings import (
    ArchSettings,
    Family,
    FrameworkSettings,
    HuggingFaceSettings,
    ModelSettings,
    PretrainingSettings,
    Schedule,
    TaskSettings,
    TrainSettings,
    check_ranges,
    setting,
)
from sweeper.trial.trial import Trial, digest, plain
from tests.records import Reviews, trial

ROOT = Path(__file__).parents[2]
MATCHED = HuggingFaceSettings(match_fairseq=True)
TASK = TaskSettings()


@dataclass(frozen=True)
class TwoFrameworks(FrameworkSettings):
    other: HuggingFaceSettings = HuggingFaceSettings()


def changed(**changes: Any) -> Trial:
    """A trial of which settings given as a mapping change only what is named."""
    made = trial()
    parts = {name: getattr(made, name) for name in changes}
    whole = {
        name: replace(parts[name], **change) if is_dataclass(parts[name]) else change
        for name, change in changes.items()
    }
    return replace(made, **whole)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 0},
        {"data_seed": 5},
        {"device": "cuda"},
        {"model": {"name": "other"}},
        {"framework": {"options": {"depth": 1}}},
        {"framework": {"hf": MATCHED}},
        {"framework": {"_target_": "elsewhere.Adapter"}},
        {"arch": {"init_std": 0.1}},
        {"task": {"selection_metric": "loss", "greater_is_better": False}},
        {"data": {"limit": 10}},
        {"tokenizer": {"vocabulary_size": 100}},
        {"train": {"schedule": Schedule.constant}},
        {"train": {"threads": 2}},
        {"train": {"betas": (0.98, 0.9)}},
        {"train": {"max_steps": 7}},
        {"digests": {"data": "other", "tokenizer": "t" * 64, "weights": "w" * 64}},
    ],
    ids=str,
)
def test_what_determines_the_result_is_in_the_id(changes: dict[str, Any]) -> None:
    assert changed(**changes).id != trial().id


@pytest.mark.parametrize(
    "changes",
    [
        {"cache": Path("/elsewhere")},
        {"choices": {"model": "pt", "framework": "hf", "data": "another", "seed": 1}},
        {"model": {"path": "/weights/here"}},
        {"tokenizer": {"path": "/t/tokenizer.json", "count_on": "/t/corpus.txt"}},
        {"arch": {"pretraining": PretrainingSettings(updates=7)}},  # the digest of the weights stands for it
    ],
    ids=str,
)
def test_what_does_not_is_not(changes: dict[str, Any]) -> None:
    assert changed(**changes).id == trial().id


def test_where_the_data_lie_does_not_either() -> None:
    assert replace(trial(), data=ClsBooks(path="/one")).id == replace(trial(), data=ClsBooks(path="/other")).id
    assert replace(trial(), data=ClsBooks(pool=True)).id != replace(trial(), data=ClsBooks()).id


def test_options_of_another_framework_do_not_count() -> None:
    one = replace(trial(), framework=TwoFrameworks("hf"))
    assert replace(one, framework=TwoFrameworks("hf", other=MATCHED)).id == one.id
    assert replace(one, framework=TwoFrameworks("hf", hf=MATCHED)).id != one.id
    assert replace(one, framework=TwoFrameworks("other", hf=MATCHED)).id != one.id


def test_options_count_where_the_name_does_not_tell_whose_they_are() -> None:
    own = replace(trial(), framework=FrameworkSettings("my_hf"))
    assert replace(own, framework=FrameworkSettings("my_hf", hf=MATCHED)).id != own.id


def test_the_id_is_the_same_in_every_process() -> None:
    code = "from tests.records import trial; print(trial(framework='hf', seed=3).id)"
    found = {
        subprocess.check_output(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, text=True
        ).strip()
        for seed in ("1", "2")
    }
    assert found == {trial(seed=3).id}


def test_the_id_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def test_the_name_shows_what_a_reader_looks_for() -> None:
    found = trial("rd", seed=42, data="cls_books")
    assert found.name == f"hf-rd-cls_books-s42-{found.id[:8]}"
    assert len(found.id) == 64 and int(found.id, 16) >= 0


def test_the_description_is_json_and_holds_the_whole_configuration() -> None:
    found = changed(model={"path": "/w"}, train={"schedule": Schedule.cosine})
    description = json.loads(json.dumps(found.description()))
    assert description["id"] == found.id
    assert description["choices"] == dict(found.choices)
    config = description["config"]
    assert (config["train"]["schedule"], config["train"]["betas"], config["model"]["path"]) == (
        "cosine",
        [0.9, 0.98],
        "/w",
    )
    assert config["data"] == {"_target_": "tests.records.Reviews", "limit": None, "path": None, "train_limit": None}
    assert "cache" not in config and "choices" not in config


@pytest.mark.parametrize("family", [Family.encoder, Family.causal_lm])
def test_weights_for_each_family(family: Family) -> None:
    paths = {"encoder": "/e", "causal_lm": "/c"}
    given = replace(trial(), model=ModelSettings("pt", True, paths), framework=FrameworkSettings("x", family))
    assert given.weights_path == paths[family.value]
    assert replace(given, model=ModelSettings("pt", True, "/one")).weights_path == "/one"
    assert replace(given, model=ModelSettings("pt", True)).weights_path is None
    assert replace(given, model=ModelSettings("pt", True, {})).weights_path is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (TrainSettings(epochs=0), r"epochs=0 is out of range\nallowed: at least 1 and at most 1000000000$"),
        (TrainSettings(learning_rate=0.0), r"learning_rate=0.0 is out of range\nallowed: above 0 and at most 100$"),
        (TrainSettings(learning_rate=math.nan), "learning_rate=nan"),
        (TrainSettings(learning_rate=math.inf), "learning_rate=inf"),
        (TrainSettings(warmup_ratio=1.5), "at least 0 and at most 1$"),
        (TrainSettings(betas=(0.9, 1.0)), r"betas=1.0 is out of range\nallowed: at least 0 and below 1$"),
        (TrainSettings(max_steps=0), "max_steps=0"),
        (TrainSettings(max_length=2), "at least 3"),
        (ArchSettings(dropout=1.0), "dropout=1.0"),
        (ArchSettings(pretraining=PretrainingSettings(updates=0)), "pretraining.updates=0"),
        (ArchSettings(pretraining=PretrainingSettings(seed=2**32)), "pretraining.seed=4294967296.*\n.*4294967295"),
        (Reviews(limit=1), "limit=1"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_out_of_range_is_named(settings: object, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        check_ranges(settings)


def test_the_limits_themselves_are_within() -> None:
    check_ranges(TrainSettings(epochs=1, warmup_ratio=1.0, weight_decay=0.0, betas=(0.0, 0.999), gradient_clip=0.0))
    check_ranges(TrainSettings(max_steps=None))
    check_ranges(ArchSettings(dropout=0.0, positions=3, vocabulary_size=6))


def test_the_prefix_leads_to_the_setting() -> None:
    with pytest.raises(WrongInput, match=r"^arch\.encoder\.pretraining\.updates=0 "):
        check_ranges(ArchSettings(pretraining=PretrainingSettings(updates=0)), "arch.encoder.")


@dataclass(frozen=True)
class Odd:
    truth: bool = setting(True, at_least=5)
    text: str = setting("a", at_least=5)
    nothing: int | None = setting(None, at_least=5)


def test_only_numbers_have_a_range() -> None:
    check_ranges(Odd())


def test_two_betas_and_no_other_number() -> None:
    assert TrainSettings(betas=[0.8, 0.9]).betas == (0.8, 0.9)  # type: ignore[arg-type]
    with pytest.raises(WrongInput, match=r"train\.betas=\[0\.9\] has 1 numbers"):
        TrainSettings(betas=(0.9,))  # type: ignore[arg-type]


def test_plain_values() -> None:
    made = plain({"a": (1, Schedule.linear), Family.encoder: Path("x"), "b": HuggingFaceSettings()})
    assert made == {"a": [1, "linear"], "encoder": "x", "b": {"match_fairseq": False}}
    assert type(made["a"][1]) is str


def events(values: list[float], split: str = "valid", name: str = "accuracy") -> list[Metric]:
    return [Metric(split, name, value, epoch, 10 * epoch) for epoch, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "epoch"),
    [([0.5, 0.7, 0.6], 2), ([0.7, 0.7, 0.7], 1), ([0.5, 0.7, 0.7], 2), ([math.nan, 0.1, math.nan], 2)],
)
def test_best_validation_ties_to_the_earliest(values: list[float], epoch: int) -> None:
    best = select(events(values), TASK)
    assert best is not None
    assert (best.epoch, best.step) == (epoch, 10 * epoch)


def test_smaller_can_be_better() -> None:
    task = TaskSettings(selection_metric="loss", greater_is_better=False)
    best = select(events([0.5, 0.2, 0.2], name="loss"), task)
    assert best is not None and best.epoch == 2


def test_test_metrics_are_reported_and_never_looked_at() -> None:
    best = select([*events([0.6, 0.5]), *events([0.1, 0.9], split="test")], TASK)
    assert best is not None
    assert best.metrics == {"valid/accuracy": 0.6, "test/accuracy": 0.1}


def test_later_steps_have_no_say() -> None:
    best = select(events([0.5, 0.7, 0.9]), TASK, up_to_step=20)
    assert best is not None and best.step == 20


def test_nothing_to_choose_from() -> None:
    assert select(events([math.nan]), TASK) is None
    assert select(events([0.5], split="test"), TASK) is None

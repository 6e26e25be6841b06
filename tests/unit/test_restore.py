from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.files import Files
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED
from sweeper.records.record import Record
from sweeper.records.restore import restored, value_of
from sweeper.trial.settings import (
    FrameworkSettings,
    LoraSettings,
    ModelSettings,
    Precision,
    Quantization,
    Schedule,
    TokenizerKind,
    TokenizerSettings,
    TrainSettings,
)
from sweeper.trial.trial import Trial
from tests.records import trial, write

# What to do where a record cannot be read
REMEDIES = ("use the version of sweeper that wrote it", "go where its command ran")


def recorded(study: Path, described: Trial) -> Path:
    write(study, described, [0.5], [0.5])
    return study / described.name


def test_a_trial_comes_back_as_it_was(tmp_path: Path) -> None:
    whole = replace(
        trial("pt"),
        framework=FrameworkSettings(
            "lora",
            _target_="sweeper.frameworks.lora.Lora",
            lora=LoraSettings(target_modules=("a", "b"), quantization=Quantization.nf4),
        ),
        train=TrainSettings(betas=(0.8, 0.9), schedule=Schedule.cosine, precision=Precision.bf16, max_steps=7),
        tokenizer=TokenizerSettings(kind=TokenizerKind.bpe, vocabulary_size=100),
        data=Files(path="reviews", text=["a", "b"], limit=4),
    )
    found = restored(recorded(tmp_path / "study", whole), ALLOWED)
    assert replace(found, cache=whole.cache) == whole and found.id == whole.id
    assert found.cache == tmp_path / "cache"  # beside the study, wherever both lie now


def test_settings_that_are_newer_have_their_defaults(tmp_path: Path) -> None:
    directory = recorded(tmp_path, trial())
    change(directory, lambda config: config["train"].pop("polynomial_power"))
    assert restored(directory, ALLOWED).train == TrainSettings()


def test_paths_for_each_family_stay_apart(tmp_path: Path) -> None:
    paths = {"encoder": "a", "causal_lm": "b"}
    described = replace(trial(), model=ModelSettings("pt", True, paths))
    assert restored(recorded(tmp_path, described), ALLOWED).model.path == paths


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda config: config["train"].update(unheard_of=1), "unheard_of"),
        (lambda config: config["train"].update(schedule="cubic"), "'cubic' is not a valid Schedule"),
        (lambda config: config["data"].update(_target_="nowhere.Data"), "there is no module nowhere"),
        (lambda config: config.pop("arch"), "'arch'"),
    ],
)
def test_what_cannot_be_read_is_refused(spoil: Any, said: str, tmp_path: Path) -> None:
    directory = recorded(tmp_path, trial())
    change(directory, spoil)
    with pytest.raises(WrongInput) as raised:
        restored(directory, ALLOWED)
    assert said in str(raised.value) and any(remedy in str(raised.value) for remedy in REMEDIES)
    assert len(str(raised.value).splitlines()) <= 3


def test_no_trial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"is no trial's directory\nneeded: "):
        restored(tmp_path, ALLOWED)


def test_values_of_optional_settings() -> None:
    assert value_of(TokenizerKind | None, None) is None
    assert value_of(TokenizerKind | None, "bpe") is TokenizerKind.bpe
    assert value_of(int | None, 3) == 3


def change(directory: Path, spoil: Any) -> None:
    described = Record(directory).description()
    assert described is not None
    spoil(described["config"])
    (directory / "trial.json").write_text(json.dumps(described))

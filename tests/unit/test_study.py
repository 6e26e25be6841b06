"""study.json, and trials read back from their records."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.files import Files
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED
from sweeper.records.files import write_json
from sweeper.records.record import Record
from sweeper.records.restore import restored, trial_of, value_of
from sweeper.records.study import FILE, Study, described, study_at
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
from tests.contracts.processes import DEADLINE_SECONDS
from tests.records import trial, write
from tests.refusals import refusal_of

# What to do where a record cannot be read
REMEDIES = ("use the version of sweeper that wrote it", "go where its command ran")


def study(directory: Path, uri: str | None = "sqlite:////x/mlflow.db") -> Study:
    return Study("demo", directory, uri, {"_target_": "a.Launcher", "jobs": 2})


def test_says_what_was_launched_and_by_what(tmp_path: Path) -> None:
    first, second = trial(seed=1), trial(seed=2)
    study(tmp_path / "out" / "demo").describe([first, second], "python -m sweeper.run -m seed=1,2")
    assert json.loads((tmp_path / "out" / "demo" / FILE).read_text()) == {
        "schema": 1,
        "name": "demo",
        "commands": ["python -m sweeper.run -m seed=1,2"],
        "launcher": {"_target_": "a.Launcher", "jobs": 2},
        "tracking": {"uri": "sqlite:////x/mlflow.db"},
        "trials": {first.name: first.id, second.name: second.id},
        "jobs": {},
    }


def test_commands_are_kept_the_last_one_last_and_each_once(tmp_path: Path) -> None:
    for command in ("a", "b", "a"):
        study(tmp_path).describe([trial()], command)
    assert json.loads((tmp_path / FILE).read_text())["commands"] == ["b", "a"]


def test_the_trials_are_those_of_the_last_command(tmp_path: Path) -> None:
    study(tmp_path).describe([trial(seed=1)], "a")
    study(tmp_path).describe([trial(seed=2)], "b")
    assert list(json.loads((tmp_path / FILE).read_text())["trials"]) == [trial(seed=2).name]


def test_another_version_s_study_is_left_as_it_is(tmp_path: Path) -> None:
    write_json(tmp_path / FILE, {"schema": 99, "name": "demo"})
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(WrongInput, match="has schema 99, this version reads schema 1"):
        study(tmp_path).describe([trial()], "a")
    assert (tmp_path / FILE).read_bytes() == before


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongInput, match=r"file/demo cannot be made: Not a directory\nset outputs=DIR"):
        study(tmp_path / "file" / "demo").describe([trial()], "a")


def describe_often(directory: Path, name: str, times: int, start: Barrier) -> None:
    start.wait(DEADLINE_SECONDS)
    for number in range(times):
        study(directory).describe([trial()], f"{name} {number}")


def test_no_command_is_lost_when_two_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    writers = [context.Process(target=describe_often, args=(tmp_path, name, 50, start)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    commands = json.loads((tmp_path / FILE).read_text())["commands"]
    assert sorted(commands) == sorted(f"{name} {number}" for name in ("a", "b") for number in range(50))


def test_jobs_are_remembered_and_kept(tmp_path: Path) -> None:
    first = study(tmp_path)
    first.describe([trial()], "a")
    first.remember_jobs({"one": "1_0"})
    first.remember_jobs({"two": "1_1"})
    first.describe([trial()], None)
    content = json.loads((tmp_path / FILE).read_text())
    assert content["jobs"] == {"one": "1_0", "two": "1_1"}
    assert content["commands"] == ["a"]


def test_trials_are_remembered_by_what_describes_them(tmp_path: Path) -> None:
    first, second = trial(seed=1), trial(seed=2)
    kept = study(tmp_path / "demo")
    kept.describe([first, second], "a")
    kept.remember([first])
    kept.remember([second])
    known = described(tmp_path / "demo")
    assert [known[item.name]["id"] for item in (first, second)] == [first.id, second.id]
    assert trial_of(known[first.name], tmp_path, ALLOWED).id == first.id


def test_the_launcher_that_left_jobs_is_known_after_a_local_command(tmp_path: Path) -> None:
    cluster = Study("demo", tmp_path, None, {"_target_": "a.Cluster"})
    cluster.describe([trial()], "a")
    cluster.remember([trial()])
    study(tmp_path).describe([trial()], "b")
    assert json.loads((tmp_path / FILE).read_text())["launcher"]["_target_"] == "a.Launcher"
    assert study_at(tmp_path).launcher == {"_target_": "a.Cluster"}


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
    refusal = refusal_of(restored, directory, ALLOWED)
    assert said in refusal and any(remedy in refusal for remedy in REMEDIES)


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

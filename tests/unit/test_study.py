from __future__ import annotations

import json
import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED
from sweeper.records.files import write_json
from sweeper.records.restore import trial_of
from sweeper.records.study import FILE, Study, described, study_at
from tests.contracts.processes import DEADLINE_SECONDS
from tests.records import trial


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

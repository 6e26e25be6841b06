"""Every wrong input that a command can be given: exit code 2, three lines at most, nothing created."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

REVIEWS = {"train": ("bien\nmal\n", "1\n0\n"), "valid": ("bon\nnul\n", "1\n0\n"), "test": ("beau\nlaid\n", "1\n0\n")}


@dataclass(frozen=True)
class Case:
    """Arguments, and words that the message must hold: the culprit and what is allowed."""

    arguments: str
    expected: tuple[str, ...]


CASES = [
    Case("seed=one", ("seed=one", "integer")),
    Case("seed=1.5", ("seed=1.5", "integer")),
    Case("data_seed=x", ("data_seed=x", "integer")),
    Case("fresh=perhaps", ("fresh=perhaps", "true or false")),
    Case("-m seed=1,x", ("seed=x", "integer")),
    Case("frmework=hf", ("frmework", "did you mean framework?")),
    Case("+foo=1", ("foo: unknown key", "train")),
    Case("+train.foo=1", ("train.foo: unknown key", "epochs")),
    Case("+framework.hf.foo=1", ("framework.hf.foo: unknown key", "match_fairseq")),
    Case("train.epoch=3", ("train.epoch", "did you mean train.epochs?")),
    Case("model.pth=x", ("model.pth", "did you mean model.path?")),
    Case("framework.hf.match=true", ("framework.hf.match", "match_fairseq")),
    Case("arch.encoder.layrs=2", ("arch.encoder.layrs", "did you mean arch.encoder.layers?")),
    Case("task.nme=x", ("task.nme", "name")),
    Case("data.foo=1", ("data.foo", "limit")),
    Case("tokenizer.pth=x", ("tokenizer.pth", "path")),
    Case("tracking.url=x", ("tracking.url", "uri")),
    Case("hydra.launcher.job=2", ("hydra.launcher.job", "jobs")),
    Case("model=xx", ("model=xx", "pt, rd")),
    Case("-m model=pt,xx", ("model=xx", "pt, rd")),
    Case("framework=xx", ("framework=xx", "hf")),
    Case("arch=xx", ("arch=xx", "roberta_tiny")),
    Case("task=xx", ("task=xx", "classification")),
    Case("data=xx", ("data=xx", "demo")),
    Case("experiment=xx", ("experiment=xx", "pt_vs_rd_cls_books")),
    Case("tracking=xx", ("tracking=xx", "none, sqlite")),
    Case("hydra/launcher=xx", ("hydra/launcher=xx", "local")),
    Case("hydra/launcher=basic", ("hydra/launcher=basic", "local")),
    Case("-m hydra/launcher=basic seed=1,2", ("hydra/launcher=basic", "local")),
    Case("--jobs 4", ("--jobs",)),
    Case("~model", ("model",)),
    Case("--study=mine", ("--study=mine: unknown option", "KEY=VALUE")),
    Case("arch=null", ("arch=null", "one of its choices")),
    Case("model=[pt,rd]", ("model must be one choice", "-m")),
    Case("train=5", ("train=5", "train.KEY=VALUE")),
    Case("train.epochs=null", ("train.epochs=null", "default")),
    Case("seed=-1", ("seed=-1", "at least 0")),
    Case("task.selection_metric=f1", ("task.selection_metric=f1", "accuracy, loss")),
    Case("arch.encoder.model_type=bert", ("model_type=bert", "roberta")),
    Case("model.name=a/b", ("model.name=a/b", "plain name")),
    Case("model=rd model.path=nowhere/at/all", ("model.path=nowhere/at/all", "tokenizer.path=FILE")),
    Case("model.path=owner/name", ("model.path=owner/name", "tokenizer.path=FILE")),
    Case("model.path=corrupt", ("corrupt/config.json", "not valid JSON")),
    Case("outputs=a_file", ("a_file is a file", "outputs=DIR")),
    Case("outputs=another_version", ("schema 99", "study=NAME")),
    Case("-m study=a,b", ("study", "one value")),
    Case("framework._target_=pathlib.Path", ("framework._target_=pathlib.Path", "sweeper.frameworks.Framework")),
    Case("data._target_=pathlib.Path", ("data._target_=pathlib.Path", "sweeper.data.DataSettings")),
    Case("train.epochs=0", ("train.epochs=0", "at least 1")),
    Case("train.max_steps=0", ("train.max_steps=0", "at least 1")),
    Case("train.batch_size=0", ("train.batch_size=0", "at least 1")),
    Case("train.learning_rate=-1", ("train.learning_rate=-1", "above 0")),
    Case("train.learning_rate=nan", ("train.learning_rate=nan",)),
    Case("train.warmup_ratio=1.1", ("train.warmup_ratio=1.1", "at most 1")),
    Case("train.betas=[0.9]", ("train.betas", "two")),
    Case("train.betas=[0.9,1.0]", ("train.betas", "below 1")),
    Case("train.gradient_clip=-1", ("train.gradient_clip=-1", "at least 0")),
    Case("train.threads=0", ("train.threads=0", "at least 1")),
    Case("train.max_length=63", ("train.max_length=63", "at most 62")),
    Case("train.max_length=2", ("train.max_length=2", "at least 3")),
    Case("train.schedule=cubic", ("train.schedule=cubic", "linear, constant, polynomial, cosine")),
    Case("train.precision=fp64", ("train.precision=fp64", "fp32, bf16, fp16")),
    Case("arch.encoder.width=63", ("width=63", "heads=2")),
    Case("data.limit=1", ("data.limit=1", "at least 2")),
    Case("data.limit=some", ("data.limit=some", "integer")),
    Case("hydra.launcher.jobs=0", ("hydra.launcher.jobs=0", "1 or more")),
    Case("model.path=nowhere/at/all", ("model.path=nowhere/at/all", "no such directory")),
    Case("model.path=empty_directory", ("model.path=empty_directory", "config.json")),
    Case("model.path={decoder:x}", ("model.path", "decoder", "encoder, causal_lm")),
    Case("tokenizer.path=nowhere.model", ("nowhere.model", "tokenizer.json")),
    Case("framework._target_=no.such.Framework", ("framework._target_=no.such.Framework",)),
    Case("data._target_=no.such.Data", ("data._target_=no.such.Data",)),
    Case("data=cls_books", ("data.path",)),
    Case("data=cls_books data.path=nowhere", ("nowhere",)),
    Case("data=cls_books data.path=lengths", ("train.label",)),
    Case("data=cls_books data.path=labels", ("valid.label", "0", "1")),
    Case("data=cls_books data.path=missing", ("test.review",)),
    Case("data=cls_books data.path=reviews", ("tokenizer",)),
    Case("tracking.uri=somewhere", ("tracking.uri=somewhere", "tracking=none")),
    Case("study=a/b", ("study=a/b", "plain name")),
    Case("study=.hidden", ("study=.hidden",)),
    Case("seed", ("seed", "KEY=VALUE")),
    Case("train.epochs=1,2", ("train.epochs=1,2", "-m")),
]


def command(arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sweeper.run", *arguments.split()],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def listing(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("door")
    (directory / "empty_directory").mkdir()
    for name in ("lengths", "labels", "missing", "reviews"):
        (directory / name).mkdir()
        for split, (reviews, labels) in REVIEWS.items():
            (directory / name / f"{split}.review").write_text(reviews)
            (directory / name / f"{split}.label").write_text(labels)
    (directory / "lengths" / "train.label").write_text("1\n")
    (directory / "labels" / "valid.label").write_text("1\n2\n")
    (directory / "missing" / "test.review").unlink()
    (directory / "corrupt").mkdir()
    (directory / "corrupt" / "config.json").write_text("{")
    (directory / "corrupt" / "model.safetensors").touch()
    (directory / "a_file").touch()
    (directory / "another_version" / "demo").mkdir(parents=True)
    (directory / "another_version" / "demo" / "study.json").write_text('{"schema": 99}')
    return directory


@pytest.fixture(scope="module")
def answers(place: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """All cases run once, two at a time: each costs an interpreter."""
    before, scratch = listing(place), tmp_path_factory.mktemp("scratch")

    def run(case: Case) -> subprocess.CompletedProcess[str]:
        return command(case.arguments, place, TMPDIR=str(scratch))

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip((case.arguments for case in CASES), pool.map(run, CASES), strict=True))
    assert listing(place) == before, "a refused command creates nothing"
    assert listing(scratch) == [], "nothing is left in the temporary directory either"
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.arguments for case in CASES])
def test_wrong_input_is_refused(case: Case, answers: dict[str, subprocess.CompletedProcess[str]]) -> None:
    answer = answers[case.arguments]
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    lines = answer.stderr.strip().splitlines()
    assert 1 <= len(lines) <= 3
    assert lines[0].startswith("sweeper: ")
    assert "Traceback" not in answer.stderr
    for word in case.expected:
        assert word in answer.stderr


@pytest.mark.parametrize("arguments", ["seed=one", "train.epochs=0"])
def test_a_traceback_on_demand(arguments: str, place: Path) -> None:
    answer = command(arguments, place, HYDRA_FULL_ERROR="1")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr
    assert answer.stderr.rstrip().splitlines()[-2].startswith(f"sweeper: {arguments}")


@pytest.mark.parametrize(("program", "arguments"), [("report", ["nowhere"]), ("status", ["nowhere"]), ("sync", ["x"])])
def test_other_commands_refuse_what_is_no_study(program: str, arguments: Sequence[str], tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", f"sweeper.{program}", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert arguments[0] in answer.stderr
    assert 1 <= len(answer.stderr.strip().splitlines()) <= 3
    assert listing(tmp_path) == []

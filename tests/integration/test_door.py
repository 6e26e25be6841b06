"""Every wrong input that a command can be given: exit code 2, three lines at most, nothing created."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from tests.integration.door import Case
from tests.integration.remedies import remedies, why_not

KINDS = [import_module(f"tests.integration.{path.stem}") for path in sorted(Path(__file__).parent.glob("door_*.py"))]
CASES: list[Case] = [case for kind in KINDS for case in kind.CASES]
# Whatever this machine has: no GPU, no network.
ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}


def command(line: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = line.split()
    return subprocess.run(
        [sys.executable, "-m", f"sweeper.{program}", *arguments],
        cwd=directory,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def listing(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("door")
    for kind in KINDS:
        kind.make(directory)
    return directory


@pytest.fixture(scope="module")
def answers(place: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """All cases run once, two at a time: each costs an interpreter."""
    before, scratch = listing(place), tmp_path_factory.mktemp("scratch")

    def run(case: Case) -> subprocess.CompletedProcess[str]:
        return command(case.line, place, TMPDIR=str(scratch))

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip((case.line for case in CASES), pool.map(run, CASES), strict=True))
    assert listing(place) == before, "a refused command creates nothing"
    # a model that is built for a look at it lets torch make one
    left = [name for name in listing(scratch) if not name.startswith("torchinductor")]
    assert left == [], "nothing is left in the temporary directory either"
    return found


def test_no_case_hides_another() -> None:
    lines = [case.line for case in CASES]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("case", CASES, ids=[case.line for case in CASES])
def test_wrong_input_is_refused(case: Case, answers: dict[str, subprocess.CompletedProcess[str]]) -> None:
    answer = answers[case.line]
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    lines = answer.stderr.strip().splitlines()
    assert 1 <= len(lines) <= 3
    assert lines[0].startswith("sweeper: ")
    assert "Traceback" not in answer.stderr
    for word in case.expected:
        assert word in answer.stderr


def test_what_is_told_to_type_can_be_typed(
    answers: dict[str, subprocess.CompletedProcess[str]], composing: None
) -> None:
    told = {remedy: line for line, answer in answers.items() for remedy in remedies(answer.stderr)}
    assert len(told) > 30
    wrong = {remedy: (line, reason) for remedy, line in told.items() if (reason := why_not(remedy))}
    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "run model=rd seed=1-3",
        "run model=rd train.epochs=1,2",
        "run -m model=rd data=files data.path=files_a,b.csv tokenizer.kind=word",
        "run model=rd data=files data.path=[files_x].csv",
        "run model=rd framework=hf train.max_length=63",
        "pretrain corpus=files_notes.txt,files_CAPITALS.CSV out=w",
    ],
)
def test_the_remedy_as_it_is_printed_works(line: str, place: Path) -> None:
    refused = command(line, place).stderr
    last = refused.strip().splitlines()[-1]
    said = next((part for part in refused.splitlines() if part.strip().startswith("write python -m ")), None)
    if said is not None:  # a whole command
        arguments = shlex.split(said.partition("write python -m sweeper.")[2])
    else:
        program, *given = line.split()
        *_, (key, value) = [setting.partition("=")[::2] for setting in remedies(refused)] or [
            ("train.max_length", "62")
        ]
        kept = [argument for argument in given if not argument.startswith(f"{key}=")]
        arguments = [program, *kept, f"{key}={value}"]
    program, *given = arguments
    again = subprocess.run(
        [sys.executable, "-m", f"sweeper.{program}", *given, "plan=true", "tracking=none"],
        cwd=place,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0 or last not in again.stderr, (arguments, again.stderr)
    assert "cannot be read" not in again.stderr and "several values" not in again.stderr


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "hydra.run.dir=hd hydra.output_subdir=.hydra hydra/job_logging=default hydra/hydra_logging=default",
        "-m seed=1,2 hydra.sweep.dir=hd hydra.sweep.subdir=x hydra.output_subdir=.hydra hydra/job_logging=default",
        "hydra.run.dir=hd hydra.job.chdir=true",
    ],
)
def test_a_plan_writes_nothing(settings: str, tmp_path: Path) -> None:
    answer = command(f"run {settings} plan=true model=rd".replace("run  ", "run "), tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "Nothing was started or written" in answer.stdout
    assert listing(tmp_path) == []


def test_a_pretraining_is_planned_too(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("un livre\n" * 200)
    answer = command("pretrain corpus=text.txt out=weights plan=true", tmp_path)
    assert answer.returncode == 0 and answer.stderr == ""
    assert listing(tmp_path) == ["text.txt"]


@pytest.mark.parametrize("arguments", ["seed=one", "train.epochs=0", "arch=of_model"])
def test_a_traceback_on_demand(arguments: str, place: Path) -> None:
    answer = command(f"run {arguments}", place, HYDRA_FULL_ERROR="1")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr
    assert answer.stderr.rstrip().splitlines()[-2].startswith(f"sweeper: {arguments}")


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    answer = command("run outputs=/proc/results tracking=none", tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("sweeper: outputs=/proc/results: /proc cannot be written: ")
    assert answer.stderr.endswith("\n  set outputs=DIR to where you may write, or study=NAME\n")
    assert answer.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    answer = command("run outputs=closed", tmp_path)
    assert answer.returncode == 2
    assert "outputs=closed: " in answer.stderr and "cannot be written" in answer.stderr


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("report", "nowhere"), ("status", "nowhere"), ("sync", "x"), ("export", "nowhere weights")],
)
def test_other_commands_refuse_what_is_no_study(program: str, arguments: str, tmp_path: Path) -> None:
    answer = command(f"{program} {arguments}", tmp_path)
    assert answer.returncode == 2
    assert arguments.split()[0] in answer.stderr
    assert 1 <= len(answer.stderr.strip().splitlines()) <= 3
    assert listing(tmp_path) == []

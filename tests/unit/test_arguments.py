"""Command lines that Hydra would read as something else, or run on without a word."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from sweeper.config.arguments import check_arguments, quoted
from tests.refusals import refusal_of


@pytest.fixture(autouse=True)
def _in_an_empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = shlex.split(line)
    monkeypatch.setattr(sys, "argv", ["sweeper/run.py", *arguments])
    check_arguments(arguments)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("'seed=1\r'", r"sed -i 's/\r$//' SCRIPT"),
        ("-m 'seed=range(1,5,0)'", "has a step of 0"),
        ("-m 'seed=range(1,100000000)'", "has 99,999,999 values"),
        ("-m 'seed=range(start=1,stop=100000000)'", "has 99,999,999 values"),
        ("-m 'seed=shuffle(range(1,100000000))'", "at most 100,000 values"),
        ("-m 'train.learning_rate=range(0,1,1e-9)'", "has 1,000,000,000 values"),
        ("-m 'seed=range(1,1000)' 'data_seed=range(1,1000)'", "these are 998,001 trials"),
        ("model=1", "model=1: a group needs one of its choices\nallowed: pt, rd"),
        ("-m model=rd,1", "model=rd,1: a group needs one of its choices"),
        ("model=[1]", "model=[1]: a group needs"),
        ("arch=null", "arch=null: a group needs"),
        ("tracking=true", "allowed: none, sqlite"),
        ("--package nope", "--package nope shows nothing by itself"),
        ("--experimental-rerun x", "what a file has pickled"),
        ("--cfg job --info all", "--cfg --info do not go together"),
        ("--resolve", "--cfg job --resolve"),
    ],
)
def test_what_is_refused(line: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said in refusal_of(check, line, monkeypatch)


@pytest.mark.parametrize(
    "line",
    [
        "-m model=pt,rd seed=1,2,3",
        "-m 'seed=range(1,6)' 'data_seed=range(3)'",
        "-m 'train.learning_rate=range(0.1,1,0.1)'",
        "experiment=null",
        "-m 'train.betas=[0.9,0.98],[0.8,0.9]'",
        "'~tracking' '+framework.options.x=1'",
        "--cfg job --package train",
        "data.path=nowhere,else.csv",
        "study=5",
    ],
)
def test_what_is_not(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(line, monkeypatch)


NAMES = [
    "a,b.csv",
    "[draft].csv",
    "{x}",
    "it's.csv",
    'a"b.csv',
    "a(b).csv",
    "a=b,c",
    "two words, and more.csv",
    "x\\,y",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sweeps", ["", "-m "])
def test_a_file_of_any_name_is_told_how_to_be_typed(name: str, sweeps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(name).touch()
    said = refusal_of(check, f"{sweeps}{shlex.quote(f'data.path={name}')}", monkeypatch)
    wanted = said.partition("\nwrite ")[2]
    (argument,) = shlex.split(wanted)
    override = OverridesParser.create().parse_override(argument)
    assert override.value() == name and not override.is_sweep_override()
    check(f"{sweeps}{wanted}", monkeypatch)


@pytest.mark.parametrize("text", [*NAMES, "~nouser/x", "plain", "\\", 'ends with a backslash and a quote\\"'])
def test_quoted_is_what_hydra_reads(text: str) -> None:
    (argument,) = shlex.split(quoted("data.path", text))
    assert OverridesParser.create().parse_override(argument).value() == text


@pytest.mark.parametrize("name", ["plain.csv", "a-b_c.csv", "5", "true"])
def test_a_file_of_a_plain_name_is_left_to_hydra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(name).touch()
    check(f"data.path={name}", monkeypatch)

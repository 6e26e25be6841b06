"""Results of other code of one's own: told of, and kept where they are wanted."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose
from rich.console import Console

from sweeper.config.composed import study_of
from sweeper.data.demo import Demo
from sweeper.driver.other_code import accepted, print_other_code
from sweeper.records.own_code import CODE, DATA_CODE
from sweeper.records.study import Study
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.records import trial, write
from tests.refusals import refusal_of


def of_code(code: dict[str, str], seed: int = 1, **changes: str) -> Trial:
    made = trial("rd", seed=seed)
    own = replace(made.framework, _target_="mine.Mine")
    return replace(made, framework=own, data=Demo(), digests=dict(made.digests) | changes | code)


def told(study: Study, trials: list[Trial]) -> str:
    print_other_code(study, trials, Console(file=(printed := io.StringIO()), width=1000))
    return printed.getvalue()


@pytest.fixture
def studies(tmp_path: Path) -> tuple[Study, Study]:
    """The same study for a command without accept_code=true and for one with it."""
    return tuple(Study("s", tmp_path, None, {}, accept_code=accept) for accept in (False, True))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({CODE: "a" * 64}, "by other code of your own than today's"),
        ({CODE: "a" * 64, DATA_CODE: "b" * 64}, "by other code of your own than today's"),
        ({}, "by code that is not on record"),
    ],
)
def test_they_are_listed_or_kept(before: dict[str, str], said: str, studies: tuple[Study, Study]) -> None:
    anew, keeping = studies
    old, today = of_code(before), of_code({CODE: "c" * 64})
    write(anew.directory, old, [0.5], [0.5])
    assert accepted(anew, [today]) == [today]
    line = told(anew, [today])
    assert f"1 trial was done {said}; trained anew, or kept with accept_code=true: {old.name}" in line
    assert told(replace(anew, fresh=True), [today]) == ""
    kept = accepted(keeping, [today])
    assert [known.id for known in kept] == [old.id]
    if before:
        assert f"1 trial was done {said} and kept (accept_code=true): {old.name}" in told(keeping, kept)


@pytest.mark.parametrize(
    "other",
    [
        of_code({CODE: "a" * 64}, seed=2),
        of_code({CODE: "a" * 64}, data="d" * 64),
        of_code({CODE: "a" * 64}, mended="head"),
        replace(of_code({CODE: "a" * 64}), device="cuda"),
    ],
    ids=["seed", "data", "mended", "device"],
)
def test_but_what_differs_otherwise_is_not(other: Trial, studies: tuple[Study, Study]) -> None:
    today = of_code({CODE: "c" * 64})
    write(studies[0].directory, other, [0.5], [0.5])
    assert accepted(studies[1], [today]) == [today]
    assert told(studies[0], [today]) == ""


@pytest.mark.parametrize("status", [Status.FAILED, None])
def test_nor_what_is_not_done(status: Status | None, studies: tuple[Study, Study]) -> None:
    today = of_code({CODE: "c" * 64})
    write(studies[0].directory, of_code({}), [0.5], [0.5], status=status)
    assert accepted(studies[1], [today]) == [today]


def test_todays_results_come_first_then_the_latest(studies: tuple[Study, Study]) -> None:
    anew, keeping = studies
    first, second, today = (of_code({CODE: letter * 64}) for letter in "abc")
    for done in (second, first):
        write(anew.directory, done, [0.5], [0.5])
    assert [kept.id for kept in accepted(keeping, [today])] == [first.id]
    write(anew.directory, today, [0.5], [0.5])
    assert accepted(keeping, [today]) == [today] and told(anew, [today]) == ""


def test_a_trial_without_own_code_is_never_looked_up(studies: tuple[Study, Study]) -> None:
    plain = replace(trial("rd"), data=Demo())
    write(studies[0].directory, of_code({}), [0.5], [0.5])
    assert accepted(studies[1], [plain]) == [plain]
    assert told(studies[0], [plain]) == told(studies[1], [plain]) == ""


def test_a_study_that_is_not_there_yet_has_none(studies: tuple[Study, Study]) -> None:
    nowhere = replace(studies[1], directory=studies[1].directory / "nowhere")
    today = of_code({CODE: "c" * 64})
    assert accepted(nowhere, [today]) == [today]


@pytest.mark.usefixtures("composing")
def test_it_is_of_a_whole_command_and_no_companion_of_fresh() -> None:
    config = compose("config", ["accept_code=true", "fresh=true"], return_hydra_config=True)
    said = refusal_of(study_of, [config], [config.hydra.runtime.choices], config.hydra.launcher)
    assert "fresh=true" in said and "accept_code=true" in said

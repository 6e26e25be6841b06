"""What every framework must do when a signal asks its trial to stop; `tests.contracts.frameworks` lists them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sweeper.backends.local.backend import LocalBackend
from sweeper.frameworks import inputs
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import EPOCHS, PARAMETERS, STEPS_PER_EPOCH, Laboratory, events
from tests.contracts.interruptions import (
    EXPECTED,
    INTERRUPTED,
    KILLED,
    interrupted_steps,
    launches,
    run_until,
    updates,
)

STEPS = EPOCHS * STEPS_PER_EPOCH
QA = ("task=qa", "data=qa_demo", "train.learning_rate=5e-3")
# Two tasks of one framework are two ways to train.
ALL = [*((parameter, ()) for parameter in PARAMETERS), (pytest.param("lora"), QA)]
LABORATORIES = [
    pytest.param((parameter.values[0], task), marks=parameter.marks, id=f"{parameter.values[0]}{' qa' * bool(task)}")
    for parameter, task in ALL
]


class Interruptions(Laboratory):
    """A laboratory of one framework's trials of one task."""

    def __init__(self, outputs: Path, backend: LocalBackend, framework: str, task: tuple[str, ...]) -> None:
        super().__init__(outputs, backend, framework)
        self.task = task
        self.place = outputs / f"{framework}{' qa' * bool(task)}"

    def trial(self, *overrides: str) -> Trial:
        return super().trial(*self.task, *overrides)

    def ends(self, trial: Trial, name: str, moment: str) -> str:
        """Run a trial, asked to stop at a moment; returns why it ended."""
        return self.call({name: run_until(trial, self.place / name, moment)})[name]


@pytest.fixture(scope="module", params=LABORATORIES)
def laboratory(
    backend: LocalBackend, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Interruptions:
    return Interruptions(tmp_path_factory.mktemp("outputs"), backend, *request.param)


@pytest.mark.parametrize("moment", EXPECTED)
def test_an_interrupted_trial_goes_on_to_the_same_numbers(laboratory: Interruptions, moment: str) -> None:
    trial = laboratory.trial()
    (undisturbed,) = laboratory.run({"reference": trial})
    directory, step = laboratory.place / moment, EXPECTED[moment]
    assert laboratory.ends(trial, moment, moment) == INTERRUPTED
    record = Record(directory)
    assert record.status() is Status.INTERRUPTED
    assert not (directory / "outcome.json").exists()
    assert interrupted_steps(directory) == [step]
    assert "Traceback" not in record.log.read_text()
    assert laboratory.ends(trial, moment, "never") == ""
    assert updates(directory) == [*range(1, STEPS + 1)], "none is lost, none is made twice"
    laboratory.check_same(trial, directory, undisturbed)
    first, second = launches(directory)
    outcome = record.outcome()
    assert outcome is not None
    assert outcome.seconds > first["stopped"] - first["time"] > 0
    assert "stopped" not in second


@pytest.mark.parametrize("steps", [STEPS_PER_EPOCH + 3])
def test_interrupted_after_every_update_it_still_comes_to_its_end(laboratory: Interruptions, steps: int) -> None:
    trial = laboratory.trial(f"train.max_steps={steps}")
    (undisturbed,) = laboratory.run({f"{steps} steps": trial})
    name = "after every update"
    assert [laboratory.ends(trial, name, name) for _ in range(steps)] == [INTERRUPTED] * (steps - 1) + [""]
    directory = laboratory.place / name
    assert updates(directory) == [*range(1, steps + 1)]
    assert interrupted_steps(directory) == [*range(1, steps)]
    laboratory.check_same(trial, directory, undisturbed)


def test_a_request_after_the_last_update_changes_nothing(laboratory: Interruptions) -> None:
    trial = laboratory.trial()
    (undisturbed,) = laboratory.run({"reference": trial})
    moment = "after the last update"
    assert laboratory.ends(trial, moment, moment) == ""
    assert interrupted_steps(laboratory.place / moment) == []
    laboratory.check_same(trial, laboratory.place / moment, undisturbed)


def test_killed_after_an_interruption_it_goes_on_from_there(laboratory: Interruptions) -> None:
    trial = laboratory.trial()
    (undisturbed,) = laboratory.run({"reference": trial})
    directory = laboratory.place / "killed later"
    assert laboratory.ends(trial, directory.name, "after update 2") == INTERRUPTED
    assert laboratory.ends(trial, directory.name, "SIGKILL after update 4") == KILLED
    assert laboratory.ends(trial, directory.name, "never") == ""
    assert updates(directory) == [1, 2, 3, 4, *range(3, STEPS + 1)]
    laboratory.check_same(trial, directory, undisturbed)


@pytest.mark.parametrize("held_back", [True, False])
def test_sigterm_is_a_request_only_where_it_was_ignored_before(laboratory: Interruptions, held_back: bool) -> None:
    trial = laboratory.trial()
    name = f"SIGTERM, {'ignored' if held_back else 'as ever'}"
    call = run_until(trial, laboratory.place / name, "SIGTERM after update 2")

    def ignoring() -> None:
        if held_back:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        call()

    assert laboratory.call({name: ignoring}) == {name: INTERRUPTED if held_back else "killed by SIGTERM"}
    assert Record(laboratory.place / name).status() is Status.INTERRUPTED


@pytest.mark.parametrize("framework", ["hf", "lora"])
def test_a_pretraining_for_the_cache_goes_on_too(framework: str, backend: LocalBackend, tmp_path: Path) -> None:
    """No half of it is ever taken for the weights, and they come out the same."""
    asked, undisturbed = Laboratory(tmp_path / "asked", backend, framework), Laboratory(tmp_path, backend, framework)
    trial, other = asked.trial("model=pt"), undisturbed.trial("model=pt")
    call = run_until(trial, asked.place / "pretrained", "after update 3 of a pretraining")
    assert asked.call({"pretrained": call}) == {"pretrained": INTERRUPTED}
    assert interrupted_steps(asked.place / "pretrained") == [3]
    made, reference = inputs.weights_directory(trial), inputs.weights_directory(other)
    assert not made.exists()
    directories = [*asked.run({"again": trial}), *undisturbed.run({"reference": other})]
    assert {path.name for path in made.parent.iterdir()} == {path.name for path in reference.parent.iterdir()}
    assert {path.name for path in made.iterdir()} == {path.name for path in reference.iterdir()}
    for file in made.iterdir():
        assert file.read_bytes() == (reference / file.name).read_bytes(), file.name
    assert events(directories[0]) == events(directories[1])


NOOP = ("framework.name=noop", "framework._target_=tests.noop.Noop")
NEVER_ASKS = ("framework.name=bag", "framework._target_=tests.own.bag_of_words.BagOfWords")


def test_a_framework_of_ones_own_can_ask_and_need_not(backend: LocalBackend, tmp_path: Path) -> None:
    """The first one reports 10 updates an epoch."""
    laboratory = Laboratory(tmp_path, backend, "hf")
    asks = laboratory.trial(*NOOP)
    never = laboratory.trial(*NEVER_ASKS, "+framework.options.learning_rate=0.1")
    places = [tmp_path / "asks", tmp_path / "never"]
    calls = {
        "asks": run_until(asks, places[0], "after update 10"),
        "never": run_until(never, places[1], "after update 2"),
    }
    assert laboratory.call(calls) == {"asks": INTERRUPTED, "never": ""}
    assert [Record(place).status() for place in places] == [Status.INTERRUPTED, Status.DONE]
    assert laboratory.call({"asks": run_until(asks, places[0])}) == {"asks": ""}
    assert updates(places[0]) == [10, 20, 30]
    assert Record(places[0]).status() is Status.DONE

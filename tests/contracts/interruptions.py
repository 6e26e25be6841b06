"""How the suites kill trials and ask them to stop: by real signals, which the trials' own processes send themselves."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sweeper.driver.execute
from sweeper.frameworks.interruption import EXIT_CODE
from sweeper.frameworks.reporter import ProgressReport
from sweeper.records.record import Record, Writer
from sweeper.trial.outcome import Outcome
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import EPOCHS, STEPS_PER_EPOCH, run

INTERRUPTED, KILLED = f"exit code {EXIT_CODE}", "killed by SIGKILL (out of memory?)"


def send(number: int = signal.SIGUSR2) -> None:
    os.kill(os.getpid(), number)


def log_of_updates(directory: Path) -> Path:
    """File beside a trial's directory with the numbers of its updates, as `run_until` saw them."""
    return directory.with_name(f"{directory.name}.updates")


def updates(directory: Path) -> list[int]:
    return [*map(int, log_of_updates(directory).read_text().split())]


def run_until(trial: Trial, directory: Path, moment: str = "never") -> Callable[[], None]:
    """The call that runs a trial, noting its updates, and sends it a signal at one of the moments below."""

    def call() -> None:
        note_updates(directory)
        MOMENTS[moment]()
        run(trial, directory)()

    return call


def note_updates(directory: Path) -> None:
    def note(_epoch: int, step: int) -> None:
        with log_of_updates(directory).open("a") as file:
            file.write(f"{step}\n")

    at_updates(note)


def at_updates(act: Callable[[int, int], None]) -> None:
    """Call with epoch and step at every update, as soon as it is reported."""

    class Acting(sweeper.driver.execute.Recorder):
        def progress(self, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
            super().progress(epoch, step, steps, loss)
            act(epoch, step)

    sweeper.driver.execute.Recorder = Acting  # type: ignore[misc]


def after_update(number: int, by: int = signal.SIGUSR2) -> Callable[[], None]:
    return lambda: at_updates(lambda _, step: send(by) if step == number else None)


def in_the_evaluation_after_update(number: int) -> Callable[[], None]:
    """Ask it to stop when the model that is evaluated is first called."""

    def start() -> None:
        from torch.nn.modules.module import register_module_forward_hook

        armed: list[int] = []

        def called(module: Any, *_: object) -> None:
            if armed and not module.training:
                armed.clear()
                send()

        register_module_forward_hook(called)
        at_updates(lambda _, step: armed.append(step) if step == number else None)

    return start


def after_an_evaluation(number: int, by: int = signal.SIGUSR2) -> Callable[[], None]:
    """Send a signal when an epoch's metrics are on record, before its checkpoint is written."""

    def start() -> None:
        class Sending(sweeper.driver.execute.Recorder):
            def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
                best = super().epoch(epoch, step, metrics)
                if epoch == number:
                    send(by)
                return best

        sweeper.driver.execute.Recorder = Sending  # type: ignore[misc]

    return start


def before_training() -> None:
    """Ask it to stop when it is described and nothing of its framework is imported."""
    load = sweeper.frameworks.load_framework

    def asking(trial: Trial) -> Any:
        send()
        return load(trial)

    vars(sweeper.driver.execute)["load_framework"] = asking


def in_a_pretraining() -> None:
    """Ask it to stop after the third update of weights that are made for the cache."""

    progress = ProgressReport.progress

    def asking(self: ProgressReport, epoch: int, step: int, steps: int, loss: Callable[[], float]) -> None:
        progress(self, epoch, step, steps, loss)
        if step == 3:
            send()

    ProgressReport.progress = asking  # type: ignore[method-assign]


def before_the_outcome() -> None:
    """Kill when training is over and the outcome is about to be written."""

    def finish(writer: Writer, outcome: Outcome) -> None:
        send(signal.SIGKILL)

    Writer.finish = finish  # type: ignore[method-assign, assignment]


# Moment of a kill -> what arranges it in the process of a job, and how many epochs need not be trained again.
KILLS: Mapping[str, tuple[Callable[[], None], int]] = {
    "killed in epoch 1": (after_update(2, signal.SIGKILL), 0),
    "killed in epoch 3": (after_update(2 * STEPS_PER_EPOCH + 2, signal.SIGKILL), 2),
    "killed after epoch 2's metrics": (after_an_evaluation(2, signal.SIGKILL), 1),
    "killed before the outcome": (before_the_outcome, 3),
}
FINISHED_EPOCHS = {moment: epochs for moment, (_, epochs) in KILLS.items()}
# Moment of a request to stop -> what arranges it, and the update whose checkpoint is expected.
ARRANGED: Mapping[str, tuple[Callable[[], None], int]] = {
    "before training": (before_training, 1),
    "after update 2": (after_update(2), 2),
    "in the middle of epoch 3": (after_update(2 * STEPS_PER_EPOCH + 3), 2 * STEPS_PER_EPOCH + 3),
    "after the last update of epoch 1": (after_update(STEPS_PER_EPOCH), STEPS_PER_EPOCH),
    "in the evaluation of epoch 2": (in_the_evaluation_after_update(2 * STEPS_PER_EPOCH), 2 * STEPS_PER_EPOCH),
    "after epoch 2's metrics": (after_an_evaluation(2), 2 * STEPS_PER_EPOCH),
}
EXPECTED = {moment: step for moment, (_, step) in ARRANGED.items()}
MOMENTS: Mapping[str, Callable[[], None]] = {
    **{moment: arrange for moment, (arrange, _) in {**KILLS, **ARRANGED}.items()},
    "never": lambda: None,
    "after every update": lambda: at_updates(lambda *_: send()),
    "after the last update": after_update(EPOCHS * STEPS_PER_EPOCH),
    "after update 3 of a pretraining": in_a_pretraining,
    "after update 10": after_update(10),
    "SIGTERM after update 2": after_update(2, signal.SIGTERM),
    "SIGKILL after update 4": after_update(4, signal.SIGKILL),
}


def launches(directory: Path) -> list[dict[str, Any]]:
    description = Record(directory).description()
    assert description is not None
    found: list[dict[str, Any]] = description["provenance"]["launches"]
    return found


def interrupted_steps(directory: Path) -> list[int]:
    """Updates after which the log says that the trial stopped."""
    lines = Record(directory).log.read_text().splitlines()
    return [int(line.split("update ")[1].split(";")[0]) for line in lines if line.startswith("interrupted: ")]

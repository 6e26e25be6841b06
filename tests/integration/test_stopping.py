"""Sweeps that are stopped, continued, shared and taken over."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from tests.contracts.processes import PROMPT_SECONDS, wait_until
from tests.integration.commands import NOOP, RUN, Command, epochs, launches, record

# One training example a batch: long enough to be interrupted.
REAL = ("model=rd", "data.limit=100", "train.epochs=8", "train.batch_size=1", "tracking=none")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGKILL"])
def test_a_stopped_sweep_ends_at_once_and_continues_later(place: Path, how: str) -> None:
    go_on = place / f"{how} go on"
    settings = REAL if how == "Ctrl-C" else (*NOOP, "train.epochs=8", f"+framework.options.awaits='{go_on}'")
    arguments = [*RUN, "-m", *settings, "seed=1,2,3", "hydra.launcher.jobs=2", f"study={how}"]
    command = Command(arguments, place)
    code, seconds = stop(command, how, place)
    assert seconds < PROMPT_SECONDS
    wait_until(lambda: not command.processes())
    assert code == (-signal.SIGKILL if how == "SIGKILL" else 130)
    assert [record(place, how, seed).status() for seed in (1, 2)] == [Status.INTERRUPTED] * 2
    go_on.touch()
    measured = {seed: record(place, how, seed).metrics() for seed in (1, 2)}

    Command(arguments, place).succeed()
    for seed in (1, 2, 3):
        known = record(place, how, seed)
        assert launches(known) == (2 if seed in measured else 1)
        assert epochs(known) == list(range(1, 9))
    for seed, metrics in measured.items():
        assert record(place, how, seed).metrics()[: len(metrics)] == metrics


def stop(command: Command, how: str, place: Path) -> tuple[int, float]:
    """Start a sweep of which two trials run at once, stop it when both are in their second epoch.

    Returns the exit code and the seconds that stopping took.
    """

    def two_train() -> bool:
        begun = [Record(path) for path in (place / "outputs" / how).glob("*-s*")]
        return sum(bool(known.metrics()) for known in begun) == 2

    if how == "Ctrl-C":
        pid, terminal = command.start_on_a_terminal()
        shown = Drain(terminal)
        wait_until(lambda: shown.read() or two_train())
        began = time.monotonic()
        os.write(terminal, b"\x03")
        wait_until(lambda: shown.read() or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert "continues where each trial stopped" in shown.text
        return code, time.monotonic() - began
    process = command.start()
    wait_until(two_train)
    began = time.monotonic()
    process.send_signal(getattr(signal, how))
    return process.wait(), time.monotonic() - began


class Drain:
    """Reads what appears on a terminal, which stops a program whose output nobody takes."""

    def __init__(self, terminal: int) -> None:
        self.terminal, self.text = terminal, ""
        os.set_blocking(terminal, False)

    def read(self) -> bool:
        """Take what is there; always False, to stand before an `or`."""
        try:
            while chunk := os.read(self.terminal, 65536):
                self.text += chunk.decode(errors="replace")
        except OSError:  # nothing there, or the other side is closed
            pass
        return False


@pytest.mark.slow
def test_two_sweeps_share_their_trials(place: Path) -> None:
    arguments = [*RUN, "-m", *NOOP, "seed=1,2,3", "train.epochs=8", "+framework.options.seconds=0.3", "study=two"]
    commands = [Command(arguments, place) for _ in range(2)]
    processes = [command.start() for command in commands]
    assert [process.wait() for process in processes] == [0, 0], [command.output.read_text() for command in commands]
    for seed in (1, 2, 3):
        known = record(place, "two", seed)
        assert launches(known) == 1
        assert epochs(known) == list(range(1, 9))
        assert "Traceback" not in known.log.read_text()


@pytest.mark.slow
def test_a_sweep_takes_over_from_one_that_stops(place: Path) -> None:
    go_on = place / "heir goes on"
    arguments = [*RUN, "-m", *NOOP, "seed=1,2", "train.epochs=8", f"+framework.options.awaits='{go_on}'", "study=heir"]
    first, second = Command(arguments, place), Command(arguments, place)
    leader = first.start()
    wait_until(lambda: len(list((place / "outputs/heir").glob("*/checkpoint/epoch"))) == 2)
    heir = second.start()
    wait_until(lambda: "running" in second.output.read_text())
    leader.send_signal(signal.SIGINT)
    assert leader.wait() == 130
    go_on.touch()
    assert heir.wait() == 0, second.output.read_text()
    for seed in (1, 2):
        assert launches(record(place, "heir", seed)) == 2
        assert epochs(record(place, "heir", seed)) == list(range(1, 9))

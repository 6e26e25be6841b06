"""In a process of its own each: how signals are taken is a process's, and some of these end it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.contracts.processes import DEADLINE_SECONDS

START = """
import os, signal, subprocess, sys
from sweeper.frameworks import interruption
def tell(number): os.kill(os.getpid(), number)
"""


def run(program: str) -> tuple[int, str]:
    """Exit code (negative: a signal's number) and output of a program that has the names above."""
    done = subprocess.run(
        [sys.executable, "-c", START + program], capture_output=True, text=True, timeout=DEADLINE_SECONDS
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.strip()


def test_sigusr2_is_a_request_once_a_process_listens() -> None:
    program = "interruption.listen(); print(interruption.requested()); tell(signal.SIGUSR2); tell(signal.SIGUSR2)"
    assert run(f"{program}; print(interruption.requested())") == (0, "False\nTrue")


def test_before_that_it_is_what_it_was() -> None:
    assert run("tell(signal.SIGUSR2)") == (-signal.SIGUSR2, "")


@pytest.mark.parametrize(
    "before",
    ["signal.signal(signal.SIGTERM, signal.SIG_IGN)", "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])"],
    ids=["ignored", "blocked"],
)
def test_sigterm_is_a_request_where_it_was_held_back(before: str) -> None:
    assert run(f"{before}; interruption.listen(); tell(signal.SIGTERM); print(interruption.requested())") == (0, "True")


@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGTERM, lambda *_: os._exit(3))"])
def test_sigterm_keeps_its_action_otherwise(before: str) -> None:
    expected = 3 if before else -signal.SIGTERM
    assert run(f"{before}\ninterruption.listen(); tell(signal.SIGTERM); print('lives')") == (expected, "")


def test_a_blocked_signal_that_came_before_is_heard_and_an_ignored_one_is_lost() -> None:
    then = "tell(signal.SIGUSR2); interruption.listen(); print(interruption.requested())"
    assert run(f"signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); {then}") == (0, "True")
    assert run(f"signal.signal(signal.SIGUSR2, signal.SIG_IGN); {then}") == (0, "False")


def test_who_listens_again_still_listens() -> None:
    program = "signal.signal(signal.SIGTERM, signal.SIG_IGN); interruption.listen(); interruption.listen()"
    assert run(f"{program}; tell(signal.SIGTERM); print(interruption.requested())") == (0, "True")


CHILD = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
interruption.listen()
if (child := os.fork()) == 0:
    tell(signal.SIGUSR2)
    print(interruption.requested(), flush=True)
    tell(signal.SIGTERM)
    os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), interruption.requested())
"""


def test_a_forked_child_takes_no_request_and_can_be_ended() -> None:
    assert run(CHILD) == (0, f"False\n{-signal.SIGTERM} False")


def test_an_executed_child_can_be_ended() -> None:
    listening = "signal.signal(signal.SIGTERM, signal.SIG_IGN); interruption.listen()"
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert run(f"{listening}; print(subprocess.run([sys.executable, '-c', {code!r}]).returncode)") == (0, "-15")


def test_only_the_main_thread_can_listen() -> None:
    program = "import threading; thread = threading.Thread(target=interruption.listen); thread.start(); thread.join()"
    assert run(f"{program}; print(signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL)") == (0, "True")

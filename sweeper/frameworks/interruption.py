"""A request to stop in order to go on later: a signal asks a training for a checkpoint and for its end.

Clusters send one before a job's time is up and before a machine is taken away. The handler only sets a flag: a
training looks at it after every update, through its `Report`.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from types import FrameType

EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: not done, but trying again will do
_requested = False


class Interrupted(Exception):
    """Training stopped on request after `step` updates; its checkpoint is whole."""

    def __init__(self, step: int):
        super().__init__(f"stopped on request after update {step}; its checkpoint is whole")
        self.step = step


def listen() -> None:
    """Take SIGUSR2 for a request from now on; SIGTERM too, but only if it is ignored or blocked at this moment.

    Whoever starts a trial holds these signals back that way until the trial listens: one that is blocked is heard now,
    one that was ignored is lost. Otherwise SIGTERM stops the process at once, as ever. Only a process's main thread can
    listen; called from another one, this changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    numbers = [signal.SIGUSR2, *([signal.SIGTERM] if _held_back(signal.SIGTERM) else [])]
    for number in numbers:
        signal.signal(number, _ask)
    _leave_to_the_parent_in_children()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def requested() -> bool:
    """Whether this process has been asked to write a checkpoint and end."""
    return _requested


def _held_back(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN or number in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def _ask(_number: int, _frame: FrameType | None) -> None:
    global _requested
    _requested = True


@functools.cache
def _leave_to_the_parent_in_children() -> None:
    # Processes forked from now on, as those of a data loader, end on SIGTERM and take no notice of SIGUSR2. A program
    # that is executed loses the handlers by itself.

    def leave() -> None:
        if signal.getsignal(signal.SIGTERM) is _ask:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGUSR2) is _ask:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    os.register_at_fork(after_in_child=leave)

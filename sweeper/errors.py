"""The error that a user can mend."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

DONE, NOT_ALL_DONE, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130


class WrongInput(ValueError):
    """Something the user gave cannot work; its message names the culprit, what is allowed and the remedy."""


def first_line(error: Exception) -> str:
    """Return the first line of another library's error that is not empty; of one without a message its kind."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class Parser(argparse.ArgumentParser):
    """A parser of a command line that refuses as every other wrong input is refused."""

    def error(self, message: str) -> NoReturn:
        """Raise WrongInput, where argparse would print its usage and exit."""
        problem, choices, allowed = message.partition(" (choose from ")
        listed = f"allowed: {allowed.rstrip(')')}" if choices else f"{self.prog} --help tells more"
        raise WrongInput(f"{problem}\n{listed}")


def run_and_exit(command: Callable[[], int]) -> NoReturn:
    """Run a command and exit: 0 all done, 1 some not, 2 wrong input, 130 interrupted."""
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"  # the command may set it for Hydra's sake
    try:
        code = command()
        sys.stdout.flush()
    except WrongInput as error:
        if wants_traceback:
            traceback.print_exc()
        refuse(str(error))
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has left: nobody is there to be told. Python would complain at its end otherwise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    sys.exit(code)


def refuse(message: str) -> NoReturn:
    """Say in at most three lines what is wrong, and exit with 2."""
    lines = [line for line in message.splitlines() if line.strip()]
    sys.stderr.write("sweeper: " + "\n  ".join(lines[:3]) + "\n")
    sys.exit(WRONG_INPUT)

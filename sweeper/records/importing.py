"""Modules of the user's own: which files are theirs, and what fails in them told in words."""

from __future__ import annotations

import site
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sweeper.errors import WrongInput

INSTALLED = {"site-packages", "dist-packages"}
LAUNCHERS = "sweeper_launchers"  # Sweeper's own, beside the package
SHOWN = 200  # characters of an exception's message
NEEDED = "needed: module.Class, of the working directory or an installed package"
REMEDY = "mend it there; HYDRA_FULL_ERROR=1 in front of the command shows the whole traceback"


def is_installed(file: Path) -> bool:
    """Whether a file belongs to Python, to an installed package, or to this one, which may lie above a study."""
    return any(file.resolve().is_relative_to(root) for root in _roots())


@cache
def _roots() -> tuple[Path, ...]:
    named = ("stdlib", "platstdlib", "purelib", "platlib")
    roots = [*map(sysconfig.get_path, named), site.getusersitepackages(), str(Path(__file__).parents[1])]
    return tuple(Path(root).resolve() for root in roots)


def is_of_a_distribution(file: Path) -> bool:
    """Whether a file lies where packages are installed; a package installed to be edited lies elsewhere."""
    return not INSTALLED.isdisjoint(file.parts)


def is_own(file: Path) -> bool:
    """Whether a file is neither Python's, nor installed, nor Sweeper's."""
    return not (is_of_a_distribution(file) or LAUNCHERS in file.parts or is_installed(file))


@contextmanager
def loading(culprit: str) -> Iterator[None]:
    """Import a class of the user's, or make an object of it: what it raises is a WrongInput that says where."""
    try:
        yield
    except WrongInput:
        raise
    except (Exception, SystemExit) as error:
        raise WrongInput(
            "\n".join([f"{culprit} cannot be loaded: {_shown(error)}", *(_where(error) or [NEEDED])])
        ) from error


@contextmanager
def own_failures_told() -> Iterator[None]:
    """Make what the user's own code raises a WrongInput that says where; other exceptions stay as they are."""
    try:
        yield
    except WrongInput:
        raise
    except (Exception, SystemExit) as error:
        if place := _where(error):
            raise WrongInput("\n".join([f"your own code failed: {_shown(error)}", *place])) from error
        raise


def _shown(error: BaseException) -> str:
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message[:SHOWN]}" if message else type(error).__name__


def _where(error: BaseException) -> list[str]:
    """Return the innermost place of the user's that an exception passed, and the remedy; nothing where there is none.

    That a module is not there at all has no place.
    """
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 0))
    # Python's own, such as <frozen importlib._bootstrap>, have no file
    own = [(file, line) for file, line in places if Path(file).is_file() and is_own(Path(file).absolute())]
    return [f"at {own[-1][0]}:{own[-1][1]}", REMEDY] if own else []

"""What every test may rely on."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator

import pytest
from hydra.core.singleton import Singleton


def pytest_configure() -> None:
    """Let commands be stopped by Ctrl-C although a script started the tests in the background, with it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def hydra_as_it_was() -> Iterator[None]:
    """Give Hydra's global state back: composing in one module must not change what another one sees."""
    state = copy.deepcopy(Singleton.get_state())
    yield
    Singleton.set_state(state)

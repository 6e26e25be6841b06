"""What every test may rely on."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from hydra.core.singleton import Singleton


@pytest.fixture(scope="module", autouse=True)
def hydra_as_it_was() -> Iterator[None]:
    """Give Hydra's global state back: composing in one module must not change what another one sees."""
    state = copy.deepcopy(Singleton.get_state())
    yield
    Singleton.set_state(state)

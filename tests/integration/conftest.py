"""Fixtures that several integration tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory for commands: they share its outputs/cache, each has a study of its own."""
    return tmp_path_factory.mktemp("place")

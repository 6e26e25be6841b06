"""Fixtures that several contract suites share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """Where jobs of a test leave their process ids."""
    directory = tmp_path / "started"
    directory.mkdir()
    return directory

"""Data that is too large for this repository: under SWEEPER_TEST_DATA; what needs it is skipped where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SWEEPER_TEST_DATA", Path(__file__).parents[1] / "../shared/data"))
REVIEWS = SHARED / "cls_books_fr"
CHECKPOINT = SHARED / "../checkpoints/roberta_prenorm_4x256_fr"


def needs(*paths: Path) -> pytest.MarkDecorator:
    """Return the mark of a test that reads these."""
    missing = [path.name for path in paths if not path.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)} at SWEEPER_TEST_DATA (../shared/data)")

"""fairseq is not installed everywhere; what needs it is skipped there."""

from __future__ import annotations

import pytest

from sweeper.errors import WrongInput
from sweeper.frameworks.fairseq.mends import check_version


def why_not() -> str:
    """Why fairseq cannot be run here; empty where it can."""
    try:
        check_version()
    except WrongInput as error:
        return str(error).split("\n")[0]
    return ""


needs_fairseq = pytest.mark.skipif(bool(why_not()), reason=why_not())

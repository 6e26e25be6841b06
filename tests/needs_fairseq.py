"""fairseq is not installed everywhere; what needs it is skipped there."""

from __future__ import annotations

import pytest

from sweeper.frameworks.fairseq_mends import check_version
from sweeper.wrong_input import WrongInput


def why_not() -> str:
    """Why fairseq cannot be run here; empty where it can."""
    try:
        check_version()
    except WrongInput as error:
        return str(error).split("\n")[0]
    return ""


needs_fairseq = pytest.mark.skipif(bool(why_not()), reason=why_not())

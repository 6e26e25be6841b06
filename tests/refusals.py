"""What a refusal says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sweeper.errors import WrongInput


def refusal_of(refusing: Callable[..., object], *arguments: object) -> str:
    """Call what must refuse and return what it says: three lines at most, as users are promised."""
    with pytest.raises(WrongInput) as raised:
        refusing(*arguments)
    assert len(str(raised.value).splitlines()) <= 3
    return str(raised.value)

"""The error that a user can mend."""

from __future__ import annotations


class WrongInput(ValueError):
    """Something the user gave cannot work; its message names the culprit, what is allowed and the remedy."""

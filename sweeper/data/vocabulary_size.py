"""Whether a vocabulary of the wanted size can be made of a text."""

from __future__ import annotations

from sweeper.wrong_input import WrongInput


def check_largest(vocabulary_size: int, largest: int) -> None:
    """Raise WrongInput when the text has not as many pieces."""
    if vocabulary_size > largest:
        raise WrongInput(
            f"tokenizer.vocabulary_size={vocabulary_size} is more than the text has pieces for\n"
            f"allowed: at most {largest}, or give more text"
        )


def check_smallest(vocabulary_size: int, smallest: int) -> None:
    """Raise WrongInput when not even single characters, or bytes, have an id each."""
    if vocabulary_size < smallest:
        raise WrongInput(
            f"tokenizer.vocabulary_size={vocabulary_size} is too small\n"
            f"allowed: at least {smallest}, the special pieces and one for every character"
        )

"""The words that stand for classes where a language model answers: `data.verbalisers`, a word or several a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.data import DataSettings, DataSource
from sweeper.errors import WrongInput
from sweeper.trial.settings import setting

SHOWN = 10  # classes that a message names


@dataclass(frozen=True)
class Verbalised(DataSettings):
    """Settings of a data set whose classes have words."""

    # Trials that read them know them by a digest.
    verbalisers: Any = setting(
        None,
        identity=False,
        help="what stands for the classes where a language model answers, a word or several for each, as in"
        " {neg: bad, pos: good}; null: their names",
    )


def verbalisers(source: DataSource, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return each class's words, in the order of the classes; by default the classes' names.

    `names` are the classes where they are known already; else the data set is asked for them. Raises WrongInput for
    classes that are unknown or left out, and for words that are none or those of another class.
    """
    names = names or source.label_names()
    given = getattr(source, "verbalisers", None)
    if given is None:
        given = {name: name for name in names}
    if not isinstance(given, Mapping):
        raise WrongInput(f"data.verbalisers={given} is no mapping\nallowed: {_example(names)}")
    # YAML takes some names for integers or truth values.
    words = {str(key).lower() if isinstance(key, bool) else str(key): word for key, word in given.items()}
    if different := sorted(words.keys() ^ set(names)):
        said = "names an unknown class" if different[0] in words else "lacks the class"
        raise WrongInput(f"data.verbalisers {said} {different[0][:40]!r}\nneeded: a word for each, {_example(names)}")
    found = tuple(" ".join(_text_of(name, words[name]).split()) for name in names)
    _check_words(found, names)
    return found


def reading_notes(source: DataSource, length_normalised: bool, ends: str) -> list[str]:
    """Return what a reader must know of classes that are told by their words' likelihood, a sentence each.

    `ends` is the piece that the model's answers end with.
    """
    words = [f"{name}: {word}" for name, word in zip(source.label_names(), verbalisers(source), strict=True)]
    shown = ", ".join([*words[:SHOWN], *["…"] * (len(words) > SHOWN)])
    normalised = "divided by the number of their ids" if length_normalised else "not normalised by length"
    return [
        f"class by the log-likelihood of its words and {ends} after the prompt ({shown}), {normalised}",
        "train/loss is the language model's on these ids of the answer; validation and test loss are the classes'",
    ]


def _text_of(name: str, word: Any) -> str:
    if isinstance(word, bool) or not isinstance(word, str | int | float):
        shown = "null" if word is None else str(word).lower()
        raise WrongInput(f"data.verbalisers.{name}={shown} is no text\nallowed: a word or several, in quotes")
    return str(word)  # YAML may have taken it for a number


def _check_words(words: Sequence[str], names: Sequence[str]) -> None:
    for name, word in zip(names, words, strict=True):
        if not word:
            raise WrongInput(
                f"data.verbalisers.{name}={word!r} is empty: no likelihood tells its class\nallowed: a word or several"
            )
    check_different(words, names, words)


def check_different(found: Sequence[Any], names: Sequence[str], words: Sequence[str]) -> None:
    """Raise WrongInput for two classes of which the same was found."""
    first: dict[Any, int] = {}
    for number, value in enumerate(found):
        other = first.setdefault(value, number)
        if other != number:
            raise WrongInput(
                f"data.verbalisers.{names[other]}={words[other]} and .{names[number]}={words[number]} are the same to"
                " the model\nallowed: another word for each class"
            )


def _example(names: Sequence[str]) -> str:
    shown = [f"{name[:40]}: …" for name in names[:SHOWN]] + ["…"] * (len(names) > SHOWN)
    return f"data.verbalisers={{{', '.join(shown)}}}"

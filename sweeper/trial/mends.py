"""Mends: what an earlier version measured otherwise, by the names that a trial's digests have for it.

A trial that a mend changes has another id by that name, so that an old result never answers for it. Standard library
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MENDED = "mended"  # the digest that names mends
READING = "reading"  # the digest of a tokenizer that Transformers reads, which is a mend's name, too
# Name of a mend -> what was done before it, as a clause. A new mend joins by being listed.
MENDS = {
    "head": "version 0.1.0 took along the classification head of model.path, whatever the seed",
    "precision": "version 0.1.0 trained in the 16 bits in which the weights of model.path are stored",
    "limit": "version 0.1.0 balanced the classes where data.limit took fewer examples, in validation and test as well",
    READING: "version 0.1.0 read the tokenizer of model.path by itself, not by Transformers: CamemBERT's"
    " sentencepiece file alone gave ids three too low",
}
INPUTS = ("data", "tokenizer", "weights", "config")  # the digests of what a trial reads


def mended(*names: str) -> dict[str, str]:
    """Return what a trial's digests say of its mends, by the names that `MENDS` lists; nothing where there are none."""
    assert MENDS.keys() >= {*names}, "a mend is listed with what was done before it"
    return {MENDED: "+".join(names)} if names else {}


def newly_mended(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the mends that one trial's configuration has and an earlier one's lacks."""
    known = _mends(before["digests"])
    return tuple(name for name in _mends(now["digests"]) if name not in known)


def changed_inputs(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which inputs of two trials, by configuration, have another digest for another reason than a mend."""
    old, new = before["digests"], now["digests"]
    # Read otherwise it has another digest; that it is the same one is known by where it lies.
    read_anew = READING in newly_mended(before, now) and _place(before) == _place(now)
    explained = "tokenizer" if read_anew else ""
    return tuple(name for name in INPUTS if old.get(name) != new.get(name) and name != explained)


def _place(config: Mapping[str, Any]) -> Path | None:
    path = config["model"]["path"]
    return Path(path).resolve() if isinstance(path, str) else None


def _mends(digests: Mapping[str, str]) -> list[str]:
    return [*filter(None, digests.get(MENDED, "").split("+")), *[READING] * (READING in digests)]

from __future__ import annotations

import dataclasses
import importlib.metadata
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra

from sweeper.errors import WrongInput
from sweeper.frameworks.fairseq.mends import (
    check_version,
    hashable_defaults,
    no_arguments,
    own_hydra,
    own_store,
    root_logger_kept,
)


def absent(name: str) -> str:
    raise importlib.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (absent, r"^framework=fairseq needs fairseq 0\.12\.2, .*; installed is none\nmake install gets it$"),
        (lambda name: "0.12.3", r"fairseq 0\.12\.2, which its mends are for; installed is 0\.12\.3\n"),
    ],
    ids=["not installed", "another version"],
)
def test_only_the_version_that_the_mends_are_for(
    version: Callable[[str], str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(WrongInput, match=said):
        check_version()


def test_what_is_registered_as_fairseqs_stays_out_of_the_applications_store() -> None:
    store = ConfigStore.instance()
    before, state = store.repo, GlobalHydra.instance().hydra
    with pytest.raises(ZeroDivisionError), own_hydra():
        store.store(name="config", node={"answer": 42})
        GlobalHydra.instance().clear()
        1 / 0  # noqa: B018
    assert store.repo is before
    assert "config" not in {name.removesuffix(".yaml") for name in before}
    assert GlobalHydra.instance().hydra is state
    with own_hydra():
        assert "config.yaml" in store.repo
    del own_store()["config.yaml"]


def test_the_root_logger_is_not_configured_by_an_import() -> None:
    root = logging.getLogger()
    before, handlers = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        with root_logger_kept():
            logging.basicConfig(level=logging.DEBUG)
        assert (root.handlers, root.level) == ([], handlers)
    finally:
        root.handlers[:] = before


def test_defaults_are_hashable_for_fairseq_alone() -> None:
    original = dataclasses.dataclass
    with hashable_defaults():
        theirs: Any = dataclasses.dataclass(type("Theirs", (), {"__module__": "fairseq.configs"}))
        other: Any = dataclasses.dataclass(type("Other", (), {"__module__": "fairseq_like"}))
        frozen: Any = dataclasses.dataclass(frozen=True)(type("Frozen", (), {"__module__": "fairseq"}))
    assert dataclasses.dataclass is original
    assert theirs.__hash__ is object.__hash__
    assert other.__hash__ is None
    assert frozen.__hash__ not in (None, object.__hash__)


def test_the_command_line_is_hidden_for_a_while() -> None:
    given = sys.argv
    with no_arguments():
        assert sys.argv == given[:1]
    assert sys.argv is given

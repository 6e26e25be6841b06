from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sweeper.cache import cached


def test_built_once_for_concurrent_callers(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(directory: Path) -> None:
        built.append(directory)
        time.sleep(0.05)
        (directory / "file").write_text("whole")

    threads = [threading.Thread(target=cached, args=(tmp_path / "a" / "made", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert (tmp_path / "a" / "made" / "file").read_text() == "whole"


def test_what_fails_leaves_nothing_that_counts(tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "file").write_text("part")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        cached(tmp_path / "made", fail)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    cached(tmp_path / "made", lambda directory: (directory / "file").touch())
    assert (tmp_path / "made" / "file").exists()

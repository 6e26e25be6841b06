from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from sweeper.records.files import cached
from tests.contracts.processes import DEADLINE_SECONDS, SLEEP_SECONDS


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


def stay(directory: Path, building: Event) -> None:
    def build(temporary: Path) -> None:
        (temporary / "file").write_text("part")
        building.set()
        time.sleep(SLEEP_SECONDS)

    cached(directory, build)


def test_a_builder_that_is_killed_gives_way_to_who_waits(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    building = context.Event()
    process = context.Process(target=stay, args=(tmp_path / "made", building))
    process.start()
    assert building.wait(DEADLINE_SECONDS)
    assert not (tmp_path / "made").exists()
    waiting = threading.Thread(
        target=cached, args=(tmp_path / "made", lambda directory: (directory / "file").write_text("whole"))
    )
    waiting.start()
    process.kill()
    process.join()
    waiting.join(10)
    assert (tmp_path / "made" / "file").read_text() == "whole"
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [tmp_path / "made"]


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    built: list[int] = []
    made = cached(tmp_path / "made", lambda directory: built.append(directory.stat().st_ino))
    assert made.stat().st_ino == built[0], "renamed, not copied"

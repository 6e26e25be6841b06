from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeper.errors import WrongInput
from sweeper.records.files import cached
from sweeper.records.logs import BYTES_READ, last_lines, last_message
from sweeper.records.progress import ProgressFile
from sweeper.records.record import AlreadyWriting, Contradiction, Record, records, supersede
from sweeper.trial.outcome import Best, Failure, Metric, Outcome, Status
from tests.contracts.processes import DEADLINE_SECONDS, SLEEP_SECONDS

TRIAL = {"id": "abc", "choices": {"model": "pt"}, "config": {"seed": 1}}
TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'


def metric(value: float, step: int = 10, name: str = "accuracy") -> Metric:
    return Metric("valid", name, value, epoch=step // 10, step=step)


def hold(path: Path, held: Event) -> None:
    with Record(path).writing() as writer:
        writer.describe(TRIAL, {"time": 0.0})
        held.set()
        time.sleep(SLEEP_SECONDS)


@contextmanager
def spawned(target: Callable[[Path, Event], None], path: Path) -> Iterator[None]:
    """Another process, from when it sets its event; killed in the end."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=target, args=(path, begun))
    process.start()
    try:
        assert begun.wait(DEADLINE_SECONDS)
        yield
    finally:
        process.kill()
        process.join()


def outcome(status: Status = Status.DONE, error: Failure | None = None) -> Outcome:
    best = Best(1, 10, {"valid/accuracy": 0.5, "valid/loss": math.inf})
    return Outcome(status, best, seconds=2.5, peak_memory_bytes=7, error=error)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = Record(tmp_path / "trial")
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": 1.0, "host": "a"})
        writer.append([metric(0.5), metric(math.nan, name="loss"), metric(-math.inf, step=20, name="loss")])
        writer.finish(outcome())
    values = [event.value for event in record.metrics()]
    assert values[0] == 0.5 and math.isnan(values[1]) and values[2] == -math.inf
    assert all(event.time > 0 for event in record.metrics())
    assert record.outcome() == outcome()
    for line in (record.path / "events.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_torn_last_line_is_neither_read_nor_kept(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.writing() as writer:
        writer.append([metric(0.5)])
    whole = (tmp_path / "events.jsonl").read_bytes()
    (tmp_path / "events.jsonl").write_bytes(whole + b'{"split": "valid", "na')
    assert len(record.metrics()) == 1
    with record.writing() as writer:
        assert (tmp_path / "events.jsonl").read_bytes() == whole
        writer.append([metric(0.6, step=20)])
    assert [event.value for event in record.metrics()] == [0.5, 0.6]


def test_a_replayed_metric_keeps_its_first_line(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.writing() as writer:
        writer.append([metric(0.5), metric(math.nan, name="loss")])
    before = (tmp_path / "events.jsonl").read_bytes()
    with record.writing() as writer:
        writer.append([metric(0.5), metric(math.nan, name="loss")])
    assert (tmp_path / "events.jsonl").read_bytes() == before


def test_a_replayed_metric_that_differs_is_an_error(tmp_path: Path) -> None:
    with Record(tmp_path).writing() as writer:
        writer.append([metric(0.5)])
        with pytest.raises(Contradiction, match=r"valid/accuracy at step 10 was 0\.5 and is 0\.5000000000000001"):
            writer.append([metric(0.5000000000000001)])


def test_status_before_anything_is_written(tmp_path: Path) -> None:
    assert Record(tmp_path / "nowhere").status() is Status.PLANNED
    assert not (tmp_path / "nowhere").exists()


def test_a_living_writer_means_running_and_a_killed_one_interrupted(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with spawned(hold, tmp_path):
        assert record.status() is Status.RUNNING
        with pytest.raises(AlreadyWriting), record.writing(patience_seconds=0.1):
            pass
    assert record.status() is Status.INTERRUPTED
    with record.writing():
        assert record.status() is Status.RUNNING
    assert record.status() is Status.INTERRUPTED


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED, Status.CANCELLED])
def test_an_outcome_is_the_status(tmp_path: Path, status: Status) -> None:
    record = Record(tmp_path)
    error = None if status is Status.DONE else Failure("ValueError", "why", "train.log")
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": 0.0})
        writer.finish(outcome(status, error))
        assert record.status() is status
    assert record.outcome() == outcome(status, error)


def test_a_failure_is_forgotten_and_a_result_never(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": 0.0})
        writer.finish(outcome(Status.FAILED, Failure("E", "m", "l")))
        writer.forget_failure()
        assert record.outcome() is None
        writer.finish(outcome())
        with pytest.raises(AssertionError):
            writer.forget_failure()


def test_launches_add_up_under_the_first_creation(tmp_path: Path) -> None:
    record = Record(tmp_path)
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": 1.0})
        first = record.description()
        writer.describe(TRIAL, {"time": 2.0})
    second = record.description()
    assert first is not None and second is not None
    assert second["created"] == first["created"]
    assert [launch["time"] for launch in second["provenance"]["launches"]] == [1.0, 2.0]


@pytest.mark.parametrize(("content", "said"), [('{"schema": 99}', "schema 99"), ("{", "not valid JSON")])
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "trial.json").write_text(content)
    with pytest.raises(WrongInput, match=said):
        Record(tmp_path).description()


def test_what_is_superseded_no_longer_counts(tmp_path: Path) -> None:
    record = Record(tmp_path / "trial")
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": 0.0})
        with pytest.raises(WrongInput, match="is running"):
            supersede(record)
    assert records(tmp_path) == [record]
    target = supersede(record)
    assert records(tmp_path) == []
    assert (target / "trial.json").is_file() and not record.path.exists()


def test_progress_tells_the_pace_of_this_launch(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    file.update(3, 50, 100, lambda: 0.5)
    file.written = 0.0
    file.started -= 10.0
    file.update(3, 60, 100, lambda: math.nan)
    progress = Record(tmp_path).progress()
    assert progress is not None and math.isnan(progress.loss)
    assert progress.seconds_left == pytest.approx(40.0, rel=0.01)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    record = Record(tmp_path)
    single: Any = np.float32(0.25)
    with record.writing() as writer:
        writer.append([metric(single), metric(np.float64(0.5), step=20), metric(1, step=30)])
    with record.writing() as writer:
        writer.append([metric(0.25), metric(0.5, step=20), metric(1.0, step=30)])
    assert [event.value for event in record.metrics()] == [0.25, 0.5, 1.0]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_bytes(b'{"status": "\xff"}')
    with pytest.raises(WrongInput, match="is not valid JSON"):
        Record(tmp_path).status()


def test_a_look_does_not_turn_a_writer_away(tmp_path: Path) -> None:
    """Each look takes the lock for an instant."""
    record = Record(tmp_path)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            record.locked()

    watchers = [threading.Thread(target=look) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(20):
            with record.writing():
                pass
    finally:
        ended.set()
        for watcher in watchers:
            watcher.join()


def rewrite(path: Path, held: Event) -> None:
    """Write a record's files again and again, as large as makes a partial read likely."""
    long = "x" * 200_000
    with Record(path).writing() as writer:
        for number in itertools.count(1):
            writer.finish(outcome(Status.FAILED, Failure("E", long, str(number))))
            writer.append([metric(number / 7, step=number), metric(number / 3, step=number, name="loss")])
            if number == 3:
                held.set()


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    record, seen = Record(tmp_path), set()
    with spawned(rewrite, tmp_path):
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            found = record.outcome()
            assert found is not None and found.error is not None
            assert len(found.error.message) == 200_000
            seen.add(found.error.log)
            events = record.metrics()
            assert [event.step for event in events] == [1 + number // 2 for number in range(len(events))]
    assert len(seen) > 1, "the writer wrote while we read"
    with record.writing() as writer:  # whatever the kill left, the next writer goes on
        writer.append([metric(0.5, step=10**6)])
    assert record.metrics()[-1].step == 10**6


def test_a_cancelled_trial_has_cost_what_its_launches_trained(tmp_path: Path) -> None:
    record, now = Record(tmp_path / "trial"), time.time()
    assert record.seconds_trained() == 0
    with record.writing() as writer:
        writer.describe(TRIAL, {"time": now - 1000, "stopped": now - 940})
        writer.describe(TRIAL, {"time": now - 500})  # killed before its first metric
        writer.describe(TRIAL, {"time": now - 30})
        writer.append([metric(0.5)])
        writer.cancel("python -m sweeper.cancel")
    ended = record.outcome()
    assert ended is not None and ended.status is Status.CANCELLED
    assert ended.seconds == pytest.approx(60 + 0 + 30, abs=10)


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
    waiting = threading.Thread(
        target=cached, args=(tmp_path / "made", lambda directory: (directory / "file").write_text("whole"))
    )
    with spawned(stay, tmp_path / "made"):
        assert not (tmp_path / "made").exists()
        waiting.start()
    waiting.join(10)
    assert (tmp_path / "made" / "file").read_text() == "whole"
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [tmp_path / "made"]


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    built: list[int] = []
    made = cached(tmp_path / "made", lambda directory: built.append(directory.stat().st_ino))
    assert made.stat().st_ino == built[0], "renamed, not copied"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", "it left no message"),
        (f"{TRACEBACK}OSError: disk is full\n\n", "OSError: disk is full"),
        (f"{TRACEBACK}sweeper.errors.WrongInput: x=1 is too small\nallowed: 2\n", "x=1 is too small; allowed: 2"),
        (f"{TRACEBACK}sweeper.wrong_input.WrongInput: x=1 is too small\nallowed: 2\n", "x=1 is too small; allowed: 2"),
    ],
)
def test_the_message_that_a_log_ends_with(log: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log)
    assert last_message(tmp_path / "log") == said


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert last_message(tmp_path / "log") == "it left no message"


def test_the_last_lines_of_a_log_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("é" * BYTES_READ + "\n\none\n two \n\nthree\n")
    assert last_lines(tmp_path / "log") == ["one", " two", "three"]
    assert last_lines(tmp_path / "none") == []

"""What every backend must do. A new one joins by being listed in BACKENDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sweeper.backends import Backend, Job, JobState, Phase
from sweeper.backends.local.backend import LocalBackend
from sweeper.backends.slurm.backend import SlurmBackend
from sweeper.backends.slurm.settings import SlurmSettings
from tests.contracts.processes import (
    PROMPT_SECONDS,
    SLEEP_SECONDS,
    alive,
    ended,
    pids,
    sleeping,
    sleeping_with_child,
    wait_until,
)

SLURM = SlurmSettings(array_parallelism=2, retries=0, longest_interval_s=1)


@dataclass(frozen=True)
class Kind:
    """Makes a backend that runs two jobs at a time; `many` jobs are a lot for it."""

    make: Callable[[Path], Backend]
    many: int = 100


BACKENDS = {
    "local": Kind(lambda _: LocalBackend(jobs=2)),
    "slurm": Kind(lambda place: SlurmBackend(SLURM, threads=1, preload=[], name="contract", directory=place), many=12),
}
PARAMETERS = [pytest.param(name, marks=[pytest.mark.slurm] if name == "slurm" else []) for name in BACKENDS]

DONE = JobState(Phase.ENDED)
STOPPED = JobState(Phase.ENDED, "stopped")


@pytest.fixture(params=PARAMETERS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return BACKENDS[request.param]


@pytest.fixture
def backend(kind: Kind, tmp_path: Path) -> Iterator[Backend]:
    with closing(kind.make(tmp_path)) as backend:
        yield backend
        backend.cancel()


def job(tmp_path: Path, key: str, call: Callable[[], Any]) -> Job:
    return Job(key, call, tmp_path / key / "train.log")


def log_of(tmp_path: Path, key: str) -> str:
    return (tmp_path / key / "train.log").read_text()


def assert_gone(backend: Backend, processes: Sequence[int]) -> None:
    """Processes of cancelled jobs are no more; a scheduler may take its time to kill what ignores its signal."""
    if backend.traits.outlives:
        wait_until(lambda: not any(alive(pid) for pid in processes))
    assert not any(alive(pid) for pid in processes)


def test_runs_a_job_in_a_process_of_its_own(backend: Backend, tmp_path: Path) -> None:
    backend.start([job(tmp_path, "a", lambda: print(os.getpid()))])
    assert ended(backend) == {"a": DONE}
    assert int(log_of(tmp_path, "a")) != os.getpid()


def test_polls_nothing_before_the_first_job(backend: Backend) -> None:
    assert backend.poll() == {}
    backend.start([])
    assert backend.poll() == {}


def test_runs_two_at_a_time_in_the_order_given(backend: Backend, tmp_path: Path) -> None:
    def call() -> None:
        start = time.time()
        time.sleep(0.2)
        print(start, time.time())

    keys = [f"{letter}{i}" for i in range(4) for letter in "zyx"]
    backend.start([job(tmp_path, key, call) for key in keys])
    assert set(ended(backend).values()) == {DONE}
    spans = [tuple(float(part) for part in log_of(tmp_path, key).split()) for key in keys]
    running = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
    assert max(running) == 2
    # of two that start together either may be first
    assert all(spans[i][0] < spans[i + 2][0] for i in range(len(spans) - 2))


@pytest.mark.parametrize(
    ("call", "reason", "trace"),
    [
        (lambda: 1 / 0, "exit code 1", "ZeroDivisionError: division by zero"),
        (lambda: sys.exit(3), "exit code 3", ""),
        (lambda: sys.exit("no data"), "exit code 1", "no data"),
        (lambda: os._exit(4), "exit code 4", ""),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL (out of memory?)", ""),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "killed by SIGSEGV", "Segmentation fault"),
    ],
    ids=["raises", "exits", "exits with words", "exits at once", "is killed", "crashes"],
)
def test_a_job_fails_alone(backend: Backend, tmp_path: Path, call: Callable[[], Any], reason: str, trace: str) -> None:
    def good() -> None:
        time.sleep(0.3)

    backend.start([job(tmp_path, "a", good), job(tmp_path, "bad", call), job(tmp_path, "c", good)])
    assert ended(backend) == {"a": DONE, "bad": JobState(Phase.ENDED, reason), "c": DONE}
    assert trace in log_of(tmp_path, "bad")


def test_a_call_that_cannot_be_loaded_fails_alone(backend: Backend, tmp_path: Path) -> None:
    class Unloadable:
        def __reduce__(self) -> tuple[Any, ...]:
            return (eval, ("undefined_name",))

        def __call__(self) -> None: ...

    backend.start([job(tmp_path, "bad", Unloadable()), job(tmp_path, "good", lambda: None)])
    assert ended(backend) == {"bad": JobState(Phase.ENDED, "exit code 1"), "good": DONE}
    assert "NameError: name 'undefined_name' is not defined" in log_of(tmp_path, "bad")


def test_the_log_takes_all_output_in_order(backend: Backend, tmp_path: Path) -> None:
    def call() -> None:
        print("print")
        print("error", file=sys.stderr)
        os.write(1, b"descriptor\n")
        subprocess.run(["sh", "-c", "echo child; echo child error >&2"], check=True)
        print("input", repr(sys.stdin.read()))
        print("no newline", end="")

    log = tmp_path / "a" / "train.log"
    log.parent.mkdir()
    log.write_text("earlier\n")
    backend.start([Job("a", call, log)])
    assert ended(backend) == {"a": DONE}
    assert log.read_text() == "earlier\nprint\nerror\ndescriptor\nchild\nchild error\ninput ''\nno newline"


def test_the_log_can_be_read_while_the_job_runs(backend: Backend, tmp_path: Path) -> None:
    def call() -> None:
        print("epoch 1")
        time.sleep(SLEEP_SECONDS)

    backend.start([job(tmp_path, "a", call)])
    wait_until(lambda: (tmp_path / "a/train.log").exists() and log_of(tmp_path, "a") == "epoch 1\n")
    wait_until(lambda: backend.poll()["a"] == JobState(Phase.RUNNING))


def test_cancels_what_runs_and_what_waits(backend: Backend, tmp_path: Path, started: Path) -> None:
    backend.start([job(tmp_path, str(i), sleeping(started)) for i in range(5)])
    running = pids(started, 2)
    begin = time.monotonic()
    backend.cancel()
    assert time.monotonic() - begin < PROMPT_SECONDS
    assert backend.poll() == {str(i): STOPPED for i in range(5)}
    assert_gone(backend, running)
    assert len(list(started.iterdir())) == 2


def test_cancels_at_once_after_the_start(backend: Backend, tmp_path: Path, started: Path) -> None:
    backend.start([job(tmp_path, str(i), sleeping(started)) for i in range(3)])
    begin = time.monotonic()
    backend.cancel()
    assert time.monotonic() - begin < PROMPT_SECONDS
    assert set(backend.poll().values()) == {STOPPED}
    time.sleep(0.5)
    assert_gone(backend, [int(path.name) for path in started.iterdir()])


@pytest.mark.parametrize(
    "call",
    [lambda started: sleeping(started, stubborn=True), sleeping_with_child],
    ids=["job that ignores SIGTERM", "child process that ignores SIGTERM"],
)
def test_cancels_the_stubborn(
    backend: Backend, tmp_path: Path, started: Path, call: Callable[[Path], Callable[[], None]]
) -> None:
    backend.start([job(tmp_path, "a", call(started))])
    (pid,) = pids(started, 1)
    begin = time.monotonic()
    backend.cancel()
    assert time.monotonic() - begin < PROMPT_SECONDS
    assert backend.poll() == {"a": STOPPED}
    assert_gone(backend, [pid])


def test_a_job_may_clean_up_when_it_is_cancelled(backend: Backend, tmp_path: Path, started: Path) -> None:
    sleep = sleeping(started)

    def call() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("checkpoint kept"))
        sleep()

    backend.start([job(tmp_path, "a", call)])
    pids(started, 1)
    backend.cancel()
    assert backend.poll() == {"a": STOPPED}
    assert log_of(tmp_path, "a") == "checkpoint kept\n"


def test_cancels_only_what_is_named(backend: Backend, tmp_path: Path, started: Path) -> None:
    jobs = [job(tmp_path, key, sleeping(started)) for key in ("running", "other")]
    jobs += [job(tmp_path, "waiting", sleeping(started)), job(tmp_path, "last", lambda: print("ran"))]
    backend.start(jobs)
    pids(started, 2)
    backend.cancel(["running", "waiting"])
    wait_until(lambda: backend.poll()["last"] == DONE)
    states = backend.poll()
    assert states["running"] == states["waiting"] == STOPPED
    assert states["other"] == JobState(Phase.RUNNING)


def test_starts_an_ended_job_again(backend: Backend, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    def call() -> None:
        print("attempt")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    backend.start([job(tmp_path, "a", call)])
    assert "SIGKILL" in ended(backend)["a"].reason
    backend.start([job(tmp_path, "a", call)])
    assert ended(backend) == {"a": DONE}
    assert log_of(tmp_path, "a") == "attempt\nattempt\n"


def test_works_on_after_a_cancel(backend: Backend, tmp_path: Path, started: Path) -> None:
    backend.start([job(tmp_path, "a", sleeping(started))])
    pids(started, 1)
    backend.cancel(["a"])
    backend.start([job(tmp_path, "a", lambda: None), job(tmp_path, "b", lambda: None)])
    assert ended(backend) == {"a": DONE, "b": DONE}


def test_runs_many_jobs(kind: Kind, backend: Backend, tmp_path: Path) -> None:
    keys = [str(i) for i in range(kind.many)]
    backend.start([job(tmp_path, key, lambda key=key: print(key)) for key in keys])  # type: ignore[misc]
    assert ended(backend) == dict.fromkeys(keys, DONE)
    assert [log_of(tmp_path, key) for key in keys] == [f"{key}\n" for key in keys]


def test_close_stops_everything_that_does_not_outlive(kind: Kind, tmp_path: Path, started: Path) -> None:
    backend = kind.make(tmp_path)
    backend.start([job(tmp_path, str(i), sleeping(started)) for i in range(3)])
    running = pids(started, 2)
    backend.close()
    if backend.traits.outlives:
        assert all(alive(pid) for pid in running)
        with closing(kind.make(tmp_path)) as another:
            assert set(another.attach()) == {"0", "1", "2"}
            assert {state.phase for state in another.poll().values()} == {Phase.RUNNING, Phase.PENDING}
            another.cancel()
            assert set(another.poll().values()) == {STOPPED}
    assert_gone(backend, running)
    if not backend.traits.outlives:
        assert set(backend.poll().values()) == {STOPPED}
        backend.close()


def test_attaches_to_nothing_before_the_first_job(backend: Backend) -> None:
    assert list(backend.attach()) == []


def test_an_outline_starts_nothing(backend: Backend, tmp_path: Path) -> None:
    outline = backend.outline(3)
    assert outline.cores == 1
    assert outline.at_a_time == 2
    assert bool(outline.script) == backend.traits.outlives
    assert backend.poll() == {}
    assert list(tmp_path.iterdir()) == []

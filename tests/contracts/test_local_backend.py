"""What the local backend does besides: its processes, its imports, its GPUs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from sweeper.backends import Job, JobState, Phase
from sweeper.backends.local.backend import IMPORTING, LocalBackend
from sweeper.backends.machine import usable_cores
from tests.contracts.processes import PROMPT_SECONDS, SLEEP_SECONDS, alive, ended, pids, wait_until

DONE = JobState(Phase.ENDED)


def run_one(call: Callable[[], None], log: Path, preload: Sequence[str] = ()) -> str:
    """Run a job that does well; returns what it printed."""
    with closing(LocalBackend(jobs=1, preload=preload)) as backend:
        backend.start([Job("a", call, log)])
        assert ended(backend) == {"a": DONE}
    return log.read_text()


def sleeping_with_child(tmp_path: Path, key: str) -> Job:
    started = tmp_path / "started"

    def call() -> None:
        child = subprocess.Popen(["sleep", str(SLEEP_SECONDS)])
        (started / str(child.pid)).touch()
        (started / str(os.getpid())).touch()
        time.sleep(SLEEP_SECONDS)

    return Job(key, call, tmp_path / f"{key}.log")


def test_jobs_end_with_their_driver_even_if_that_is_killed(tmp_path: Path, started: Path) -> None:
    driver = os.fork()
    if driver == 0:
        backend = LocalBackend(jobs=2)
        backend.start([sleeping_with_child(tmp_path, str(i)) for i in range(3)])
        time.sleep(SLEEP_SECONDS)
        os._exit(0)
    running = [*pids(started, 4), *children(driver)]
    assert len(running) == 5  # the server too
    os.kill(driver, signal.SIGKILL)
    os.waitpid(driver, 0)
    wait_until(lambda: not any(alive(pid) for pid in running), PROMPT_SECONDS)
    assert len(list(started.iterdir())) == 4


def children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listing.splitlines()) if int(parent) == pid]


def test_jobs_end_with_the_server_and_the_next_start_has_another(tmp_path: Path, started: Path) -> None:
    with closing(LocalBackend(jobs=1)) as backend:
        backend.start([sleeping_with_child(tmp_path, "running"), Job("waiting", print, tmp_path / "w.log")])
        running = pids(started, 2)
        (server,) = [pid for pid in children(os.getpid()) if pid in {parent(job) for job in running}]
        os.kill(server, signal.SIGKILL)
        assert set(ended(backend).values()) == {JobState(Phase.ENDED, "fork server: killed?")}
        wait_until(lambda: not any(alive(pid) for pid in running), PROMPT_SECONDS)
        backend.start([Job("waiting", print, tmp_path / "w.log")])
        assert ended(backend)["waiting"] == DONE


def parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True).stdout)


def own_children() -> set[str]:
    """Ids of this process's children, dead ones that nobody has waited for included."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def test_leaves_nothing_behind(tmp_path: Path) -> None:
    descriptors, threads = len(list(Path("/dev/fd").iterdir())), threading.active_count()
    before = own_children()
    backend = LocalBackend(jobs=3)
    backend.start([Job(str(i), print, tmp_path / f"{i}.log") for i in range(6)])
    ended(backend)
    backend.close()
    assert len(list(Path("/dev/fd").iterdir())) == descriptors
    assert threading.active_count() == threads
    assert own_children() == before


def test_what_a_job_leaves_running_ends_with_it(tmp_path: Path, started: Path) -> None:
    def call() -> None:
        child = subprocess.Popen(["sleep", str(SLEEP_SECONDS)])
        (started / str(child.pid)).touch()

    with closing(LocalBackend(jobs=1)) as backend:
        backend.start([Job("a", call, tmp_path / "a.log")])
        assert ended(backend) == {"a": DONE}
        (child,) = pids(started, 1)
        assert not alive(child)


def test_a_terminal_does_not_reach_jobs(tmp_path: Path) -> None:
    def call() -> None:
        print(os.getsid(0), os.getpgid(0), os.getpid())

    session, group, pid = map(int, run_one(call, tmp_path / "a.log").split())
    assert session != os.getsid(0)
    assert group == pid


def test_start_does_not_wait_for_the_imports_and_cancel_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(900)")
    monkeypatch.syspath_prepend(tmp_path)
    begin = time.monotonic()
    with closing(LocalBackend(jobs=1, preload=["slow_to_import"])) as backend:
        backend.start([Job("a", print, tmp_path / "a.log")])
        assert backend.poll() == {"a": JobState(Phase.PENDING, IMPORTING)}
    assert time.monotonic() - begin < PROMPT_SECONDS
    assert backend.poll() == {"a": JobState(Phase.ENDED, "stopped")}


def test_jobs_find_the_imports_made_and_are_told_of_those_that_fail(tmp_path: Path) -> None:
    def call() -> None:
        print("colorsys" in sys.modules, "torch" in sys.modules)

    printed = run_one(call, tmp_path / "a.log", preload=["no_such_module", "colorsys"])
    told = "fork server: cannot import no_such_module: ModuleNotFoundError: No module named 'no_such_module'"
    assert printed == f"{told}\nTrue False\n"


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fatal.py").write_text("import os; os.write(2, b'no such device\\n'); os._exit(1)")
    monkeypatch.syspath_prepend(tmp_path)
    with closing(LocalBackend(jobs=2, preload=["fatal"])) as backend:
        backend.start([Job(str(i), print, tmp_path / "a.log") for i in range(3)])
        assert set(ended(backend).values()) == {JobState(Phase.ENDED, "fork server: no such device")}


def test_a_log_that_cannot_be_written_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with closing(LocalBackend(jobs=1)) as backend:
        backend.start([Job("a", print, tmp_path / "file/a.log"), Job("b", print, tmp_path / "b.log")])
        states = ended(backend)
    assert states["a"].reason.startswith("cannot write its log: ")
    assert states["b"] == DONE


def test_calls_come_from_a_script_that_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import sys, time
            from pathlib import Path
            from sweeper.backends import Job
            from sweeper.backends.local.backend import LocalBackend
            print("run as", __name__, flush=True)
            FACTOR = 7
            def multiply(): print(6 * FACTOR, sys.argv[1:])
            backend = LocalBackend(jobs=1)
            backend.start([Job("a", multiply, Path("a.log"))])
            while backend.poll()["a"].phase != "ended": time.sleep(0.02)
            backend.close()
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", str(script), "argument"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("run as __main__\n", "")
    assert (tmp_path / "a.log").read_text() == "42 ['argument']\n"


def test_each_job_gets_the_least_used_gpu(tmp_path: Path, started: Path) -> None:
    def call() -> None:
        print(os.environ["CUDA_VISIBLE_DEVICES"])
        (started / str(os.getpid())).touch()
        time.sleep(SLEEP_SECONDS)

    def gpus(count: int) -> Counter[str]:
        return Counter((tmp_path / f"{i}.log").read_text() for i in range(count))

    with closing(LocalBackend(jobs=4, gpus=["0", "GPU-1"])) as backend:
        assert backend.traits.device == "cuda"
        backend.start([Job(str(i), call, tmp_path / f"{i}.log") for i in range(2)])
        pids(started, 2)
        assert gpus(2) == {"0\n": 1, "GPU-1\n": 1}
        backend.start([Job(str(i), call, tmp_path / f"{i}.log") for i in range(2, 4)])
        pids(started, 4)
        assert gpus(4) == {"0\n": 2, "GPU-1\n": 2}


@pytest.mark.parametrize(
    ("gpus", "threads", "jobs"),
    [(["0", "1", "2"], 1, 3), ([], 1, usable_cores()), ([], 10_000, 1)],
    ids=["one a GPU", "one a core", "at least one"],
)
def test_how_many_run_by_default(gpus: list[str], threads: int, jobs: int, tmp_path: Path, started: Path) -> None:
    def call() -> None:
        (started / str(os.getpid())).touch()
        time.sleep(SLEEP_SECONDS)

    with closing(LocalBackend(gpus=gpus, threads=threads)) as backend:
        backend.start([Job(str(i), call, tmp_path / f"{i}.log") for i in range(jobs + 1)])
        pids(started, jobs)
        phases = Counter(state.phase for state in backend.poll().values())
        assert phases == {Phase.RUNNING: jobs, Phase.PENDING: 1}

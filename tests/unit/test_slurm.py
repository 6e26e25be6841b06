"""SLURM's settings, and what its queue says of jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.backends import JobState, Phase
from sweeper.backends.slurm.backend import SlurmBackend
from sweeper.backends.slurm.ends import OUT_OF_MEMORY, ended_state, last_line_of_job, state_of
from sweeper.backends.slurm.queue import Listing, QueuedJob, QueueWatch, SlurmError, ask, queued_jobs
from sweeper.backends.slurm.settings import SlurmSettings, grown, seconds_of
from sweeper.backends.slurm.submission import FOLDER, KEYS, Submitted, keys_of
from sweeper.errors import WrongInput
from tests.contracts.processes import PROMPT_SECONDS, SLEEP_SECONDS, wait_until
from tests.slurm.clusters import commands_of_no_cluster
from tests.slurm.sweeps import SUBMITTED_BY_EARLIER_VERSION

LISTING = """\
12_0|RUNNING|None|n1|/a b/.slurm/x/.submission_file_1.sh
12_1|PENDING|Resources||/a b/.slurm/x/.submission_file_1.sh
13|CANCELLED|None|n2|/a|b.sh
slurm_load_jobs: something else
"""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [  # sbatch(1), --time
        ("90", 5400),
        ("5:30", 330),
        ("02:00:00", 7200),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("2-00:00:01", 172801),
        ("infinite", None),
        ("1:2:3:4", None),
        ("-5", None),
        ("", None),
    ],
)
def test_time_limits_are_read_as_sbatch_reads_them(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"time": 43200}, r"time=43200 is a number: minutes, or .*\n.* time: '12:00:00'"),
        ({"time": "2h"}, r"time=2h\nallowed: "),
        ({"nodes": 2}, r"nodes=2\nallowed: 1, "),
        ({"mem": "lots"}, r"mem=lots\nallowed: "),
        ({"trials_per_job": 0}, r"trials_per_job=0\nallowed: 1 or more"),
        ({"retries": -1}, r"retries=-1\nallowed: 0 or more"),
        ({"memory_growth": 0.5}, r"memory_growth=0.5\nallowed: 1 or more"),
        ({"memory_growth": 1.5}, r"memory_growth=1.5 is a factor of nothing\nset hydra.launcher.mem too"),
        ({"longest_interval_s": 0}, r"longest_interval_s=0\nallowed: 1 or more"),
        ({"signal_s": 60, "time": "1:00"}, r"signal_s=60 is not before the end of time=1:00"),
        ({"sbatch": {"output": "x"}}, r"sbatch.output is set by the launcher"),
        ({"sbatch": {"job_name": "x"}}, r"sbatch.job-name is set by the launcher"),
        ({"sbatch": {"mail-type": "ALL"}}, r"sbatch.mail-type has a setting of its own\nset hydra.launcher.mail_type"),
        ({"sbatch": {"no-requeue": True}}, r"sbatch.no-requeue has a setting of its own\nset hydra.launcher.requeue"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInput, match=said) as refused:
        SlurmSettings(**settings).check()
    assert len(str(refused.value).splitlines()) <= 3


@pytest.mark.parametrize("time", [None, "02:00:00", "1-00", "UNLIMITED", "infinite"])
def test_what_sbatch_takes_is_taken(time: str | None) -> None:
    SlurmSettings(time=time, mem="4G", gres="gpu:1", sbatch={"licenses": "matlab"}).check()


@pytest.mark.parametrize(
    ("settings", "gpus"),
    [
        ({}, 0),
        ({"gpus_per_node": 2}, 2),
        ({"gpus_per_node": "a100:4"}, 4),
        ({"gpus_per_node": "a100"}, 1),
        ({"gres": "gpu"}, 1),
        ({"gres": "gpu:2"}, 2),
        ({"gres": "gpu:tesla:3,shard:8"}, 3),
        ({"gres": "tmpdisk:100"}, 0),
        ({"sbatch": {"gpus": 2}}, 2),
        ({"sbatch": {"gpus_per_task": "v100:2"}}, 2),
    ],
)
def test_gpus_are_counted_however_they_are_asked_for(settings: dict[str, Any], gpus: int) -> None:
    assert SlurmSettings(**settings).gpus == gpus


def test_the_signal_comes_before_a_short_limit_is_over() -> None:
    limits: list[dict[str, Any]] = [{}, {"time": "10:00:00"}, {"time": "2:00"}, {"time": "2:00", "signal_s": 50}]
    assert [SlurmSettings(**limit).signal_seconds for limit in limits] == [90, 90, 30, 50]


def test_lines_are_in_sbatch_s_names() -> None:
    settings = SlurmSettings(partition="gpu", cpus_per_task=4, sbatch={"exclusive": True, "cpu_freq": "high"})
    lines = settings.lines()
    expected = {"partition": "gpu", "cpus-per-task": 4, "exclusive": True, "cpu-freq": "high", "requeue": True}
    assert lines.items() >= (expected | {"signal": "USR2@90", "ntasks": 1}).items()
    assert "mem" not in lines


def test_without_a_step_the_batch_script_gets_the_signal() -> None:
    lines = SlurmSettings(use_srun=False, requeue=False).lines()
    assert lines["signal"] == "B:USR2@90"
    assert lines["no-requeue"] is True
    assert "requeue" not in lines


@pytest.mark.parametrize(("memory", "grows"), [("400", "800M"), ("4G", "8192M"), ("512K", "1M"), ("1T", "2097152M")])
def test_memory_grows(memory: str, grows: str) -> None:
    assert grown(memory, 2) == grows


def test_what_squeue_prints_is_read() -> None:
    jobs = queued_jobs(LISTING)
    assert list(jobs) == ["12_0", "12_1", "13"]
    assert jobs["12_1"] == QueuedJob("12_1", "PENDING", "Resources", "", Path("/a b/.slurm/x/.submission_file_1.sh"))
    assert (jobs["12_1"].task, jobs["13"].task) == (1, 0)
    assert jobs["13"].script == Path("/a|b.sh")


def test_a_study_s_jobs_are_its_own_however_links_name_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "study" / FOLDER / "submission"
    folder.mkdir(parents=True)
    (folder / KEYS).write_text(json.dumps([["a"], ["b", "c"]]))
    (tmp_path / "link").symlink_to(tmp_path / "home")
    job = QueuedJob("12_1", "PENDING", "", "", folder / "script.sh")
    for directory in (tmp_path / "home" / "study", tmp_path / "link" / "study"):
        assert keys_of(job, directory) == ["b", "c"]
    assert keys_of(job, tmp_path / "home") == ()
    assert keys_of(replace(job, script=None), tmp_path / "home" / "study") == ()


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("PENDING", "Resources", JobState(Phase.PENDING, "Resources")),
        ("PENDING", "None", JobState(Phase.PENDING)),
        ("REQUEUE_HOLD", "job requeued in held state", JobState(Phase.PENDING, "requeue_hold")),
        ("CONFIGURING", "None", JobState(Phase.PENDING, "configuring")),
        ("RUNNING", "None", JobState(Phase.RUNNING)),
        ("COMPLETING", "None", JobState(Phase.RUNNING)),
        ("SUSPENDED", "None", JobState(Phase.RUNNING, "suspended")),
    ],
)
def test_states_of_living_jobs(state: str, reason: str, expected: JobState) -> None:
    assert state_of(QueuedJob("1", state, reason, "n1")) == expected


def test_a_command_that_fails_or_is_not_there_says_so() -> None:
    with pytest.raises(SlurmError, match="there is no none_such on this machine"):
        ask(["none_such"])
    code = "import sys; sys.exit('squeue: error: Unable to contact slurm controller')"
    with pytest.raises(SlurmError, match="Unable to contact slurm controller"):
        ask([sys.executable, "-c", code])


def test_a_plan_can_do_without_a_cluster_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(commands_of_no_cluster(tmp_path, f"exec /bin/sleep {SLEEP_SECONDS}")))
    monkeypatch.setattr("sweeper.backends.slurm.queue.COMMAND_SECONDS", 0.4)
    backend = SlurmBackend(SlurmSettings(), threads=1, preload=[], name="silent", directory=tmp_path)
    backend.check(planning=True)
    assert backend.trouble == "SLURM does not answer: sinfo has not answered within 0 s"
    with pytest.raises(WrongInput, match="SLURM does not answer: sinfo has not answered within 0 s\n"):
        backend.check()


def test_the_queue_is_never_waited_for() -> None:
    watch = QueueWatch(["sleep", str(SLEEP_SECONDS)], longest_seconds=1)
    begin = time.monotonic()
    assert watch.news() is None
    assert watch.news() is None
    watch.close()
    assert time.monotonic() - begin < PROMPT_SECONDS


def test_the_queue_is_asked_at_growing_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.backends.slurm.queue.SHORTEST_SECONDS", 0.05)
    watch = QueueWatch(["echo", "1|RUNNING|None|n1|s"], longest_seconds=0.4)
    found: list[Listing] = []

    def grown() -> bool:
        if news := watch.news():
            found.append(news)
        return len(found) > 1 and found[-1].asked - found[-2].asked >= 0.4

    wait_until(grown)
    watch.close()
    assert found[0].jobs["1"].state == "RUNNING"
    assert len(found) > 3, "it began with shorter ones"


def test_a_question_that_fails_is_no_news_and_its_reason_is_known() -> None:
    watch = QueueWatch([sys.executable, "-c", "import sys; sys.exit('slurm_load_jobs error: connect failure')"], 1)
    wait_until(lambda: watch.news() is not None or watch.trouble != "")
    assert watch.trouble == "slurm_load_jobs error: connect failure"
    watch.close()


@pytest.mark.parametrize(
    "said",
    [
        "slurmstepd: error: Detected 1 oom_kill event in StepId=1.0. Some of the step tasks have been OOM Killed.",
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch",
        "slurmstepd-n1: error: Exceeded job memory limit",
    ],
)
def test_slurm_s_words_for_a_lack_of_memory(said: str) -> None:
    assert OUT_OF_MEMORY.search(said)


def test_the_last_word_of_a_job_is_not_srun_s() -> None:
    assert last_line_of_job(
        "Traceback\nslurmstepd: error: execve(): x: No such file\nsrun: error: n1: task 0: Exited\n\n"
    ) == ("slurmstepd: error: execve(): x: No such file")
    assert last_line_of_job("") == "it has printed nothing"


def test_a_job_of_an_earlier_version_is_refused_in_one_line_which_is_its_reason(tmp_path: Path) -> None:
    shutil.copy(SUBMITTED_BY_EARLIER_VERSION, tmp_path / "7_submitted.pkl")
    numbers = {"JOB_ID": 7, "NTASKS": 1, "PROCID": 0, "LOCALID": 0, "NODEID": 0, "JOB_NUM_NODES": 1}
    environment = {**os.environ, "SUBMITIT_EXECUTOR": "slurm", "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {f"SLURM_{name}": str(number) for name, number in numbers.items()}
    log = tmp_path / "7_0_log.out"
    with log.open("w") as output:
        command = [sys.executable, "-u", "-m", "submitit.core._submit", str(tmp_path)]
        run = subprocess.run(command, env=environment, stdout=output, stderr=output)
    assert run.returncode == 1
    said = [line for line in log.read_text().splitlines() if not line.startswith("submitit INFO")]
    assert len(said) == 1 and "submit it again" in said[0]
    state, _ = ended_state(Submitted("7", tmp_path, 0), "a", QueuedJob("7", "FAILED", "NonZeroExitCode", "n1"))
    assert state.phase is Phase.ENDED and not state.cancelled
    assert state.reason == f"the job failed: {said[0]} ({log})"

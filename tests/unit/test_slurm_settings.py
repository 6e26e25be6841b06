from __future__ import annotations

from typing import Any

import pytest

from sweeper.backends.slurm.settings import SlurmSettings, grown, seconds_of
from sweeper.errors import WrongInput


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

"""What happens to trials on a cluster: killed, cancelled, out of memory; nodes and daemons that fail."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from sweeper.records.record import records
from sweeper.trial.outcome import Status
from tests.contracts.processes import wait_until
from tests.integration.commands import Command, launches
from tests.slurm.clusters import Cluster, slurm
from tests.slurm.sweeps import (
    LONG,
    command,
    ended,
    job_of,
    measured,
    node_of,
    statuses,
    study_of,
    trial,
    under_way,
    undisturbed,
    wait_for_epoch,
)

pytestmark = pytest.mark.slurm


def test_what_raises_is_cancelled_or_is_killed_fails_alone_with_its_reason(place: Path) -> None:
    sweep = command(
        place,
        "mixed",
        "seed=1,2,3,4",
        "+framework.options.raises=1",
        "+framework.options.dies=3",
        "hydra.launcher.retries=0",
        *LONG,
    )
    with under_way(sweep) as process:
        wait_for_epoch(trial(place, "mixed", 2), 2)
        slurm("scancel", job_of(place, "mixed", 2))
        text = ended(process, sweep, expect=1)
    found = statuses(place, "mixed")
    assert found == {1: Status.FAILED, 2: Status.CANCELLED, 3: Status.INTERRUPTED, 4: Status.DONE}
    assert "failed: RuntimeError: as the test wished" in text
    assert "cancelled: cancelled in SLURM" in text
    assert "interrupted: killed by SIGKILL (out of memory?)" in text
    told = Command(["-m", "sweeper.status", "outputs/mixed"], place).run().stdout
    assert f"{trial(place, 'mixed', 3).path.name} interrupted: killed by SIGKILL (out of memory?)" in told


def test_sudden_death_is_tried_again(place: Path, tmp_path: Path) -> None:
    once = f"+framework.options.once={tmp_path}/once"
    command(place, "again", "seed=1,2", "+framework.options.dies=2", once, "hydra.launcher.retries=1").succeed()
    assert [launches(trial(place, "again", seed)) for seed in (1, 2)] == [1, 2]
    assert measured(trial(place, "again", 2)) == undisturbed(place, trial(place, "again", 2), 2)


def test_a_trial_that_dies_in_a_shared_job_is_tried_again_while_the_others_go_on(place: Path, tmp_path: Path) -> None:
    options = [f"+framework.options.once={tmp_path}/once", f"+framework.options.awaits={tmp_path}/go_on"]
    packed = ["+framework.options.dies=2", *options, "hydra.launcher.trials_per_job=2", "hydra.launcher.retries=1"]
    sweep = command(place, "mates", "seed=1,2", *packed)
    with under_way(sweep) as process:
        first = job_of(place, "mates", 2)
        wait_until(lambda: trial(place, "mates", 2).status() is Status.RUNNING and job_of(place, "mates", 2) != first)
        assert job_of(place, "mates", 1) == first
        assert trial(place, "mates", 1).status() is Status.RUNNING
        (tmp_path / "go_on").touch()
        ended(process, sweep)
    assert [launches(trial(place, "mates", seed)) for seed in (1, 2)] == [1, 2]


@pytest.mark.parametrize("requeue", [True, False])
def test_a_trial_whose_node_fails_runs_again_elsewhere(place: Path, default_cluster: Cluster, requeue: bool) -> None:
    study = f"node_{requeue}"
    sweep = command(place, study, "seed=1", *LONG, f"hydra.launcher.requeue={requeue}")
    with under_way(sweep) as process:
        record = trial(place, study, 1)
        wait_for_epoch(record, 2)
        job = job_of(place, study, 1)
        node = node_of(job)
        default_cluster.run("node-down", node, "now")
        try:
            ended(process, sweep)
            again = job_of(place, study, 1)
            assert (again == job) is requeue
            assert slurm("squeue", "--noheader", "--states=all", f"--jobs={again}", "--format=%N").strip() != node
        finally:
            default_cluster.run("node-up", node)
            default_cluster.run("up")  # with all nodes idle
    assert launches(record) == 2
    assert measured(record) == undisturbed(place, record, 1)


def test_a_sweep_goes_on_while_daemons_of_slurm_restart(place: Path, default_cluster: Cluster) -> None:
    sweep = command(place, "daemons", "seed=1,2,3", *LONG)
    with under_way(sweep) as process:
        wait_for_epoch(trial(place, "daemons", 1), 1)
        default_cluster.run("dbd-down")
        try:
            default_cluster.run("ctld-restart", "4")
            ended(process, sweep)
        finally:
            default_cluster.run("dbd-up")
    assert set(statuses(place, "daemons").values()) == {Status.DONE}
    assert {launches(record) for record in records(study_of(place, "daemons"))} == {1}


def test_the_driver_killed_and_the_same_command_again_runs_nothing_twice(place: Path) -> None:
    arguments = ("seed=1,2,3,4", *LONG, "hydra.launcher.array_parallelism=2")
    sweep = command(place, "attached", *arguments)
    with under_way(sweep) as process:
        wait_for_epoch(trial(place, "attached", 1), 1)
        process.send_signal(signal.SIGKILL)
    command(place, "attached", *arguments).succeed()
    assert {launches(record) for record in records(study_of(place, "attached"))} == {1}
    submissions = list((study_of(place, "attached") / ".slurm").glob("*/jobs.json"))
    tasks = [keys for path in submissions for keys in json.loads(path.read_text())]
    assert len([key for keys in tasks for key in keys if not key.startswith("prepare")]) == 4


def test_a_job_that_never_comes_to_its_trial_says_why(place: Path, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho libpython is not on this node >&2\nexit 1\n")
    broken.chmod(0o755)
    sweep = command(place, "lost", "seed=1", f"hydra.launcher.python={broken}", "hydra.launcher.retries=0").run()
    assert sweep.returncode == 1
    assert "the job failed" in sweep.stdout
    assert "libpython is not on this node" in sweep.stdout


@pytest.mark.slurm("bare_cluster")
def test_a_sweep_without_accounting(place: Path, bare_cluster: Cluster) -> None:
    assert "disabled" in subprocess.run(["sacct"], capture_output=True, text=True).stderr
    command(place, "unaccounted", "seed=1,2,3").succeed()
    assert set(statuses(place, "unaccounted").values()) == {Status.DONE}


@pytest.mark.slurm("bare_cluster")
@pytest.mark.parametrize(("growth", "code"), [(1, 1), (4, 0)])
def test_a_trial_that_takes_too_much_memory(place: Path, bare_cluster: Cluster, growth: int, code: int) -> None:
    greedy = ("+framework.options.megabytes=700", "+framework.options.seconds=3", "train.epochs=2")
    limit = ("hydra.launcher.mem=400", f"hydra.launcher.memory_growth={growth}", "hydra.launcher.retries=1")
    sweep = command(place, f"greedy_{growth}", "seed=1", *greedy, *limit).run()
    assert sweep.returncode == code, sweep.stdout
    if code:
        assert "out of memory" in sweep.stdout


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("partition=nope", "allowed: main, low, one"),
        ("time=2:00:00", "main up to 1:00:00"),
        ("gres=foo:1", "Invalid generic resource"),
        ("gpus_per_node=3", "Requested node configuration is not available"),
        ("constraint=none_such", "Invalid feature specification"),
        ("directory=/none_such", "there is no such directory"),
        ("python=/none_such", "there is no such program"),
    ],
)
def test_what_the_cluster_has_not_is_refused_before_anything_is_queued(place: Path, setting: str, said: str) -> None:
    sweep = command(place, "refused", "seed=1,2", f"hydra.launcher.{setting}").run()
    assert sweep.returncode == 2
    assert said in sweep.stderr
    assert len(sweep.stderr.splitlines()) <= 3
    assert not study_of(place, "refused").exists()
    assert slurm("squeue", "--noheader", "--states=all", "--name=refused") == ""

"""Submitting without waiting, and the commands that find the jobs again: plan, status, watch, cancel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.records.files import read_json
from sweeper.trial.outcome import Status
from tests.contracts.processes import DEADLINE_SECONDS, wait_until
from tests.integration.commands import NOOP, RUN, Command, launches
from tests.slurm.clusters import commands_of_no_cluster, slurm
from tests.slurm.sweeps import (
    ON_SLURM,
    QUICK,
    SUBMITTED_BY_EARLIER_VERSION,
    command,
    jobs,
    statuses,
    study_of,
    trial,
    wait_for_epoch,
)


def say(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of sweeper's other commands."""
    return Command(["-m", *arguments], place).run()


@pytest.mark.slurm
def test_detach_returns_with_the_jobs_and_they_are_found_again(place: Path) -> None:
    slow = ("+framework.options.seconds=4", "train.epochs=4", "hydra.launcher.array_parallelism=1")
    detached = command(place, "detached", "seed=1,2", *slow, "hydra.launcher.detach=true").succeed()
    ids = sorted(jobs(place, "detached").values())
    assert len(ids) == 2
    assert f"2 trials are handed over, in jobs {ids[0].partition('_')[0]}." in detached.stdout
    wait_for_epoch(trial(place, "detached", 1), 1)
    told = say(place, "sweeper.status", "outputs/detached")
    assert told.returncode == 0
    rows = {line.split()[0][14]: line for line in told.stdout.splitlines() if line.startswith(" noop-")}
    assert "running" in rows["1"]
    assert ids[0] in rows["1"]
    assert " n1 " in rows["1"] or " n2 " in rows["1"] or " n3 " in rows["1"] or " n4 " in rows["1"]
    assert "planned" in rows["2"]
    assert f"{ids[1]}" in rows["2"]
    assert "pending (JobArrayTaskLimit)" in rows["2"]
    known = json.loads(say(place, "sweeper.status", "outputs/detached", "--json").stdout)["trials"]
    assert {item["job"]: item["job_state"] for item in known} == {ids[0]: "running", ids[1]: "pending"}
    watched = say(place, "sweeper.watch", "outputs/detached")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert "Groups, each trial at its best epoch" in watched.stdout
    assert statuses(place, "detached") == {1: Status.DONE, 2: Status.DONE}
    assert {launches(trial(place, "detached", seed)) for seed in (1, 2)} == {1}
    commands = read_json(study_of(place, "detached") / "study.json")["commands"]
    assert len(commands) == 1, "watching is no command that makes the study again"
    assert say(place, "sweeper.watch", "outputs/detached").returncode == 0


@pytest.mark.slurm
def test_jobs_are_found_through_a_link_and_by_any_login_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ("+framework.options.seconds=3", "train.epochs=20")
    command(place, "my study", "seed=1", *slow, "hydra.launcher.detach=true").succeed()
    wait_for_epoch(trial(place, "my study", 1), 1)
    monkeypatch.setenv("LOGNAME", "somebody")
    (place / "link").symlink_to(study_of(place, "my study"))
    name = trial(place, "my study", 1).path.name
    assert say(place, "sweeper.cancel", "link").stdout == f"{name}: cancelled\n"
    assert say(place, "sweeper.cancel", "link").stdout == "nothing to cancel: no such job waits or runs\n"


@pytest.mark.slurm
def test_watch_tries_again_what_died_while_nobody_watched(place: Path, tmp_path: Path) -> None:
    dies = ("+framework.options.dies=1", f"+framework.options.once={tmp_path}/once")
    command(place, "unwatched", "seed=1", *dies, "hydra.launcher.detach=true").succeed()
    job = jobs(place, "unwatched").popitem()[1]
    wait_until(lambda: not slurm("squeue", "--noheader", "--name=unwatched", "--states=PENDING,RUNNING,COMPLETING"))
    watched = say(place, "sweeper.watch", "outputs/unwatched")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert jobs(place, "unwatched").popitem()[1] != job


@pytest.mark.slurm
def test_watch_submits_anew_what_an_earlier_version_submitted(place: Path) -> None:
    late = ("+hydra.launcher.sbatch.begin=now+8", "hydra.launcher.detach=true")
    command(place, "earlier", "seed=1", *late).succeed()
    job = jobs(place, "earlier").popitem()[1]
    for submitted in study_of(place, "earlier").glob(".slurm/*/*_submitted.pkl"):
        submitted.write_bytes(SUBMITTED_BY_EARLIER_VERSION.read_bytes())
    watched = say(place, "sweeper.watch", "outputs/earlier")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert jobs(place, "earlier").popitem()[1] != job
    (log,) = study_of(place, "earlier").glob(f".slurm/*/{job}_0_log.out")
    assert "submit it again" in log.read_text()


@pytest.mark.slurm
def test_of_several_who_watch_one_tries_again(place: Path, tmp_path: Path) -> None:
    """Every job waits for some seconds, so that each of them sees the trial dead and its next try not running yet."""
    dies = ("+framework.options.dies=1", f"+framework.options.once={tmp_path}/once", "+framework.options.seconds=1")
    late = ("+hydra.launcher.sbatch.begin=now+8", "hydra.launcher.detach=true")
    command(place, "audience", "seed=1", *dies, *late, "train.epochs=2").succeed()
    watchers = [Command(["-m", "sweeper.watch", "outputs/audience"], place).start() for _ in range(2)]
    assert [watcher.wait(DEADLINE_SECONDS) for watcher in watchers] == [0, 0]
    listed = slurm("squeue", "--noheader", "--array", "--name=audience", "--states=all", "--format=%i").split()
    prepared = [key for key in read_json(study_of(place, "audience") / "study.json")["jobs"] if key.startswith("prep")]
    assert len(listed) - len(prepared) == 2
    assert launches(trial(place, "audience", 1)) == 2


@pytest.mark.slurm
def test_cancel_ends_what_waits_and_what_runs_and_leaves_what_is_done(place: Path) -> None:
    slow = ("+framework.options.seconds=3", "train.epochs=5", "hydra.launcher.array_parallelism=2")
    command(place, "cancelled", "seed=1,2,3", *slow, "hydra.launcher.detach=true").succeed()
    first, second = trial(place, "cancelled", 1), trial(place, "cancelled", 2)
    wait_for_epoch(first, 1)
    one = say(place, "sweeper.cancel", "outputs/cancelled", first.path.name)
    assert one.stdout.splitlines() == [f"{first.path.name}: cancelled"]
    trial(place, "cancelled", 3)  # takes its place
    rest = say(place, "sweeper.cancel", "outputs/cancelled")
    assert rest.returncode == 0
    assert second.path.name in rest.stdout
    assert first.path.name not in rest.stdout
    wait_until(lambda: not slurm("squeue", "--noheader", "--name=cancelled"))
    assert set(statuses(place, "cancelled").values()) == {Status.CANCELLED}
    assert say(place, "sweeper.cancel", "outputs/cancelled").stdout == "nothing to cancel: no such job waits or runs\n"
    shown = say(place, "sweeper.status", "outputs/cancelled").stdout
    assert shown.count(" cancelled: python -m sweeper.cancel") == 3
    command(place, "cancelled", "seed=1", *slow).succeed()
    assert launches(first) == 2


@pytest.mark.slurm
def test_who_follows_a_trial_that_is_cancelled_while_it_waits_lets_it_be(place: Path) -> None:
    held = ("+hydra.launcher.sbatch.hold=true", "hydra.launcher.detach=true")
    command(place, "let_be", "seed=1,2", *held).succeed()
    plan = command(place, "let_be", "seed=1,2", "plan=true").run().stdout
    assert plan.count("its job is followed") == 2
    assert "To run: 0 of 2 trials" in plan and "#SBATCH" not in plan
    watchers = [Command(["-m", "sweeper.watch", "outputs/let_be"], place) for _ in range(2)]
    processes = [watcher.start() for watcher in watchers]
    for watcher in watchers:  # it says why trials wait
        wait_until(lambda watcher=watcher: "pending: " in watcher.output.read_text())  # type: ignore[misc]
    name = next(name for name in jobs(place, "let_be") if "-s2-" in name)
    assert say(place, "sweeper.cancel", "outputs/let_be", name).stdout == f"{name}: cancelled before it began\n"
    for job in set(slurm("squeue", "--noheader", "--name=let_be", "--format=%A").split()):
        slurm("scontrol", "release", job)
    assert [process.wait(DEADLINE_SECONDS) for process in processes] == [1, 1]
    assert all(f"{name} planned: " in watcher.output.read_text() for watcher in watchers)
    assert statuses(place, "let_be") == {1: Status.DONE}
    assert not (study_of(place, "let_be") / name).exists()


@pytest.mark.slurm
def test_the_terminal_lost_the_jobs_are_not(place: Path) -> None:
    slow = ("+framework.options.seconds=2", "train.epochs=4")
    sweep = Command([*RUN, "-m", *NOOP, *ON_SLURM, *QUICK, "seed=1", *slow, "study=hung_up"], place)
    process = sweep.start()
    wait_for_epoch(trial(place, "hung_up", 1), 1)
    process.send_signal(1)  # SIGHUP
    assert process.wait() == 130
    text = sweep.output.read_text()
    assert "Jobs go on." in text
    assert "python -m sweeper.watch outputs/hung_up" in text
    assert say(place, "sweeper.watch", "outputs/hung_up").returncode == 0
    assert launches(trial(place, "hung_up", 1)) == 1


@pytest.mark.slurm
def test_another_interpreter_s_differences_are_reported(place: Path, tmp_path: Path) -> None:
    """The node runs another version of a package than the submitter: one that is put before it."""
    other = tmp_path / "numpy-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    sweep = command(place, "other_python", "seed=1", f"hydra.launcher.python={python}").succeed()
    assert "numpy: 0.1 where it ran, " in sweep.stdout
    assert "numpy: 0.1 where it ran, " in trial(place, "other_python", 1).log.read_text()
    launch = (trial(place, "other_python", 1).description() or {})["provenance"]["launches"][0]
    assert launch["versions"]["numpy"] == "0.1"


def test_a_plan_shows_the_script_also_where_there_is_no_slurm(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    resources = ("hydra.launcher.partition=gpu", "hydra.launcher.gpus_per_node=1", "hydra.launcher.time=02:00:00")
    more = ("train.learning_rate=0.1", "hydra.launcher.setup=[module load cuda]", "+hydra.launcher.sbatch.licenses=x")
    planned = command(place, "planned", "seed=1,2,3", "plan=true", *resources, *more).succeed()
    for line in ("--array=0-2%3", "--partition=gpu", "--gpus-per-node=1", "--time=02:00:00", "--licenses=x"):
        assert f"#SBATCH {line}\n" in planned.stdout
    assert "\nmodule load cuda\n" in planned.stdout
    assert "To run: 3 of 3 trials; a job has 1 core, 1 GPU" in planned.stdout
    assert "Cost: unknown" in planned.stdout
    assert not study_of(place, "planned").exists()
    refused = command(place, "planned", "seed=1,2,3").run()
    assert refused.returncode == 2
    assert "there is no sbatch on this machine" in refused.stderr


def test_a_plan_shows_the_script_also_where_no_cluster_answers(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Unable to contact slurm controller (connect failure)"
    monkeypatch.setenv("PATH", str(commands_of_no_cluster(tmp_path, f"echo 'slurm_load: {said}' >&2; exit 1")))
    for further in ((), ("+hydra.launcher.sbatch.licenses=x",)):
        planned = command(place, "silent", "seed=1,2,3", "plan=true", *further).succeed()
        assert f"SLURM does not answer: slurm_load: {said}; its limits are unknown\n" in planned.stdout
        assert "#SBATCH --array=0-2%3\n" in planned.stdout
        refused = command(place, "silent", "seed=1,2,3", *further).run()
        assert refused.returncode == 2
        assert f"SLURM does not answer: slurm_load: {said}\n" in refused.stderr
        assert len(refused.stderr.splitlines()) <= 3


def test_a_plan_of_this_machine_tells_the_cost_from_finished_trials(place: Path) -> None:
    slow = ("+framework.options.seconds=0.2", "hydra.launcher.jobs=2")
    Command([*RUN, "-m", *NOOP, "seed=1", *slow, "study=costs"], place).succeed()
    planned = Command([*RUN, "-m", *NOOP, "seed=1,2,3,4,5", *slow, "study=costs", "plan=true"], place).succeed()
    rows = [line.split() for line in planned.stdout.splitlines() if line.startswith(" noop-")]
    assert [row[1:4] for row in rows] == [["done", "done"]] + [["planned", "to", "run"]] * 4 or [
        row[1] for row in rows
    ] == ["done", *["planned"] * 4]
    assert "To run: 4 of 5 trials; a job has 1 core, 0 GPUs; 2 trials at a time" in planned.stdout
    assert "Cost: 0.00 trial-hours" in planned.stdout
    assert "Done about" in planned.stdout
    assert set(statuses(place, "costs")) == {1}

"""Sweeps on a real SLURM cluster: as here, to the last bit; large ones; several trials in a job."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from sweeper.records.record import records
from sweeper.trial.outcome import Status
from tests.contracts.processes import wait_until
from tests.integration.commands import RUN, Command, launches
from tests.needs_fairseq import needs_fairseq
from tests.slurm.clusters import slurm
from tests.slurm.sweeps import (
    ON_SLURM,
    command,
    ended,
    jobs,
    measured,
    statuses,
    study_of,
    trial,
    under_way,
    wait_for_epoch,
)

pytestmark = pytest.mark.slurm

DEMO = ("-m", "model=pt,rd", "seed=1,2,3", "framework=hf,fairseq", "tracking=none")
SMALL = ("data.limit=44", "train.epochs=2", "arch.encoder.pretraining.updates=5")


@needs_fairseq
@pytest.mark.slow
def test_twelve_demo_trials_as_an_array_measure_what_they_measure_here(place: Path) -> None:
    gpu = ("hydra.launcher.gpus_per_node=1", "hydra.launcher.mem=800")
    Command([*RUN, *DEMO, *SMALL, *ON_SLURM, *gpu, "study=demo_there"], place).succeed()
    Command([*RUN, *DEMO, *SMALL, "study=demo_here"], place).succeed()
    ours, theirs = (records(study_of(place, study)) for study in ("demo_here", "demo_there"))
    assert len(ours) == 12
    for one, other in zip(ours, theirs, strict=True):
        assert one.path.name == other.path.name
        assert measured(one) == measured(other)
        weights = [(record.best / "model.safetensors").read_bytes() for record in (one, other)]
        assert weights[0] == weights[1]
    ids = set(jobs(place, "demo_there").values())
    assert len(ids) == 12
    arrays = {number.partition("_")[0] for number in ids}
    assert len(arrays) <= 2, "one for those that wait for weights, one for those whose inputs are there"


def test_a_job_has_the_study_s_name_and_its_path_as_comment(place: Path) -> None:
    sweep = command(place, "named", "seed=1", "+framework.options.seconds=5")
    with under_way(sweep):
        trial(place, "named", 1)
        row = slurm("squeue", "--noheader", "--name=named", "--states=RUNNING", "--format=%j %k").split()
        assert row == ["named", str(study_of(place, "named"))]
        Command(["-m", "sweeper.cancel", "outputs/named"], place).run()


@pytest.mark.slow
def test_three_hundred_trials_in_small_arrays_ask_slurm_a_few_times(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted_commands(tmp_path, monkeypatch)
    command(place, "many", "seed=range(1,301)", "train.epochs=1", "hydra.launcher.longest_interval_s=10").succeed()
    assert Counter(statuses(place, "many").values()) == {Status.DONE: 300}
    arrays = {
        number.partition("_")[0] for name, number in jobs(place, "many").items() if not name.startswith("prepare")
    }
    assert len(arrays) == 3, "MaxArraySize is 101"
    made = Counter(calls.read_text().split())
    assert made["squeue"] <= 40
    assert made["sacct"] <= 2
    assert made["sbatch"] <= 6
    assert {launches(record) for record in records(study_of(place, "many"))} == {1}


def test_a_limit_of_submitted_jobs_is_kept(place: Path) -> None:
    sweep = command(
        place, "limited", "seed=1,2,3,4,5", "+framework.options.seconds=0.3", "hydra.launcher.max_submitted=2"
    )
    most = 0
    with under_way(sweep) as process:
        while process.poll() is None:
            most = max(most, len(slurm("squeue", "--noheader", "--array", "--name=limited").splitlines()))
        assert process.returncode == 0, sweep.output.read_text()
    assert most <= 2
    assert set(statuses(place, "limited").values()) == {Status.DONE}


def test_trials_that_share_a_job_have_their_own_records_logs_and_failures(place: Path) -> None:
    sweep = command(
        place,
        "packed",
        "seed=1,2,3,4",
        "hydra.launcher.trials_per_job=4",
        "hydra.launcher.gpus_per_node=2",
        "hydra.launcher.retries=0",
        "+framework.options.raises=2",
        "+framework.options.dies=3",
    ).run()
    assert sweep.returncode == 1
    ids = set(jobs(place, "packed").values())
    assert len(ids) == 1
    found = statuses(place, "packed")
    assert found == {1: Status.DONE, 2: Status.FAILED, 3: Status.INTERRUPTED, 4: Status.DONE}
    assert "RuntimeError: as the test wished" in sweep.stdout
    assert "killed by SIGKILL" in sweep.stdout
    assert "as the test wished" in trial(place, "packed", 2).log.read_text()
    assert "as the test wished" not in trial(place, "packed", 4).log.read_text()
    gpus = [re.search(r"GPU (\S*)", trial(place, "packed", seed).log.read_text()) for seed in (1, 2, 3, 4)]
    assert sorted(found[1] for found in gpus if found) == ["0", "0", "1", "1"], "two trials on each of two GPUs"


def test_one_trial_of_a_shared_job_can_be_cancelled(place: Path) -> None:
    sweep = command(
        place, "shared", "seed=1,2", "hydra.launcher.trials_per_job=2", "+framework.options.seconds=2", "train.epochs=4"
    )
    with under_way(sweep) as process:
        wait_for_epoch(trial(place, "shared", 1), 1)
        name = trial(place, "shared", 1).path.name
        said = Command(["-m", "sweeper.cancel", "outputs/shared", name], place).run()
        assert said.stdout == f"{name}: cancelled\n"
        text = ended(process, sweep, expect=1)
    assert statuses(place, "shared") == {1: Status.CANCELLED, 2: Status.DONE}
    assert f"{name} cancelled" in text


def test_a_sweep_without_srun(place: Path) -> None:
    sweep = command(
        place, "bare", "seed=1,2", "hydra.launcher.use_srun=false", "+framework.options.seconds=1", "train.epochs=8"
    )
    with under_way(sweep) as process:
        wait_for_epoch(trial(place, "bare", 1), 1)
        job = next(number for name, number in jobs(place, "bare").items() if "-s1-" in name)
        slurm("scancel", "--signal=USR2", "--batch", job)
        ended(process, sweep)
    assert launches(trial(place, "bare", 1)) == 2
    assert launches(trial(place, "bare", 2)) == 1


def counted_commands(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put SLURM's commands behind scripts that note each call; returns the file with their names."""
    calls = directory / "calls"
    calls.touch()
    for name in ("squeue", "sacct", "sbatch", "scontrol", "sacctmgr"):
        real = shutil.which(name)
        script = directory / name
        script.write_text(f'#!/bin/sh\necho {name} >> "{calls}"\nexec "{real}" "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    wait_until(lambda: shutil.which("squeue") == str(directory / "squeue"))
    return calls

"""What interrupts trials on a cluster for a while: preemption, a time limit, a signal by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.records.record import records
from tests.integration.commands import RUN, Command, launches
from tests.slurm.clusters import slurm
from tests.slurm.sweeps import (
    LONG,
    ON_SLURM,
    command,
    ended,
    job_of,
    measured,
    node_of,
    study_of,
    trial,
    under_way,
    undisturbed,
    wait_for_epoch,
)

pytestmark = pytest.mark.slurm

ON_ONE_NODE = ("hydra.launcher.partition=low", "+hydra.launcher.sbatch.exclusive=true")


@pytest.mark.slow
def test_a_preempted_trial_continues_to_the_same_numbers(place: Path) -> None:
    """A real training, whose checkpoint is written in the middle of an epoch."""
    training = ("-m", "model=rd", "seed=1", "tracking=none", "train.epochs=60")
    sweep = Command([*RUN, *training, *ON_SLURM, *ON_ONE_NODE, "hydra.launcher.mem=1000", "study=preempted"], place)
    with under_way(sweep) as process:
        record = trial(place, "preempted", 1)
        wait_for_epoch(record, 1)
        node = node_of(job_of(place, "preempted", 1))
        slurm("sbatch", "--partition=main", f"--nodelist={node}", "--exclusive", "--output=/dev/null", "--wrap=sleep 3")
        ended(process, sweep, timeout_seconds=180)
    assert launches(record) == 2
    assert "interrupted: stopped on request" in record.log.read_text()
    Command([*RUN, *training, "study=preempted_here"], place).succeed()
    (other,) = records(study_of(place, "preempted_here"))
    assert measured(record) == measured(other)
    assert (record.best / "model.safetensors").read_bytes() == (other.best / "model.safetensors").read_bytes()


def test_a_trial_that_reaches_its_time_limit_continues(place: Path) -> None:
    limit = ("hydra.launcher.time=1:00", "hydra.launcher.signal_s=45")
    sweep = command(place, "timely", "seed=1", *limit, "+framework.options.seconds=3", "train.epochs=12")
    with under_way(sweep) as process:
        ended(process, sweep, timeout_seconds=240)
    record = trial(place, "timely", 1)
    assert launches(record) >= 2
    assert "interrupted: stopped on request" in record.log.read_text()
    assert measured(record) == undisturbed(place, record, 1)


def test_a_time_limit_that_comes_without_warning_is_named(place: Path) -> None:
    """The trial never looks at the signal: its first epoch is longer than its time."""
    limit = ("hydra.launcher.time=1:00", "hydra.launcher.signal_s=1", "hydra.launcher.retries=0")
    sweep = command(place, "late", "seed=1", *limit, "+framework.options.seconds=200")
    with under_way(sweep) as process:
        trial(place, "late", 1)
        text = ended(process, sweep, expect=1, timeout_seconds=240)
    assert "time limit reached" in text


def test_a_signal_by_hand_puts_a_trial_into_the_queue_again(place: Path) -> None:
    sweep = command(place, "signalled", "seed=1", *LONG)
    with under_way(sweep) as process:
        record = trial(place, "signalled", 1)
        wait_for_epoch(record, 2)
        slurm("scancel", "--signal=USR2", job_of(place, "signalled", 1))
        ended(process, sweep)
    assert launches(record) == 2
    assert measured(record) == undisturbed(place, record, 1)


def test_the_last_of_an_array_goes_back_into_the_queue_alone(place: Path) -> None:
    """SLURM gives the last task of an array the id of the whole array."""
    sweep = command(place, "last", "seed=1,2,3", *LONG, "hydra.launcher.retries=0")
    with under_way(sweep) as process:
        for seed in (1, 2, 3):
            wait_for_epoch(trial(place, "last", seed), 1)
        slurm("scancel", "--signal=USR2", job_of(place, "last", 3))
        ended(process, sweep)
    assert [launches(trial(place, "last", seed)) for seed in (1, 2, 3)] == [1, 1, 2]
    assert measured(trial(place, "last", 3)) == undisturbed(place, trial(place, "last", 3), 3)

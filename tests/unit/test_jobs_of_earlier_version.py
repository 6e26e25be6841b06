"""A job that was submitted before an update and runs after it: its pickle was written by the earlier version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sweeper.backends import Phase
from sweeper.backends.slurm.ends import ended_state
from sweeper.backends.slurm.queue import QueuedJob
from sweeper.backends.slurm.submission import Submitted
from tests.slurm.sweeps import SUBMITTED_BY_EARLIER_VERSION

NUMBERS = ("NTASKS=1", "PROCID=0", "LOCALID=0", "NODEID=0", "JOB_NUM_NODES=1", "JOB_ID=7")


def test_it_is_refused_in_one_line_which_is_its_reason(tmp_path: Path) -> None:
    shutil.copy(SUBMITTED_BY_EARLIER_VERSION, tmp_path / "7_submitted.pkl")
    slurm = dict(f"SLURM_{number}".split("=") for number in NUMBERS)
    environment = {**os.environ, **slurm, "SUBMITIT_EXECUTOR": "slurm", "PYTHONPATH": os.pathsep.join(sys.path)}
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

"""What SLURM knows of jobs and of itself, asked by its own commands, one for all jobs at a time."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.backends.slurm.settings import seconds_of

COMMAND_SECONDS = 60.0
COLUMNS = "%i|%T|%r|%N|%o"  # id, state, reason, nodes, script
# States of jobs that wait, and of jobs that will not run any more; in all others they run.
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
WORDS = {
    "BOOT_FAIL": "its node would not boot",
    "CANCELLED": "cancelled in SLURM",
    "COMPLETED": "",
    "DEADLINE": "deadline reached",
    "FAILED": "the job failed",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "out of memory",
    "PREEMPTED": "preempted, and not queued again",
    "REVOKED": "revoked",
    "TIMEOUT": "time limit reached",
}


class SlurmError(RuntimeError):
    """A command of SLURM failed; the message is its own."""


@dataclass(frozen=True)
class QueuedJob:
    """A row of squeue: a job, or a task of an array as ARRAY_TASK; `script` is the file that was submitted."""

    id: str
    state: str
    reason: str
    node: str
    script: Path | None = None

    @property
    def task(self) -> int:
        """Index in its array; 0 for a job that is no array's."""
        return int(self.id.partition("_")[2] or 0)

    @property
    def has_ended(self) -> bool:
        """Whether it will not run any more, unless SLURM puts it into the queue again."""
        return self.state in ENDED

    @property
    def waits(self) -> bool:
        """Whether it is queued."""
        return self.state in WAITING


@dataclass(frozen=True)
class Partition:
    """A partition, its time limit in seconds (None: none), and whether jobs that name none go there.

    `gres`, `cpus` and `memory_mb` are a node's; a + behind them: others have more.
    """

    name: str
    limit_s: int | None
    limit: str
    gres: str
    cpus: str
    memory_mb: str
    default: bool


@dataclass(frozen=True)
class Limits:
    """How many tasks an array may have, and how many jobs may be in the queue at a time (None: no limit is known)."""

    array_size: int | None
    submitted: int | None


def queue_command(name: str) -> list[str]:
    """Return the command that lists this user's jobs of a name, those that have ended a short while ago included."""
    wanted = [f"--user={os.getuid()}", f"--name={name}", "--states=all"]
    return ["squeue", "--noheader", "--array", *wanted, f"--format={COLUMNS}"]


def queued_jobs(listing: str) -> dict[str, QueuedJob]:
    """Return what squeue printed in these columns, by id."""
    rows = (line.split("|", 4) for line in listing.splitlines() if line.count("|") >= 4)
    jobs = [QueuedJob(number, state, reason, node, Path(script)) for number, state, reason, node, script in rows]
    return {job.id: job for job in jobs}


def accounted_jobs(ids: Collection[str]) -> dict[str, QueuedJob]:
    """Return what accounting, if there is any, knows of jobs that the queue has forgotten, by id."""
    columns = ["--allocations", "--noheader", "--parsable2", "--format=JobID,State,NodeList"]
    arrays = sorted({number.partition("_")[0] for number in ids})
    try:
        listing = ask(["sacct", *columns, f"--jobs={','.join(arrays)}"])
    except SlurmError:
        return {}
    rows = (line.split("|") for line in listing.splitlines() if line.count("|") == 2)
    # "CANCELLED by 1000" is a state there
    return {
        number: QueuedJob(number, state.partition(" ")[0], "", node) for number, state, node in rows if number in ids
    }


def limits() -> Limits:
    """Return the cluster's limits for this user: of arrays, and of jobs in the queue where accounting sets any."""
    config = ask(["scontrol", "show", "config"])
    size = re.search(r"^MaxArraySize\s*=\s*(\d+)", config, re.MULTILINE)
    most = [int(text) for text in submit_limits() if text.isdigit()]
    return Limits(int(size[1]) if size else None, min(most, default=None))


def submit_limits() -> Iterator[str]:
    """Yield the numbers of jobs that this user may submit, by association and by quality of service."""
    asked = [
        ["association", f"user={getpass.getuser()}", "format=MaxSubmitJobs"],
        ["qos", "format=MaxSubmitJobsPerUser"],
    ]
    for words in asked:
        try:
            yield from ask(["sacctmgr", "--noheader", "--parsable2", "show", *words]).split()
        except SlurmError:  # no accounting
            return


def partitions() -> list[Partition]:
    """Return the partitions that there are, those included that sinfo does not show of itself."""
    listing = ask(["sinfo", "--all", "--noheader", "--format=%R|%P|%l|%G|%c|%m"])
    rows = [line.split("|") for line in listing.splitlines()]
    return [
        Partition(name, seconds_of(limit), limit, gres, cpus, memory, mark != name)
        for name, mark, limit, gres, cpus, memory in rows
    ]


def ask(command: Sequence[str]) -> str:
    """Return what a command of SLURM prints. Raises SlurmError with its words when it fails or does not answer."""
    done = run(command)
    if done.returncode:
        raise SlurmError(last_line(done.stderr) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of SLURM to its end. Raises SlurmError when there is none, or when it does not answer."""
    if shutil.which(command[0]) is None:
        raise SlurmError(f"there is no {command[0]} on this machine")
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SlurmError(f"{command[0]} has not answered within {COMMAND_SECONDS:.0f} s") from error


def last_line(text: str) -> str:
    """Return the last line of a command's complaint, without its name and level."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^\w+: (error|fatal): ", "", lines[-1]) if lines else ""

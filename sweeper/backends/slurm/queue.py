"""What SLURM knows of jobs and of itself, asked by its own commands, one for all jobs at a time."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sweeper.backends.slurm.settings import seconds_of

COMMAND_SECONDS = 60.0
COLUMNS = "%i|%T|%r|%N|%o"  # id, state, reason, nodes, script
# States of jobs that wait, and, with what they mean, of jobs that will not run any more; in all others they run.
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
ENDED = {
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
SHORTEST_SECONDS, GROWTH = 1.0, 1.5  # between two questions to the queue


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


def listed(name: str) -> dict[str, QueuedJob]:
    """Return this user's jobs of a name, by id. Raises SlurmError."""
    return queued_jobs(ask(queue_command(name)))


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
    most = [int(text) for text in _submit_limits() if text.isdigit()]
    return Limits(int(size[1]) if size else None, min(most, default=None))


def _submit_limits() -> Iterator[str]:
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


@dataclass(frozen=True)
class Listing:
    """What squeue said, and when it was asked."""

    asked: float
    jobs: Mapping[str, QueuedJob]


class QueueWatch:
    """Asks for a list of jobs now and then, at growing intervals, without making anyone wait."""

    def __init__(self, command: Sequence[str], longest_seconds: float):
        self._command = list(command)
        self._longest = longest_seconds
        self._interval = SHORTEST_SECONDS
        self._next = 0.0
        self._asked = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._output: IO[str] | None = None
        self.trouble = ""  # why SLURM did not answer the last time

    def ask_soon(self) -> None:
        """Ask soon again: something is about to change."""
        self._interval = SHORTEST_SECONDS
        self._next = min(self._next, time.monotonic() + SHORTEST_SECONDS)

    def news(self) -> Listing | None:
        """Return a new answer when there is one, and ask again when it is time. Never waits."""
        if self._process is None:
            if time.monotonic() >= self._next:
                self._ask()
            return None
        if self._process.poll() is None:
            if time.monotonic() - self._asked > COMMAND_SECONDS:
                self._process.kill()
            return None
        return self._answer()

    def close(self) -> None:
        """End a question that is under way."""
        if self._process:
            self._process.kill()
            self._answer()

    def _ask(self) -> None:
        self._asked = time.monotonic()
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  as long-lived as the process; a pipe could fill up
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT, text=True
        )

    def _answer(self) -> Listing | None:
        """Return an ended question's answer; a failed one is no news of any job."""
        assert self._process is not None and self._output is not None
        code = self._process.wait()
        with self._output as output:
            output.seek(0)
            listing = output.read()
        self._process = self._output = None
        self._next = time.monotonic() + self._interval
        self._interval = min(self._interval * GROWTH, self._longest)
        self.trouble = (last_line(listing) or f"exit code {code}") if code else ""
        return None if code else Listing(self._asked, queued_jobs(listing))

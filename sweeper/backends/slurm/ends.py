"""What has become of a job, from the state that SLURM gives it and from what its allocation wrote on the node."""

from __future__ import annotations

import re

from sweeper.backends import JobState, Phase
from sweeper.backends.local.backend import STOPPED
from sweeper.backends.slurm import queue as slurm
from sweeper.backends.slurm.allocation import INTERRUPTED, cancel_file
from sweeper.backends.slurm.queue import QueuedJob
from sweeper.backends.slurm.submission import Submitted
from sweeper.records.logs import end_of

BY_ITSELF = ("COMPLETED", "FAILED")  # states of a job that nobody ended
SIGKILLED = "SIGKILL"
# What SLURM prints when it, or the kernel on its behalf, has killed something for its memory.
OUT_OF_MEMORY = re.compile(r"oom[-_ ]kill|exceeded job memory limit", re.IGNORECASE)


def ended_state(submitted: Submitted, key: str, job: QueuedJob | None) -> tuple[JobState, bool]:
    """Return why a job has ended, and whether it ran out of memory; None: SLURM knows nothing of it any more."""
    ends, said = submitted.ends(), end_of(submitted.log)
    state = job.state if job else "COMPLETED" if key in ends else ""
    if state == "FAILED" and SIGKILLED in ends.get(key, SIGKILLED) and OUT_OF_MEMORY.search(said):
        state = "OUT_OF_MEMORY"
    words = slurm.ENDED.get(state, "SLURM no longer knows the job")
    node = job.node if job else ""
    if state in BY_ITSELF:
        words = ends[key] if key in ends else f"{words or 'ended'}: {last_line_of_job(said)} ({submitted.log})"
    elif ends.get(key) == "":
        words = ""  # it had ended well before its allocation did not
    elif node:
        words = f"{words} ({node})"
    # Of one that waited neither queue nor accounting may know any more that it was cancelled.
    cancelled = state == "CANCELLED" or ends.get(key) == STOPPED or cancel_file(submitted.folder, key).exists()
    return JobState(Phase.ENDED, words, submitted.id, node, cancelled), state == "OUT_OF_MEMORY"


def ended_inside(submitted: Submitted, key: str, job: QueuedJob) -> JobState | None:
    """Return why one of several jobs has ended whose allocation goes on with the others; None: it has not."""
    words = submitted.ends().get(key, INTERRUPTED)
    if words == INTERRUPTED:
        return None
    return JobState(Phase.ENDED, words, submitted.id, job.node, cancelled=words == STOPPED)


def is_certain(submitted: Submitted, key: str, job: QueuedJob | None) -> bool:
    """Whether an end needs no second look: the job ended by itself, and its allocation told what became of it."""
    return job is not None and job.state in BY_ITSELF and ended_inside(submitted, key, job) is not None


def state_of(job: QueuedJob) -> JobState:
    """Return a queued job's state; why it waits in SLURM's word for it."""
    reason = "" if job.reason == "None" else job.reason
    if job.state in slurm.WAITING:
        return JobState(Phase.PENDING, reason if job.state == "PENDING" else job.state.lower(), job.id)
    return JobState(Phase.RUNNING, "suspended" if job.state == "SUSPENDED" else "", job.id, job.node)


def last_line_of_job(text: str) -> str:
    """Return the last line that says more than that a step has failed."""
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("srun: ")]
    return lines[-1] if lines else "it has printed nothing"

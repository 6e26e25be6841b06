"""Arrays of jobs for SLURM, made and submitted by submitit."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import shlex
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from submitit.core.utils import FailedJobError
from submitit.slurm.slurm import SlurmExecutor

from sweeper.backends.slurm.allocation import Allocation, ends_file
from sweeper.backends.slurm.queue import QueuedJob, SlurmError, last_line
from sweeper.backends.slurm.settings import SlurmSettings
from sweeper.records.files import read_json

FOLDER = ".slurm"  # in the study's directory
KEYS = "jobs.json"  # for each task of the array the keys of its jobs


@dataclass(frozen=True)
class Submitted:
    """A job of the driver's in SLURM: the id there, and the submission's folder."""

    id: str
    folder: Path
    time: float  # monotonic, when sbatch had returned

    @property
    def log(self) -> Path:
        """What the job of SLURM itself has printed."""
        return self.folder / f"{self.id}_0_log.out"

    def ends(self) -> dict[str, str]:
        """Return how the jobs that share this job of SLURM ended, as far as it has told; "" for one that did well."""
        return read_json(ends_file(self.folder, self.id)) or {}


class Sbatch(SlurmExecutor):
    """submitit's executor, which can also show its script on a machine without SLURM."""

    @classmethod
    def affinity(cls) -> int:
        """Whether jobs can be started here is found out when they are."""
        return 1

    def script(self, tasks: int) -> str:
        """Return the script of an array of so many tasks."""
        array = Sbatch(self.folder, python=self.python)
        array.parameters = self.parameters | ({"map_count": tasks} if tasks > 1 else {})
        return array._make_submission_file_text(self._submitit_command_str, "")


def executor(settings: SlurmSettings, name: str, folder: Path, tasks: int, lines: Mapping[str, Any]) -> Sbatch:
    """Return an executor whose jobs have a name, write what they print into a folder, and have these #SBATCH lines."""
    python = shlex.quote(settings.python or sys.executable)
    if not settings.use_srun:
        python = f"exec {python}"  # signals to the batch script then reach the program
    made = Sbatch(folder, python=python)
    further = dict(lines) | ({"chdir": settings.directory} if settings.directory else {})
    further["comment"] = str(folder.parent.parent)  # the study's directory
    made.parameters = {
        "job_name": name,
        "time": None,  # stands among the lines, as it was given
        "wckey": None,
        "nodes": 1,
        "array_parallelism": settings.array_parallelism or tasks,
        "stderr_to_stdout": True,
        "setup": list(settings.setup) or None,
        "use_srun": settings.use_srun,
        # A step takes as many tasks as the job has room for, and since 22.05 its job's cores only if it asks for them.
        "srun_args": ["--ntasks", "1", "--cpus-per-task", str(lines["cpus-per-task"])],
        "additional_parameters": further,
    }
    return made


def submit(
    settings: SlurmSettings, name: str, allocations: Sequence[Allocation], lines: Mapping[str, Any]
) -> list[str]:
    """Submit an array of allocations by one call of sbatch; returns their ids. Raises SlurmError with its words."""
    folder = allocations[0].folder
    folder.mkdir(parents=True)
    keys = [[job.key for job in allocation.jobs] for allocation in allocations]
    (folder / KEYS).write_text(json.dumps(keys), encoding="utf-8")
    made = executor(settings, name, folder, len(allocations), lines)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # submitit prints what it raises
            return [job.job_id for job in made.submit_array(allocations)]
    except FailedJobError as error:
        raise SlurmError(last_line(str(error)) or "sbatch failed") from error


def new_folder(directory: Path) -> Path:
    """Return where a submission of a study keeps its script, its pickles and what it prints."""
    return directory / FOLDER / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}"


def keys_of(job: QueuedJob, directory: Path) -> Collection[str]:
    """Return the keys of a queued job's jobs, if a driver of this study submitted it."""
    study = directory / FOLDER
    folder = job.script.parent if job.script else Path()
    # Links may name one directory in several ways.
    if folder.parent != study and folder.parent.resolve() != study.resolve():
        return ()
    try:
        tasks: list[list[str]] = json.loads((folder / KEYS).read_text(encoding="utf-8"))
    except FileNotFoundError:  # the study was moved away and began anew
        return ()
    return tasks[job.task]

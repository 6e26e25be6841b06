"""Refuses what a cluster would not run, before anything is queued: with SLURM's own words, and what there is."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from sweeper.backends.slurm import queue as slurm
from sweeper.backends.slurm.queue import SlurmError
from sweeper.backends.slurm.settings import OWN_LINES, SlurmSettings, seconds_of
from sweeper.errors import WrongInput

SILENT = "Unable to contact slurm controller"


def check_cluster(settings: SlurmSettings, script: str) -> None:
    """Raise WrongInput when sbatch would refuse a script, or take it and never run it; SlurmError without an answer."""
    if shutil.which("sbatch") is None:
        raise WrongInput(
            "hydra/launcher=slurm: there is no sbatch on this machine\n"
            "run it where jobs are submitted from; plan=true shows here what would be submitted"
        )
    _check_options(settings)
    _check_paths(settings)
    partitions = slurm.partitions()
    _check_partition(settings, partitions)
    _check_limit(settings, partitions)
    if words := _refusal(script):
        resources = ", ".join(dict.fromkeys(map(_resources, partitions)))
        raise WrongInput(
            f"SLURM would not run these jobs: {words}\nasked for: {_asked_for(script)}\nthere is: {resources}"
        )


def _check_options(settings: SlurmSettings) -> None:
    if not settings.sbatch:
        return
    known = set(re.findall(r"--([a-z][a-z0-9-]+)", slurm.ask(["sbatch", "--help"])))
    for key in settings.sbatch:
        if key.replace("_", "-") not in known:
            names = ", ".join(sorted(known - {"help", "usage", "version"}))
            raise WrongInput(f"hydra.launcher.sbatch.{key}: sbatch has no such option\nallowed: {names}")


def _check_paths(settings: SlurmSettings) -> None:
    """Raise WrongInput for a working directory that is not there (SLURM would take /tmp), or no such interpreter."""
    if settings.python and "/" in settings.python and not Path(settings.python).is_file():
        raise WrongInput(
            f"hydra.launcher.python={settings.python}: there is no such program\n"
            "allowed: one on the file system that this machine shares with the nodes, or a name that they know"
        )
    if settings.directory and not Path(settings.directory).is_dir():
        raise WrongInput(
            f"hydra.launcher.directory={settings.directory}: there is no such directory\n"
            "allowed: one on the file system that this machine shares with the nodes"
        )


def _check_partition(settings: SlurmSettings, partitions: list[slurm.Partition]) -> None:
    """Raise WrongInput for a partition that is not there; several may be named, as for sbatch."""
    names = list(dict.fromkeys(part.name for part in partitions))
    for wanted in (settings.partition or "").split(","):
        if wanted and wanted not in names:
            raise WrongInput(
                f"hydra.launcher.partition={wanted}: there is no such partition\nallowed: {', '.join(names)}"
            )


def _check_limit(settings: SlurmSettings, partitions: list[slurm.Partition]) -> None:
    """Raise WrongInput for a time limit over that of every wanted partition: such a job would be queued for ever."""
    limit = seconds_of(str(settings.time))
    wanted = (settings.partition or "").split(",")
    own = [part for part in partitions if (part.name in wanted if settings.partition else part.default)]
    own = own or partitions
    if limit is None or any(part.limit_s is None or limit <= part.limit_s for part in own):
        return
    allowed = ", ".join(dict.fromkeys(f"{part.name} up to {part.limit}" for part in own))
    raise WrongInput(
        f"hydra.launcher.time={settings.time} is over the partition's limit (PartitionTimeLimit)\nallowed: {allowed}"
    )


def _refusal(script: str) -> str:
    """Return why sbatch would refuse a script; "" when it would take it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "script.sh"
        path.write_text(script)
        run = slurm.run(["sbatch", "--test-only", str(path)])
    if run.returncode == 0:
        return ""
    if SILENT in run.stderr:
        raise SlurmError(slurm.last_line(run.stderr))
    said = [line.removeprefix("sbatch: error: ").strip() for line in run.stderr.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(said)) or f"sbatch --test-only ended with {run.returncode}"


def _resources(part: slurm.Partition) -> str:
    return f"{part.name} ({part.limit}, {part.gres}, {part.cpus} CPUs, {part.memory_mb} MB)"


def _asked_for(script: str) -> str:
    """Return the resources that a script asks for, as sbatch's options."""
    lines = re.findall(r"^#SBATCH (--(?:[^=\s]+)(?:=.*)?)$", script, re.MULTILINE)
    left_out = OWN_LINES | {"nodes", "signal", "requeue", "no-requeue"}
    return " ".join(line for line in lines if line.partition("=")[0].removeprefix("--") not in left_out)

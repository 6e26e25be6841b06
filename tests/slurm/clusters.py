"""Real SLURM clusters on this machine, brought up for tests by cluster.sh."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).with_name("cluster.sh")


@dataclass(frozen=True)
class Cluster:
    """A cluster and how it differs from the default one of cluster.sh: SWEEPER_SLURM_… without that prefix."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> str:
        """Run cluster.sh; returns what it prints."""
        names = {f"SWEEPER_SLURM_{name}": value for name, value in self.settings.items()}
        environment = {**os.environ, **names, "SWEEPER_SLURM_DIR": str(self.directory)}
        # Daemons keep what they inherit: with pipes this call would last as long as they do.
        output = self.directory.with_suffix(".output")
        with output.open("w") as file:
            done = subprocess.run(["bash", str(SCRIPT), *arguments], env=environment, stdout=file, stderr=file)
        assert done.returncode == 0, output.read_text()
        return output.read_text()

    @property
    def configuration(self) -> Path:
        return self.directory / "etc" / "slurm.conf"

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let SLURM's commands, here and in what is started from here, speak to this cluster."""
        before = os.environ.get("SLURM_CONF")
        os.environ["SLURM_CONF"] = str(self.configuration)
        try:
            yield
        finally:
            if before is None:
                del os.environ["SLURM_CONF"]
            else:
                os.environ["SLURM_CONF"] = before


# Each of the processes that share the tests among them has clusters of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
PORT = 16800 + 100 * int(WORKER.removeprefix("gw") or 0)
DEFAULT = Cluster(Path(f"/tmp/sweeper-slurm{WORKER}"), {"PORT": str(PORT)})
# Without accounting; a job that takes more memory than it asked for is killed.
BARE = Cluster(
    Path(f"/tmp/sweeper-slurm-bare{WORKER}"), {"PORT": str(PORT + 50), "ACCT": "0", "KILL": "1", "NODES": "2"}
)


def missing() -> str:
    """Why no cluster can run here; "" where it can."""
    if os.geteuid() != 0:
        return "a SLURM cluster for tests needs root"
    if shutil.which("slurmctld") is None and shutil.which("apt-get") is None:
        return "SLURM is not installed, and there is no apt-get to install it"
    return ""


def slurm(*command: str) -> str:
    """Run one of SLURM's commands; returns what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commands_of_no_cluster(directory: Path, script: str) -> Path:
    """Make a directory for PATH whose commands of SLURM are all this shell script."""
    for name in ("sbatch", "scontrol", "sinfo", "squeue"):
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    return directory

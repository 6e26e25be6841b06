"""Settings of the SLURM launcher that cannot work on any cluster, and commands on jobs of studies that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.door import Case

SLURM = "hydra/launcher=slurm"
CASES = [
    Case(f"{SLURM} hydra.launcher.partitoin=gpu", ("partitoin", "did you mean hydra.launcher.partition?")),
    Case(f"{SLURM} study='50%j'", ("50%j: SLURM takes %", "study=")),
    Case(f"{SLURM} hydra.launcher.memory_growth=2", ("memory_growth=2", "hydra.launcher.mem")),
    Case(f"{SLURM} hydra.launcher.sbatch.licenses=x", ("sbatch.licenses is not there", "+hydra.launcher.sbatch")),
    Case(f"{SLURM} hydra.launcher.time=43200", ("time=43200 is a number", "time: '12:00:00'")),
    Case(f"{SLURM} hydra.launcher.time=2h", ("hydra.launcher.time=2h", "HOURS:MINUTES:SECONDS")),
    Case(f"{SLURM} hydra.launcher.nodes=2", ("hydra.launcher.nodes=2", "a trial runs on one node")),
    Case(f"{SLURM} hydra.launcher.mem=lots", ("hydra.launcher.mem=lots", "4G")),
    Case(f"{SLURM} hydra.launcher.trials_per_job=0", ("trials_per_job=0", "1 or more")),
    Case(f"{SLURM} hydra.launcher.array_parallelism=0", ("array_parallelism=0", "1 or more")),
    Case(f"{SLURM} hydra.launcher.retries=-1", ("retries=-1", "0 or more")),
    Case(f"{SLURM} hydra.launcher.retries=some", ("hydra.launcher.retries=some", "integer")),
    Case(f"{SLURM} hydra.launcher.detach=perhaps", ("hydra.launcher.detach=perhaps", "true or false")),
    Case(f"{SLURM} hydra.launcher.setup=module", ("hydra.launcher.setup", "list")),
    Case(f"{SLURM} hydra.launcher.preload=[nope]", ("hydra.launcher.preload", "nope")),
    Case(f"{SLURM} hydra.launcher.signal_s=90 hydra.launcher.time=1:00", ("signal_s=90", "time=1:00")),
    Case(f"{SLURM} +hydra.launcher.sbatch.array=1", ("sbatch.array is set by the launcher",)),
    Case(f"{SLURM} +hydra.launcher.sbatch.mem=4G", ("sbatch.mem has a setting of its own", "hydra.launcher.mem")),
    Case(f"{SLURM} +hydra.launcher.partion=x", ("'partion'", "--help")),
    Case(f"-m {SLURM} hydra.launcher.partition=main,low", ("partition=main,low", '"A,B"')),
    Case("--config-dir slurm_conf hydra/launcher=misspelt", ("hydra/launcher/misspelt", "partion")),
    Case("--config-dir slurm_conf hydra/launcher=broken", ("a configuration file is not YAML", "broken.yaml")),
    Case(f"-m {SLURM} plan=true,false", ("plan", "one value")),
    Case("plan=perhaps", ("plan=perhaps", "true or false")),
    Case("hydra.launcher.detach=true", ("hydra.launcher.detach", "jobs")),  # of the local launcher, which has none
    Case("nowhere", ("there is no directory nowhere",), "watch"),
    Case("nowhere", ("there is no directory nowhere",), "cancel"),
    Case("slurm_local/demo", ("its trials end with their command", "the same command again"), "watch"),
    Case("slurm_local/demo", ("its trials end with their command",), "cancel"),
    Case("slurm_local/demo nobody", ("has no trial nobody",), "cancel"),
    Case("slurm_unknown/demo", ("nothing is known of a-trial but its name",), "watch"),
    Case("slurm_strange/demo", ("a launcher that is not installed: 'no.such.Launcher'",), "watch"),
]
LOCAL = {"_target_": "hydra_plugins.sweeper_launchers.local.LocalLauncher", "jobs": None}


def make(directory: Path) -> None:
    """Create what the cases need: studies that were run here, that nobody can describe, that another launcher ran."""
    studies: dict[str, dict[str, Any]] = {
        "slurm_local": {"launcher": LOCAL, "trials": {}},
        "slurm_unknown": {"launcher": LOCAL, "trials": {"a-trial": "0" * 64}},
        "slurm_strange": {"launcher": {"_target_": "no.such.Launcher"}, "trials": {}},
    }
    for name, content in studies.items():
        (directory / name / "demo").mkdir(parents=True)
        (directory / name / "demo" / "study.json").write_text(json.dumps({"schema": 1, **content}))
    launchers = directory / "slurm_conf/hydra/launcher"
    launchers.mkdir(parents=True)
    (launchers / "misspelt.yaml").write_text("defaults: [slurm]\npartion: low\n")
    (launchers / "broken.yaml").write_text("defaults: [slurm]\n  partition: low\n")

"""What the SLURM launcher costs, on a throw-away cluster of this machine: python -m tests.benchmarks.slurm.

80 no-op trials, 8 at a time, beside the same number of empty Python jobs by submitit alone and by a plain
`sbatch --array`; seconds until a finished trial shows; seconds until a detached sweep returns. Run as root.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import ROOT, environment, print_table, seconds
from tests.slurm.clusters import DEFAULT

TRIALS, AT_A_TIME = 80, 8
NOOP = ("framework.name=noop", "framework._target_=tests.noop.Noop", "model=rd", "data.limit=20", "train.epochs=1")
ON_SLURM = ("hydra/launcher=slurm", "hydra.launcher.preload=[]", f"hydra.launcher.array_parallelism={AT_A_TIME}")
POLL_SECONDS = 0.2


def main() -> None:
    """Measure in one run, and print seconds and ratios."""
    DEFAULT.run("up")
    with DEFAULT.used(), tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sweep = ["-m", "sweeper.run", "-m", *NOOP, *ON_SLURM, f"outputs={directory}", "tracking=none"]
        seconds(*sweep, "seed=1", "study=warm")  # fills the cache
        plain = plain_array(directory)
        alone = submitit_alone(directory / "submitit")
        composed = seconds(*sweep, f"seed=range(1,{TRIALS + 1})", "study=eighty", "plan=true")
        ours = seconds(*sweep, f"seed=range(1,{TRIALS + 1})", "study=eighty")
        detached = seconds(*sweep, f"seed=range(1,{TRIALS + 1})", "study=detached", "hydra.launcher.detach=true")
        seconds("-m", "sweeper.cancel", str(directory / "detached"))
        shown = until_shown([*sweep, "seed=1", "study=shown"], directory / "shown")
    rows = [
        [f"{TRIALS} empty jobs, {AT_A_TIME} at a time: sbatch --array", f"{plain:.1f}", "1.00"],
        ["the same by submitit alone, until all results are read", f"{alone:.1f}", f"{alone / plain:.2f}"],
        ["what Hydra takes to compose so many trials: plan=true", f"{composed:.1f}", ""],
        [f"{TRIALS} no-op trials here, until the tables are printed", f"{ours:.1f}", f"{ours / plain:.2f}"],
        ["a detached sweep of as many, until it returns", f"{detached:.1f}", ""],
        ["a trial's outcome on record, until its line is printed", f"{shown:.1f}", ""],
    ]
    print_table(["", "seconds", "/ sbatch"], rows)


def plain_array(directory: Path) -> float:
    """Seconds of an array of jobs that start Python and end, by sbatch and nothing else."""
    began = time.perf_counter()
    array = f"--array=0-{TRIALS - 1}%{AT_A_TIME}"
    command = f"{sys.executable} -c pass"
    subprocess.run(
        ["sbatch", "--wait", array, f"--output={directory}/%a.out", f"--wrap=srun --ntasks=1 {command}"],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def submitit_alone(folder: Path) -> float:
    """Seconds of an array of empty functions by submitit, its own watching included."""
    code = (
        "import submitit\n"
        f"executor = submitit.SlurmExecutor({str(folder)!r})\n"
        f"executor.update_parameters(array_parallelism={AT_A_TIME}, srun_args=['--ntasks', '1'])\n"
        f"for job in executor.map_array(abs, range({TRIALS})): job.result()\n"
    )
    return seconds("-c", code)


def until_shown(command: list[str], study: Path) -> float:
    """Seconds between the time stamp of a trial's outcome and the driver's word that it is done."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.rstrip().endswith("  done"):
            seen = time.time()
            (outcome,) = study.glob("*/outcome.json")
            process.communicate()
            return seen - outcome.stat().st_mtime
    raise RuntimeError(f"{command} never said that its trial is done")


if __name__ == "__main__":
    main()

"""Settings of the SLURM launcher, in SLURM's own names, and what sbatch is told by them."""

# No `from __future__ import annotations`: Hydra's schema is made of these.
import re
from dataclasses import dataclass, field, fields
from typing import Any

from sweeper.errors import WrongInput

# Lines of the script that the launcher writes itself.
OWN_LINES = frozenset("array comment error job-name ntasks ntasks-per-node open-mode output signal wrap".split())
OTHER_NAMES = {"no-requeue": "requeue"}  # options of sbatch whose setting is called otherwise
GPU_LINES = ("gpus", "gpus-per-task")
MEMORY = re.compile(r"(?P<number>\d+)(?P<unit>[KMGT]?)B?", re.IGNORECASE)
LONGEST_SIGNAL_S = 90


@dataclass(frozen=True)
class SlurmSettings:
    """Settings of the SLURM launcher. Those before `sbatch` are sbatch's, under its names; null: the cluster's."""

    _target_: str = "hydra_plugins.sweeper_launchers.slurm.SlurmLauncher"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: Any = None  # '02:00:00' or '1-12:00:00'; in quotes in YAML, which takes 12:00:00 for a number
    nodes: int = 1
    gpus_per_node: Any = None  # 1, or with a type: a100:1
    gres: str | None = None
    cpus_per_task: int | None = None  # null: train.threads for each trial of a job
    mem: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    reservation: str | None = None
    nice: int | None = None
    mail_type: str | None = None
    mail_user: str | None = None
    sbatch: dict[str, Any] = field(
        default_factory=dict
    )  # any other option of sbatch: {licenses: matlab, exclusive: true}
    setup: list[str] = field(default_factory=list)  # shell lines before the program: [module load cuda]
    use_srun: bool = True
    array_parallelism: int | None = None  # trials' jobs at a time; null: as many as the cluster lets run
    trials_per_job: int = 1  # side by side in one job, sharing its GPUs
    requeue: bool = True  # let SLURM, and interrupted trials themselves, put a job into the queue again
    retries: int = 1  # of a trial that died leaving no outcome: node failure, out of memory, killed
    memory_growth: float = 1.0  # a trial that ran out of memory gets so many times as much the next time
    signal_s: int | None = None  # seconds before the time limit at which a trial is asked to write its checkpoint
    detach: bool = False  # submit and return
    python: str | None = None  # interpreter on the nodes; null: the submitting one
    directory: str | None = None  # working directory on the nodes; null: the submitting one
    preload: list[str] | None = None  # modules imported once a job; null: those of training
    longest_interval_s: float = 30.0  # between two questions to SLURM; they begin a second apart
    max_array_size: int | None = None  # null: scontrol is asked
    max_submitted: int | None = None  # jobs that may be queued or run at a time; null: sacctmgr is asked

    @property
    def gpus(self) -> int:
        """GPUs of a job, as far as the settings tell."""
        asked = [
            self.gpus_per_node,
            *(self.sbatch.get(key, self.sbatch.get(key.replace("-", "_"))) for key in GPU_LINES),
        ]
        asked += [text.removeprefix("gpu:") for text in str(self.gres or "").split(",") if re.match(r"gpu\b", text)]
        return sum(_gpu_count(str(value)) for value in asked if value is not None)

    @property
    def signal_seconds(self) -> int:
        """Seconds before the time limit at which a checkpoint is asked for: 90, or a quarter of a short limit."""
        if self.signal_s is not None:
            return self.signal_s
        limit = seconds_of(str(self.time))
        return LONGEST_SIGNAL_S if limit is None else max(1, min(LONGEST_SIGNAL_S, limit // 4))

    def check(self) -> None:
        """Raise WrongInput for what cannot work on any cluster."""
        _check_time(self.time)
        if self.nodes != 1:
            raise WrongInput(f"hydra.launcher.nodes={self.nodes}\nallowed: 1, since a trial runs on one node")
        least = {"trials_per_job": 1, "retries": 0, "memory_growth": 1, "longest_interval_s": 1, "signal_s": 1}
        least |= {"cpus_per_task": 1, "array_parallelism": 1, "max_array_size": 1, "max_submitted": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise WrongInput(f"hydra.launcher.{name}={value}\nallowed: {bound} or more")
        limit = seconds_of(str(self.time))
        if self.signal_s is not None and limit is not None and self.signal_s >= limit:
            raise WrongInput(
                f"hydra.launcher.signal_s={self.signal_s} is not before the end of time={self.time}\nset less"
            )
        if self.mem is not None and not MEMORY.fullmatch(self.mem):
            raise WrongInput(f"hydra.launcher.mem={self.mem}\nallowed: as sbatch has it, MB without a unit: 4000, 4G")
        if self.memory_growth > 1 and self.mem is None:
            raise WrongInput(
                f"hydra.launcher.memory_growth={self.memory_growth} is a factor of nothing\nset hydra.launcher.mem too"
            )
        for key in self.sbatch:
            self._check_line(key.replace("_", "-"))

    def _check_line(self, option: str) -> None:
        """Raise WrongInput for a further option of sbatch that is set otherwise."""
        if option in OWN_LINES:
            raise WrongInput(
                f"hydra.launcher.sbatch.{option} is set by the launcher\nallowed: any other option of sbatch"
            )
        if (name := OTHER_NAMES.get(option, option.replace("-", "_"))) in (item.name for item in fields(self)):
            raise WrongInput(
                f"hydra.launcher.sbatch.{option} has a setting of its own\nset hydra.launcher.{name}=VALUE"
            )

    def lines(self) -> dict[str, Any]:
        """Return what stands in the script after #SBATCH, by option; True: an option without a value."""
        names = [item.name for item in fields(self)]
        set_here = {name: getattr(self, name) for name in names[1 : names.index("sbatch")]}
        further = {key.replace("_", "-"): value for key, value in self.sbatch.items() if value not in (None, False)}
        chosen = {name.replace("_", "-"): value for name, value in set_here.items() if value is not None}
        requeue = "requeue" if self.requeue else "no-requeue"
        receiver = "" if self.use_srun else "B:"  # without a step the batch script itself, which is the program
        return chosen | further | {"ntasks": 1, requeue: True, "signal": f"{receiver}USR2@{self.signal_seconds}"}


def _gpu_count(asked: str) -> int:
    """Return how many GPUs are meant by 2, a100:2, a100 or gpu."""
    number = asked.rpartition(":")[2]
    return int(number) if number.isdigit() else 1


def _check_time(time: Any) -> None:
    """Raise WrongInput for a time limit that sbatch would not read, or that YAML has read as a number."""
    if isinstance(time, int | float):
        text = f"'{_clock(int(time))}'" if time > 0 else "'02:00:00'"
        raise WrongInput(
            f"hydra.launcher.time={time} is a number: minutes, or what YAML makes of a time without quotes\n"
            f"write text: in YAML in quotes, time: {text}; minutes as MINUTES:00"
        )
    if time is not None and seconds_of(str(time)) is None and str(time).lower() not in ("infinite", "unlimited"):
        raise WrongInput(
            f"hydra.launcher.time={time}\nallowed: MINUTES:SECONDS, HOURS:MINUTES:SECONDS, DAYS-HOURS:MINUTES"
        )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def seconds_of(limit: str) -> int | None:
    """Return the seconds of a time limit in one of sbatch's forms; None for another text, such as "infinite"."""
    days, dash, clock_text = limit.rpartition("-")
    parts = clock_text.split(":")
    if not all(part.isdigit() for part in [*parts, *([days] if dash else [])]) or len(parts) > 3:
        return None
    numbers = [int(part) for part in parts]
    if dash:  # DAYS-HOURS[:MINUTES[:SECONDS]]
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:  # MINUTES[:SECONDS]
        hours, (minutes, seconds) = 0, [*numbers, 0][:2]
    return ((int(days) if dash else 0) * 24 + hours) * 3600 + minutes * 60 + seconds


def grown(memory: str, factor: float) -> str:
    """Return an amount of memory times a factor, in megabytes."""
    found = MEMORY.fullmatch(memory)
    assert found, memory
    megabytes = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}[found["unit"].upper()]
    return f"{round(int(found['number']) * megabytes * factor)}M"

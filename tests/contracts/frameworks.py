"""The frameworks that the contract suite holds for, and how it runs their trials; list a new one here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import sweeper.driver.execute
from sweeper.backends import Backend, Job
from sweeper.config.composed import to_trial
from sweeper.config.schema import register
from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.data import Examples
from sweeper.data.demo import Demo
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.contracts.processes import ended
from tests.needs_fairseq import needs_fairseq

# As on the command line; two entries of one framework are two ways to use it.
FRAMEWORKS: Mapping[str, Sequence[str]] = {
    "hf": ["framework=hf"],
    "hf as fairseq": ["framework=hf", "framework.hf.match_fairseq=true", "train.gradient_clip=0"],
    "fairseq": ["framework=fairseq"],
    "lora": ["framework=lora"],
}
PARAMETERS = [
    pytest.param(name, marks=[needs_fairseq] if "framework=fairseq" in overrides else [])
    for name, overrides in FRAMEWORKS.items()
]

EXAMPLES, BATCH_SIZE, EPOCHS = 44, 8, 3  # the last batch of an epoch is smaller
STEPS_PER_EPOCH = 6


@dataclass(frozen=True)
class SmallTest(Demo):
    """The demo with another, much smaller test set."""

    def splits(self) -> dict[str, Examples]:
        splits = super().splits()
        return {**splits, "test": Examples(splits["test"].texts[-20:], splits["test"].labels[-20:])}

    def digest(self) -> str:
        return f"{super().digest()}, 20 tests"


def make_trial(outputs: Path, *overrides: str) -> Trial:
    """A quick trial on the demo data, as the command line would make it; its cache is under `outputs`."""
    quick = [
        f"outputs={outputs}",
        "model=rd",
        f"data.limit={EXAMPLES}",
        f"train.batch_size={BATCH_SIZE}",
        f"train.epochs={EPOCHS}",
        "arch.encoder.pretraining.updates=5",
        "arch.causal_lm.pretraining.updates=5",
    ]
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIRECTORY)):
        config = compose("config", overrides=[*quick, *overrides], return_hydra_config=True)
    choices = config.hydra.runtime.choices
    return to_trial(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]), choices, "cpu")


def run(trial: Trial, directory: Path) -> Callable[[], None]:
    """The call that runs a trial."""
    return lambda: sweeper.driver.execute.execute(trial, directory, {"command": "a test"})


def events(directory: Path) -> list[tuple[str, str, int, int]]:
    """All that was measured, to the last bit, without the time stamps."""
    return [(metric.key, repr(metric.value), metric.epoch, metric.step) for metric in Record(directory).metrics()]


def values(directory: Path, key: str) -> list[float]:
    """A metric's values, epoch by epoch."""
    return [metric.value for metric in Record(directory).metrics() if metric.key == key]


def best_weights(trial: Trial, directory: Path) -> dict[str, str]:
    """Digest of each tensor of the best weights."""
    from safetensors.torch import load_file

    exported = directory.with_name(f"{directory.name}.exported")
    if not exported.exists():
        sweeper.frameworks.load_framework(trial).export(directory, exported)
    tensors = load_file(exported / "model.safetensors")
    return {name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for name, tensor in tensors.items()}


class Laboratory:
    """Runs trials in processes of their own, and keeps their directories and one cache for all."""

    def __init__(self, outputs: Path, backend: Backend, framework: str) -> None:
        self.outputs, self.backend, self.framework = outputs, backend, framework
        self.place = outputs / framework

    def trial(self, *overrides: str) -> Trial:
        return make_trial(self.outputs, *FRAMEWORKS[self.framework], *overrides)

    def call(self, calls: Mapping[str, Callable[[], None]]) -> dict[str, str]:
        """Make calls in processes; returns why each ended."""
        jobs = [Job(f"{self.framework}: {name}", call, self.log(name)) for name, call in calls.items()]
        self.backend.start(jobs)
        states = ended(self.backend)
        return {name: states[job.key].reason for name, job in zip(calls, jobs, strict=True)}

    def run(self, trials: Mapping[str, Trial]) -> list[Path]:
        """Run trials that have not been run yet; returns their directories."""
        new = {
            name: run(trial, self.place / name) for name, trial in trials.items() if not (self.place / name).exists()
        }
        for name, reason in self.call(new).items():
            assert not reason, f"{reason}\n{self.log(name).read_text()}"
        return [self.place / name for name in trials]

    def log(self, name: str) -> Path:
        return Record(self.place / name).log

    def check_same_training(self, trial: Trial, directory: Path, undisturbed: Path) -> None:
        """Compare what two trials measured and learnt, to the last bit."""
        assert Record(directory).status() is Record(undisturbed).status() is Status.DONE
        assert events(directory) == events(undisturbed)
        assert best_weights(trial, directory) == best_weights(trial, undisturbed)

    def check_same(self, trial: Trial, directory: Path, undisturbed: Path) -> None:
        """Compare how two trials ended, to the last bit."""
        self.check_same_training(trial, directory, undisturbed)
        first, second = Record(directory), Record(undisturbed)
        assert first.predictions.read_bytes() == second.predictions.read_bytes()
        assert first.answers.exists() is second.answers.exists() is (trial.task.name == "qa")
        if first.answers.exists():
            assert first.answers.read_text() == second.answers.read_text()

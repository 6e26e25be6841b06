"""The command that makes a plain Transformers directory of a trial's best weights: python -m sweeper.export TRIAL DIR

Whatever trained them (an encoder, a converted model, an adapter that is merged into its base), what it writes loads
with `from_pretrained` and needs nothing of this package.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from sweeper.checkpoints.checkpoint import Checkpoint
from sweeper.checkpoints.identity import weights_digest
from sweeper.checkpoints.weight_files import weight_files
from sweeper.errors import DONE, NOT_ALL_DONE, WrongInput, run_and_exit
from sweeper.frameworks import ALLOWED, load_framework
from sweeper.frameworks.exported import COMPARED, measure, not_measurable
from sweeper.records.files import check_destination, expanded, new_directory, read_json
from sweeper.records.record import Record
from sweeper.records.restore import restored
from sweeper.report.text import metric_name, metric_text
from sweeper.tokens.prompts import PROMPTS
from sweeper.tokens.segmenters import TRANSFORMERS
from sweeper.tokens.tokenizer import PIECES
from sweeper.trial import Trial
from sweeper.trial.outcome import Outcome, Status

ADAPTER = "adapter_config.json"  # of weights that are nothing without those that they were trained beside
# Ending of an architecture's name -> the class that loads it.
CLASSES = {
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForCausalLM": "AutoModelForCausalLM",
    "LMHeadModel": "AutoModelForCausalLM",
    "ForMaskedLM": "AutoModelForMaskedLM",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Export a trial's best weights; raises WrongInput for what is no finished trial, or where there is no room."""
    parser = argparse.ArgumentParser(
        prog="python -m sweeper.export", description="Write a trial's best weights as a plain Transformers directory."
    )
    parser.add_argument("trial", type=Path, metavar="TRIAL", help="directory of a done trial, as outputs/demo/hf-pt-…")
    parser.add_argument("destination", type=Path, metavar="DESTINATION", help="a directory, new or empty")
    options = parser.parse_args(arguments)
    trial, destination = (expanded("", path) for path in (options.trial, options.destination))
    outcome = _finished(Record(trial))
    check_destination(str(destination), destination, "needed: a directory, new or empty")
    if (trial / "best" / ADAPTER).exists():
        _check_base(trial)
    _export(trial, destination)
    _say(destination, outcome)
    return _measured(restored(trial, ALLOWED), destination, outcome)


def _finished(record: Record) -> Outcome:
    status, outcome = record.status(), record.outcome()
    if status is Status.PLANNED:
        raise WrongInput(
            f"{record.path} is no trial's directory\nneeded: STUDY/TRIAL, as python -m sweeper.status STUDY names them"
        )
    if status is not Status.DONE or outcome is None or outcome.best is None:
        raise WrongInput(f"{record.path} is {status}, not done\nrun its command again, then export")
    if not record.best.is_dir():
        raise WrongInput(f"{record.best} is missing\nneeded: the best weights, which the trial has kept there")
    return outcome


def _check_base(trial: Path) -> None:
    described = restored(trial, ALLOWED)
    given = described.weights_path
    if given is None or not described.model.pretrained:
        return  # made again where they are not in the cache
    directory = Path(given)
    if not (directory / "config.json").is_file() or not weight_files(directory):
        raise WrongInput(
            f"{trial} is an adapter to the weights in {given}, which are not there\n"
            "bring them back there, or export from the directory where its command ran"
        )
    if weights_digest(Checkpoint(given, directory)) != described.digests["weights"]:
        raise WrongInput(f"{given} holds other weights than {trial} was trained on\nbring those back there")


def _export(trial: Path, destination: Path) -> None:
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when the libraries are imported
    framework = load_framework(restored(trial, ALLOWED))
    with new_directory(destination) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' among themselves
        framework.export(trial, temporary)


def _say(destination: Path, outcome: Outcome) -> None:
    assert outcome.best is not None
    best = outcome.best
    measured = [
        f"{key} {metric_text(name, best.metrics[key])}{' %' * metric_name(name).endswith('(%)')}"
        for key in sorted(best.metrics)
        for split, _, name in [key.partition("/")]
        if split == "test"
    ]
    print(f"Weights: {destination}, of epoch {best.epoch}, step {best.step}: {', '.join(measured) or 'not tested'}")
    if (destination / "config.json").exists():
        print(f"  load: transformers.{_loading_class(destination)}.from_pretrained({str(destination)!r})")
    if (destination / TRANSFORMERS).exists():
        print(f"        transformers.AutoTokenizer.from_pretrained({str(destination)!r})")
    elif (destination / PIECES).exists():
        print(f"        its tokenizer has ids of its own: sweeper.tokens.tokenizer.load(Path({str(destination)!r}))")
    if (destination / PROMPTS).exists():
        print(f"  ask:  as {destination / PROMPTS} says")


def _measured(trial: Trial, destination: Path, outcome: Outcome) -> int:
    """Compare what was written with the record, print both, and return the exit code: NOT_ALL_DONE where they differ.

    What cannot be measured here, since the validation texts or the way to read them are not at hand, is DONE.
    """
    assert outcome.best is not None
    recorded = {
        name: outcome.best.metrics[f"valid/{name}"] for name in COMPARED if f"valid/{name}" in outcome.best.metrics
    }
    reason = not_measurable(trial, destination)
    if reason or not recorded:
        print(f"  not measured on validation texts: {reason or 'the record has neither accuracy nor loss of them'}")
        return DONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = measure(trial, destination)
    if isinstance(found, str):
        print(f"SUSPICIOUS: {destination} cannot be evaluated by Transformers: {found}", file=sys.stderr)
        return NOT_ALL_DONE
    for name, value in recorded.items():
        unit = " %" * metric_name(name).endswith("(%)")
        here, there = metric_text(name, value), metric_text(name, found.metrics[name])
        print(f"  validation {name}: {here}{unit} on record, {there}{unit} measured ({found.examples} examples)")
    if trial.framework.lora.quantization is not None:
        print("  not compared: trained beside a base in 4 bits, exported with the whole one")
        return DONE
    if different := found.different(recorded):
        print(
            f"SUSPICIOUS: {destination} does not have the {' and '.join(different)} on record; rounding explains"
            f" {found.close} examples at most",
            file=sys.stderr,
        )
        return NOT_ALL_DONE
    return DONE


def _loading_class(directory: Path) -> str:
    names = read_json(directory / "config.json").get("architectures") or [""]
    return next((name for ending, name in CLASSES.items() if names[0].endswith(ending)), "AutoModel")


if __name__ == "__main__":
    run_and_exit(main)

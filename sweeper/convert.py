"""The command: python -m sweeper.convert SRC DST

Transformers' RoBERTa directory -> fairseq's (model.pt, dict.txt, the tokenizer), or the other way round: the direction
follows from what SRC is. model.path takes either format as it is; this is for other programs.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sweeper.checkpoints.checkpoint import ENCODERS, Checkpoint
from sweeper.checkpoints.fairseq_directory import FairseqCheckpoint, checkpoint_in
from sweeper.checkpoints.weights import check_order, check_weights
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.tokens.tokenizer import tokenizer_file
from sweeper.trial.settings import ArchSettings, Family, TokenizerSettings


def convert(source: Path, destination: Path) -> None:
    """Write a RoBERTa's directory in the other library's format, its tokenizer included.

    Raises WrongInput when `source` is none that can be, and when something lies at `destination` already.
    """
    if not source.is_dir():
        raise WrongInput(f"{source}: no such directory\nallowed: a directory of Transformers or fairseq")
    place = check_destination(destination)
    checkpoint = checkpoint_in(source, str(source), setting="")
    check_source(checkpoint)
    temporary = place / f".{destination.absolute().name}.new"
    shutil.rmtree(temporary, ignore_errors=True)  # of a command that was killed here
    temporary.mkdir()
    try:
        write_converted(checkpoint, temporary)
        if destination.exists():
            destination.rmdir()  # empty, as was checked
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(destination)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_destination(destination: Path) -> Path:
    """Return the directory below which a new one will lie.

    Raises WrongInput when something lies at its place already, or nothing can.
    """
    there = next(path for path in (destination, *destination.absolute().parents) if path.exists())
    if not there.is_dir():
        raise WrongInput(f"{destination}: {there} is a file\nallowed: a directory, new or empty")
    if destination.exists() and any(destination.iterdir()):
        raise WrongInput(f"{destination} holds something already\nallowed: a directory, new or empty")
    if destination.exists() and destination.samefile(Path.cwd()):
        raise WrongInput(
            f"{destination} is where the command runs, and would be replaced\nallowed: any other directory"
        )
    place = next(path for path in destination.absolute().parents if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        raise WrongInput(f"{destination}: {place} cannot be written\nallowed: a directory in a place that can")
    return place


def check_source(checkpoint: Checkpoint) -> None:
    """Raise WrongInput for no RoBERTa, one that is not whole, and one without its tokenizer."""
    checkpoint.require_weights()
    if checkpoint.family is not Family.encoder:
        checkpoint.refuse(f" is a {checkpoint.model_type}\nallowed: {', '.join(ENCODERS)}")
    check_weights(checkpoint, ArchSettings("given", **checkpoint.settings()), Family.encoder)
    check_order(TokenizerSettings(path=str(tokenizer_file(checkpoint.directory))), checkpoint)


def write_converted(checkpoint: Checkpoint, directory: Path) -> None:
    """Write a checkpoint with its tokenizer in the other library's format."""
    from sweeper.checkpoints.conversion import write_fairseq, write_transformers
    from sweeper.tokens.tokenizer import load

    tokenizer = load(checkpoint.directory)
    if isinstance(checkpoint, FairseqCheckpoint):
        write_transformers(checkpoint, directory)
        tokenizer.save(directory)
    else:
        write_fairseq(checkpoint, tokenizer, directory)


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert and say what can be done with it; raises WrongInput."""
    explanation = str(__doc__).partition("\n\n")[2].rstrip()
    parser = argparse.ArgumentParser(
        prog="python -m sweeper.convert", description=explanation, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="directory of Transformers or fairseq")
    parser.add_argument("destination", type=Path, metavar="DST", help="directory to write, new or empty")
    options = parser.parse_args(arguments)
    convert(options.source, options.destination)
    written = ", ".join(sorted(file.name for file in options.destination.iterdir()))
    print(f"Weights: {options.destination}: {written}")
    print(
        "  fine-tune: python -m sweeper.run -m model=pt,rd seed=1,2,3 arch=of_model "
        f"model.path={options.destination} data=…"
    )
    return DONE


if __name__ == "__main__":
    run_and_exit(main)

"""The command: python -m sweeper.convert SRC DST

Transformers' RoBERTa directory -> fairseq's (model.pt, dict.txt, the tokenizer), or the other way round: the direction
follows from what SRC is. model.path takes either format as it is; this is for other programs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sweeper.checkpoints.checkpoint import ENCODERS, Checkpoint
from sweeper.checkpoints.fairseq_directory import FairseqCheckpoint, checkpoint_in
from sweeper.checkpoints.weights import check_order, check_weights
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.records.files import check_destination, new_directory
from sweeper.tokens.tokenizer import tokenizer_file
from sweeper.trial.settings import ArchSettings, Family, TokenizerSettings


def convert(source: Path, destination: Path) -> None:
    """Write a RoBERTa's directory in the other library's format, its tokenizer included.

    Raises WrongInput when `source` is none that can be, and when something lies at `destination` already.
    """
    if not source.is_dir():
        raise WrongInput(f"{source}: no such directory\nallowed: a directory of Transformers or fairseq")
    check_destination(str(destination), destination, "allowed: a directory, new or empty, that can be written")
    checkpoint = checkpoint_in(source, str(source), setting="")
    _check_source(checkpoint)
    with new_directory(destination) as temporary:
        temporary.mkdir()
        _write_converted(checkpoint, temporary)


def _check_source(checkpoint: Checkpoint) -> None:
    checkpoint.require_weights()
    if checkpoint.family is not Family.encoder:
        checkpoint.refuse(f" is a {checkpoint.model_type}\nallowed: {', '.join(ENCODERS)}")
    check_weights(checkpoint, ArchSettings("given", **checkpoint.settings()), Family.encoder)
    check_order(TokenizerSettings(path=str(tokenizer_file(checkpoint.directory))), checkpoint)


def _write_converted(checkpoint: Checkpoint, directory: Path) -> None:
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

"""The command that ends jobs which a study has left with a scheduler: python -m sweeper.cancel STUDY [TRIAL …]."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sweeper.backends.of_study import backend_of
from sweeper.errors import DONE, WrongInput, run_and_exit
from sweeper.frameworks import ALLOWED
from sweeper.records.record import AlreadyWriting, Record
from sweeper.records.study import open_study, study_at, trials_of
from sweeper.trial.outcome import Status


def main(arguments: Sequence[str] | None = None) -> int:
    """Cancel all jobs of a study, or those of some trials; what is done stays done.

    Raises WrongInput for a study or a trial that is not there, and for a study whose jobs end with their command.
    """
    parser = argparse.ArgumentParser(prog="python -m sweeper.cancel", description=__doc__)
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument(
        "trials", nargs="*", default=[], metavar="TRIAL", help="names as in python -m sweeper.status; default: all"
    )
    options = parser.parse_args(arguments)
    open_study(options.study)
    study = study_at(options.study)
    trials = trials_of(study, ALLOWED)
    names = [trial.name for trial in trials]
    for name in options.trials:
        if name not in names:
            raise WrongInput(f"{study.directory} has no trial {name}\nallowed: {', '.join(names)}")
    with closing(backend_of(study, trials)) as backend:
        jobs = backend.attach([name for name in names if Record(study.directory / name).status().ended])
        wanted = [key for key in jobs if not options.trials or key in options.trials]
        backend.cancel(wanted)
    for name in wanted:
        print(f"{name}: {_record_end(Record(study.directory / name)) if name in names else 'cancelled'}")
    if not wanted:
        print("nothing to cancel: no such job waits or runs")
    return DONE


def _record_end(record: Record) -> str:
    if record.description() is None:
        return "cancelled before it began"
    try:
        with record.writing() as writer:
            writer.cancel("python -m sweeper.cancel")
    except AlreadyWriting:
        return "told to end; it still runs, and ends when SLURM loses patience"
    status = record.status()
    return "cancelled" if status is Status.CANCELLED else f"{status}, which it stays"


if __name__ == "__main__":
    run_and_exit(main)

"""The command that follows a study's jobs again: python -m sweeper.watch STUDY."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sweeper.backends.of_study import backend_of
from sweeper.driver.sweep import run_sweep
from sweeper.errors import run_and_exit
from sweeper.frameworks import ALLOWED
from sweeper.records.study import open_study, study_at, trials_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Attach to a study's jobs, retry and submit what is left, and end as its command would have.

    Raises WrongInput where there is no such study, or none whose jobs outlive their command.
    """
    parser = argparse.ArgumentParser(prog="python -m sweeper.watch", description=__doc__)
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    options = parser.parse_args(arguments)
    open_study(options.study)
    study = study_at(options.study)
    trials = trials_of(study, ALLOWED)
    return run_sweep(study, trials, backend_of(study, trials), remember=False)


if __name__ == "__main__":
    run_and_exit(main)

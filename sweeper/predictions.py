"""The command that shows what a study's trials answered, example by example: python -m sweeper.predictions STUDY

One table: example, text where the data is at hand, label, and each trial's answer and its probability. With --make it
first evaluates the best weights of done trials that have kept no predictions, and keeps those that give the record;
with --cluster it first adds to kept predictions what each example belongs to.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from shlex import quote

from sweeper.data import EVALUATED
from sweeper.errors import DONE, NOT_ALL_DONE, Parser, WrongInput, run_and_exit
from sweeper.records.files import expanded, write_file
from sweeper.records.record import Record
from sweeper.records.study import StudyRecords, open_study
from sweeper.report.answers_file import FORMATS, answers_file
from sweeper.trial.outcome import Best
from sweeper.trial.trial import Trial

SHOWN = 5  # names of trials in a line


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table; raises WrongInput where there is no study, nothing to show, or no place to write it."""
    parser = Parser(
        prog="python -m sweeper.predictions",
        description="What a study's done trials answered to each example at their best epochs, as one table.",
        epilog="CSV marks what a spreadsheet would take for a formula; JSON lines and parquet hold texts as they are.",
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="directory of a study, as outputs/demo")
    parser.add_argument("--split", choices=EVALUATED, default="test", help="which examples (default: test)")
    parser.add_argument("--format", choices=FORMATS, help="default: as the end of FILE's name says, else csv")
    parser.add_argument("--output", metavar="FILE", help="file to write (default: print the table)")
    parser.add_argument(
        "--make", action="store_true", help="first make the predictions that trials lack, of their best weights"
    )
    parser.add_argument(
        "--cluster",
        metavar="COLUMN",
        help="first add to kept predictions which examples belong together, by a column of the data as data.cluster",
    )
    options = parser.parse_args(arguments)
    output = None if options.output is None else expanded("--output", options.output)
    format_name = _format(options.format, output)
    study = open_study(expanded("", options.study))
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when the libraries are imported
    failed = _make(study) if options.make else DONE
    if options.cluster is not None:
        failed = max(failed, _cluster(study, options.cluster))
    return max(_write(study, options.split, format_name, output), failed)


def _format(given: str | None, output: Path | None) -> str:
    """Return the format that is meant; raises WrongInput where it cannot be printed, or the file cannot be written."""
    ending = output.suffix.lstrip(".") if output else ""
    found = given or (ending if ending in FORMATS else "csv")
    if output is None:
        if found == "parquet":
            raise WrongInput("--format parquet is no text to print\nadd --output FILE")
        return found
    try:
        is_special = output.exists() and not (output.is_file() or output.is_dir())
    except OSError as error:
        raise WrongInput(f"--output {output} cannot be written: {error.strerror}") from error
    if is_special:
        raise WrongInput(f"--output {output} is no file\nleave --output out to print the table, or give another file")
    if output.is_dir():
        raise WrongInput(f"--output {output} is a directory\ngive a file in it, as {output / f'answers.{found}'}")
    if not output.parent.is_dir():
        raise WrongInput(f"--output {output}: there is no directory {output.parent}\nmake it first")
    return found


def _make(study: StudyRecords) -> int:
    """Evaluate the best weights of done trials that have no predictions; returns NOT_ALL_DONE where some stay without.

    A line for each trial goes to stderr.
    """
    from sweeper.analysis.answers import done_trials

    code = DONE
    for record, best in done_trials(study):
        if record.predictions.exists():
            continue
        from sweeper.frameworks.evaluated import make_predictions  # imports the libraries: where it is needed

        problem = _tried(make_predictions, record, best)
        code = NOT_ALL_DONE if problem else code
        said = f"no predictions are made: {problem}" if problem else "its predictions are made, and give the record"
        print(f"{record.path.name}: {said}", file=sys.stderr, flush=True)
    return code


def _cluster(study: StudyRecords, column: str) -> int:
    """Add a column's clusters to the predictions of done trials; returns NOT_ALL_DONE where some stay without.

    A line for each trial goes to stderr.
    """
    from sweeper.analysis.answers import done_trials
    from sweeper.frameworks.clustered import add_clusters

    code = DONE
    for record, best in done_trials(study):
        if not record.predictions.exists():
            continue  # told under the table
        problem = _tried(partial(add_clusters, column=column), record, best)
        code = NOT_ALL_DONE if problem else code
        said = (
            f"its predictions have no clusters of {column}: {problem}" if problem else "its predictions have clusters"
        )
        print(f"{record.path.name}: {said}", file=sys.stderr, flush=True)
    return code


def _tried(change: Callable[[Trial, Record, Best], str], record: Record, best: Best) -> str:
    """Call what changes a done trial's predictions, and return why it did not, empty where it did."""
    from sweeper.frameworks import ALLOWED
    from sweeper.records.restore import restored

    with warnings.catch_warnings(), redirect_stdout(sys.stderr):  # the table alone is printed
        warnings.simplefilter("ignore")  # the libraries' among themselves
        try:
            return change(restored(record.path, ALLOWED), record, best)
        except WrongInput as error:
            return str(error).splitlines()[0]


def _write(study: StudyRecords, split: str, format_name: str, output: Path | None) -> int:
    from sweeper.analysis.answers import answer_table

    table = answer_table(study, split)
    content = answers_file(table, format_name)
    if output is None:
        try:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise WrongInput(f"the table cannot be printed: {error.strerror}") from error
    else:
        try:
            write_file(output.resolve(), content)  # of a link what it leads to
        except OSError as error:
            raise WrongInput(f"--output {output} cannot be written: {error.strerror}") from error
    if table.lacking:
        names = ", ".join(table.lacking[:SHOWN]) + (" …" if len(table.lacking) > SHOWN else "")
        print(
            f"{len(table.lacking)} done trials have no predictions of {split}: {names}\n"
            f"  python -m sweeper.predictions {quote(str(study.path))} --make makes them of the best weights",
            file=sys.stderr,
        )
    for line in (*table.refused, *table.notes):
        print(line, file=sys.stderr)
    return NOT_ALL_DONE if table.lacking or table.refused else DONE


if __name__ == "__main__":
    run_and_exit(main)

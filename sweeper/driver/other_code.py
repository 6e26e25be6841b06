"""Results of other code of the user's own than today's: found in the study, told of, and kept where they are wanted.

Such a trial differs from today's in the digests of that code alone, or has none, being of a version that took none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from sweeper.records.own_code import CODE, CODES, own_code_of
from sweeper.records.record import Record, records
from sweeper.records.study import Study
from sweeper.report.text import printable
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial

NAMED = 5  # trials that are listed by name


def accepted(study: Study, trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of a command, those of the study in place of today's where results of other code are wanted."""
    others = _by_other_code(study.directory, trials) if study.accept_code else {}
    return [others.get(trial.id, trial) for trial in trials]


def print_other_code(study: Study, trials: Sequence[Trial], console: Console) -> None:
    """Print which of the trials are on record as done by other code, and what becomes of that."""
    if study.fresh:  # which asks for nothing else
        return
    for line in _kept(trials) if study.accept_code else _left(study.directory, trials):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _kept(trials: Sequence[Trial]) -> Iterator[str]:
    names = [trial.name for trial in trials if _code_of(trial.digests) != own_code_of(trial)]
    if names:
        yield f"{_were(names)} done by other code of your own than today's and kept (accept_code=true): {_named(names)}"


def _left(directory: Path, trials: Sequence[Trial]) -> Iterator[str]:
    others = _by_other_code(directory, trials).values()
    for is_recorded, by in ((True, "by other code of your own than today's"), (False, "by code that is not on record")):
        if names := [trial.name for trial in others if (CODE in trial.digests) is is_recorded]:
            yield f"{_were(names)} done {by}; trained anew, or kept with accept_code=true: {_named(names)}"


def _were(names: Sequence[str]) -> str:
    return "1 trial was" if len(names) == 1 else f"{len(names)} trials were"


def _named(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names[:NAMED])) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _by_other_code(directory: Path, trials: Sequence[Trial]) -> dict[str, Trial]:
    """Return for trials that run code of the user's own and are not done those that other code did, the latest of each.

    They are known by their ids: nothing but the digests of own code is taken from a record.
    """
    open_ = [trial for trial in trials if CODE in trial.digests and not _is_done(Record(directory / trial.name))]
    found: dict[str, Trial] = {}
    for code in _codes_on_record(directory) if open_ else ():
        for trial in open_:
            others = {name: value for name, value in trial.digests.items() if name not in CODES}
            other = replace(trial, digests=others | code)
            record = Record(directory / other.name)
            if (record.description() or {}).get("id") == other.id and _is_done(record):
                found[trial.id] = other
    return found


def _codes_on_record(directory: Path) -> list[dict[str, str]]:
    """Return the digests of own code that a study's records have, each once, those of the latest record last."""
    described = (
        [known for record in records(directory) if (known := record.description())] if directory.is_dir() else []
    )
    codes: list[dict[str, str]] = []
    for known in sorted(described, key=lambda known: known["created"], reverse=True):
        if (code := _code_of(known["config"]["digests"])) not in codes:
            codes.insert(0, code)
    return codes


def _code_of(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digests[name] for name in CODES if name in digests}


def _is_done(record: Record) -> bool:
    return record.status() is Status.DONE

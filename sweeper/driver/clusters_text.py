"""What is said of data.cluster before trials are run: how many clusters there are, and which results have none of them.

It changes no training, and so no id: a done trial answers for its command although its predictions lack what is asked.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from shlex import quote

from rich.console import Console

from sweeper.data import Source
from sweeper.data.clusters import cluster_column, cluster_note
from sweeper.data.example_keys import example_key
from sweeper.data.limits import limited
from sweeper.errors import WrongInput
from sweeper.records.record import Record
from sweeper.records.study import Study
from sweeper.report.text import printable
from sweeper.trial.outcome import Status
from sweeper.trial.trial import CLUSTERS, Trial


def check_one_column(trials: Sequence[Trial]) -> None:
    """Raise WrongInput where a command gives one trial several columns: it is trained once, and keeps one of them."""
    first: dict[str, str | None] = {}
    for trial in trials:
        column = cluster_column(trial.data)
        if first.setdefault(trial.id, column) != column:
            both = ",".join("null" if name is None else name for name in (first[trial.id], column))
            raise WrongInput(
                f"data.cluster={both}: it changes no training, and a trial keeps one column's clusters\n"
                "allowed: one column for a whole command"
            )


def print_clusters(study: Study, trials: Sequence[Trial], console: Console) -> None:
    """Print how many clusters each data set has, and how many done trials have kept none of them, or others."""
    by_data: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        column = cluster_column(trial.data)
        if column is not None and CLUSTERS in trial.digests:
            known = trial.choices["data"], column, trial.digests["data"], trial.digests[CLUSTERS]
            by_data.setdefault((*known, trial.data.limit), []).append(trial)
    for (data, *_), alike in by_data.items():
        said = f"data={data}: {cluster_note(alike[0].data)}"
        console.print(printable(said), soft_wrap=True, markup=False, highlight=False)
        content = _content(alike[0].data)
        if lacking := 0 if study.fresh else sum(_lacks(study, trial, content) for trial in alike):
            kept = "1 done trial keeps" if lacking == 1 else f"{lacking} done trials keep"
            column = quote(str(cluster_column(alike[0].data)))
            command = f"python -m sweeper.predictions {quote(str(study.directory))} --cluster {column}"
            _warn(f"{kept} predictions without these clusters; this adds them: {command}", console)
    if by_data and not study.predictions:
        _warn("data.cluster changes nothing: predictions=false keeps nothing that clusters are of", console)


def _warn(line: str, console: Console) -> None:
    console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)


def _content(source: Source) -> bytes:
    """Return test's clusters as predictions hold them: as an array's content."""
    keys = [example_key([name]) for name in limited(source, source.splits())["test"].clusters]
    return struct.pack(f"<{len(keys)}Q", *keys)


def _lacks(study: Study, trial: Trial, content: bytes) -> bool:
    """Whether a trial is done with predictions that have no clusters, or other ones."""
    record = Record(study.directory / trial.name)
    try:
        outcome = record.outcome()
        if outcome is None or outcome.status is not Status.DONE:
            return False
        with zipfile.ZipFile(record.predictions) as archive:  # numpy would take longer to import
            return not archive.read("test_cluster.npy").endswith(content)
    except KeyError:  # there is no such array
        return True
    except (WrongInput, OSError, ValueError, TypeError, zipfile.BadZipFile, zlib.error):  # who reads them says so
        return False

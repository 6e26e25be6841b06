"""What MLflow shows of a study, as plain values: a run for each trial, one for the study with its groups' numbers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeper.analysis.rows import Comparison
from sweeper.records.fingerprints import planned, stat_if_there
from sweeper.records.record import Record, records
from sweeper.report.markup import summary
from sweeper.report.tables.columns import columns
from sweeper.report.text import group_label
from sweeper.trial.outcome import Outcome, Status
from sweeper.trial.settings import FRAMEWORKS

ERROR, GROUP = "error", "group"  # tags
DESCRIPTION = "mlflow.note.content"  # the tag that MLflow shows as a run's description, in Markdown
SOURCES = ("path", "files", "name")  # settings of data, the first that is given tells where it is from
DIGEST_LETTERS = 36  # as many as MLflow keeps
NOT_COMPARED = ("_target_", "preload")  # of a framework: what code it is
GROUPS_SHOWN = 100  # more of them are for the report alone: a store draws a chart for each number
# A study's status is the first of these that one of its trials has.
PRECEDENCE = (
    Status.RUNNING,
    Status.FAILED,
    Status.INTERRUPTED,
    Status.CANCELLED,
    Status.PLANNED,
    Status.DONE,
)
# As MLflow's Metric has it: key, value, milliseconds since 1970, step.
Point = tuple[str, float, int, int]


@dataclass(frozen=True)
class RunContent:
    """What a run shows; times in milliseconds since 1970. `end` is None for what has not ended."""

    name: str
    status: Status
    start: int
    end: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    points: Sequence[Point] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)  # all of them, for a file


@dataclass(frozen=True)
class ShownData:
    """A data set as stores have it; `digest` is the beginning of what its content's digest is."""

    name: str
    digest: str
    source: str


@dataclass(frozen=True)
class Overview:
    """What a store shows of a study beyond its trials.

    `metrics` and `tags` of the study's run; `groups`: each trial's, by its name; `report` writes the study's report
    and returns its directory, whose files become the run's artefacts (None: not this time). `data` are the data sets
    that its trials read.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    report: Callable[[], Path] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    data: tuple[ShownData, ...] = ()

    @classmethod
    def of(cls, comparison: Comparison, report: Callable[[], Path] | None = None) -> Overview:
        """Return the overview of a study; of too many groups there are no metrics, and a tag tells so."""
        number = len(comparison.groups)
        crowded = number > GROUPS_SHOWN
        return cls(
            metrics={} if crowded else dict(_group_metrics(comparison)),
            groups={row.name: group_label(comparison.whole, row.factors) for row in comparison.whole.trials},
            report=report,
            tags={
                DESCRIPTION: summary(comparison),
                "groups": f"{number:,}" + f", more than {GROUPS_SHOWN}: numbers in the report only" * crowded,
            },
            data=_data_of(comparison),
        )


def _data_of(comparison: Comparison) -> tuple[ShownData, ...]:
    """Return the data sets by name and content, each once."""
    found: dict[ShownData, None] = {}
    for row in comparison.groups:
        for config, choice in ((config, row.settings.get("data")) for config in row.configs):
            own = config["data"]
            source = next((str(own[key]) for key in SOURCES if own.get(key)), own.get("_target_", ""))
            digest = config.get("digests", {}).get("data", "")
            found.setdefault(ShownData(str(choice or "data"), digest[:DIGEST_LETTERS], source))
    return tuple(found)


def _group_metrics(comparison: Comparison) -> Iterator[tuple[str, float]]:
    """Yield groups/GROUP/n and groups/GROUP/SET_METRIC_{mean,sd,low,high} at the best epochs, shares as shares of 1."""
    measured = columns(comparison)
    for row in comparison.groups:
        prefix = f"groups/{group_label(comparison, row.factors)}"
        yield f"{prefix}/n", float(len(row.counted))
        for split in measured.sets:
            for metric in (row.metric, *measured.more):
                summary = getattr(row if metric == row.metric else row.others.get(metric), split, None)
                for name in ("mean", "sd", "low", "high"):
                    if (value := getattr(summary, name, None)) is not None:
                        yield f"{prefix}/{split}_{metric}_{name}", value


def trial_runs(study: Path, groups: Mapping[str, str]) -> tuple[dict[str, Record], dict[str, RunContent]]:
    """Return a study's records and what their runs show by instance, with the `groups` that they belong to.

    A trial that was made again keeps its id, but is another instance, and so another run.
    """
    current, contents = {}, {}
    for record in records(study):
        description = record.description()
        if description is not None:  # else put aside this moment
            name = f"{description['id']} {description['created']!r}"
            current[name], contents[name] = record, _trial_run(record, description, groups.get(record.path.name))
    return current, contents


def _trial_run(record: Record, description: Mapping[str, Any], group: str | None) -> RunContent:
    """Derive a trial's run from its record, whose trial.json is `description`."""
    status, outcome = record.status_and_outcome()
    ended = stat_if_there(record.path / "outcome.json") if outcome else None
    launch = description["provenance"]["launches"][-1]
    known = {
        "mlflow.source.name": launch.get("command"),  # under these names MLflow shows command and code
        "mlflow.source.git.commit": launch.get("code", {}).get("commit"),
        ERROR: f"{outcome.error.type}: {outcome.error.message}" if outcome and outcome.error else None,
        GROUP: group,
    }
    tags = {key: str(value) for key, value in description["choices"].items()}
    tags |= {"status": status.value, "sweeper.id": description["id"]}
    return RunContent(
        name=record.path.name,
        status=status,
        start=milliseconds(description["created"]),
        end=milliseconds(ended.st_mtime) if ended else None,
        tags=tags | {key: value for key, value in known.items() if value},
        params=dict(_leaves(_of_own_framework(description["config"]))),
        settings=description["config"],
        points=_points(record, outcome, description["created"]),
    )


def _points(record: Record, outcome: Outcome | None, created: float) -> list[Point]:
    """Return a trial's metrics at their steps, then its best epoch's as best/…, stamped as that epoch was.

    The latter at step 0, which MLflow draws as bars beside each other and not as curves of one point.
    """
    events = record.metrics()
    found = [(event.key, event.value, milliseconds(event.time), event.step) for event in events]
    if outcome is None or outcome.best is None:
        return found
    best = outcome.best
    stamp = milliseconds(max((event.time for event in events if event.step == best.step), default=created))
    values = {**best.metrics, "epoch": float(best.epoch), "step": float(best.step)}
    return found + [(f"best/{key}", value, stamp, 0) for key, value in values.items()]


def study_run(study: Path, trials: Sequence[RunContent], tags: Mapping[str, str]) -> RunContent:
    """Derive the study's own run from its trials' runs and the plan, with more `tags`."""
    counts = Counter(trial.status for trial in trials)
    counts[Status.PLANNED] = len(planned(study, {trial.name: trial for trial in trials}))
    present = [status for status in PRECEDENCE if counts[status]]
    ends = [trial.end for trial in trials if trial.end is not None]
    ended = trials and len(ends) == len(trials) and not counts[Status.PLANNED]
    status = present[0] if present else Status.PLANNED
    summary = ", ".join(f"{counts[status]} {status}" for status in present)
    return RunContent(
        name=study.resolve().name,
        status=status,
        start=min((trial.start for trial in trials), default=milliseconds(time.time())),
        end=max(ends) if ended else None,
        tags={"status": status.value, "trials": summary, **tags},
    )


def _of_own_framework(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a trial's framework reads, and that can be compared between trials.

    Those of other frameworks, of pretraining that did not happen, and digests are in the file of all settings.
    """
    own = config["framework"]
    foreign = {*FRAMEWORKS, "pretraining"} - {own["name"]}
    kept = {key: value for key, value in own.items() if key not in foreign and key not in NOT_COMPARED}
    made_here = config["model"]["pretrained"] and config["model"].get("path") is None
    shape = {key: value for key, value in config["arch"].items() if key != "pretraining" or made_here}
    return {key: value for key, value in config.items() if key != "digests"} | {"framework": kept, "arch": shape}


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield a nested value's leaves as texts, with dotted keys."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def milliseconds(seconds: float) -> int:
    """Seconds since 1970 in MLflow's unit."""
    return round(seconds * 1000)

"""All rows of a comparison as JSON, for programs; the keys are stable, and `schema` counts their changes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from sweeper.analysis.blocks import rank_rows
from sweeper.analysis.contrasts import contrasts
from sweeper.analysis.costs import cost_rows
from sweeper.analysis.differences import difference_rows
from sweeper.analysis.pairs import number_of_pairs
from sweeper.analysis.reference_rows import reference_epoch_rows, reference_rows
from sweeper.analysis.rows import Comparison, GroupRow
from sweeper.analysis.statistics import CONFIDENCE
from sweeper.analysis.variance import spread_rows
from sweeper.analysis.verdicts import Decision
from sweeper.records.files import encode_number
from sweeper.report.headline import question, rule, verdict
from sweeper.report.notes import notes
from sweeper.report.ranking import rankings
from sweeper.report.sentences import PAIRS_SHOWN
from sweeper.trial.trial import plain

SCHEMA = 3
# What rows hold for other tables alone.
UNLISTED = ("order", "counted", "members", "settings", "configs", "pair", "twins", "verdict", "texts", "over_texts")
CONVENTIONS = """\
A summary has n, mean, sd (n − 1), median, minimum, maximum, and the bounds low and high of the mean's interval; where
seeds are crossed, error and degrees of freedom of the mean of the largest complete table.
null: not known; nan and infinity are strings, as in records."""


def json_text(comparison: Comparison, name: str) -> str:
    """Return all rows as JSON, by the keys of `KEYS`."""
    content = {"schema": SCHEMA, "study": name} | {key: values(comparison) for key, (_, values) in KEYS.items()}
    try:
        return _dumped(content)
    except ValueError:  # a number that JSON does not have
        return _dumped(_finite(content))


def _dumped(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(comparison: Comparison, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return rows as plain values, their factors by name."""
    return [_values(row) | {"factors": dict(zip(comparison.factors, row.factors, strict=True))} for row in rows]


def _values(row: Any) -> dict[str, Any]:
    found = {item.name: plain(getattr(row, item.name)) for item in fields(row) if item.name not in UNLISTED}
    if not isinstance(row, GroupRow):
        return found
    return found | {name: [member.name for member in getattr(row, name)] for name in ("counted", "collapsed")}


def _pair_rows(comparison: Comparison, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return rows of pairs of groups as plain values, with those factors only that both groups have in common."""
    return [
        row | {"factors": {name: value for name, value in row["factors"].items() if name != row["factor"]}}
        for row in _rows(comparison, rows)
    ]


def _comparisons(comparison: Comparison) -> list[dict[str, Any]]:
    few = number_of_pairs(comparison) <= PAIRS_SHOWN  # what could be shown takes a while to find
    return [
        row
        | {
            "better": {Decision.FIRST: "first", Decision.SECOND: "second"}.get(one.verdict.decision),
            "decision": one.verdict.decision.value,
            "detectable": one.verdict.detectable if few else None,
            "speaks_for": one.verdict.speaks_for.value,
            "lacks": one.verdict.lacks,
        }
        for one, row in zip(contrasts(comparison), _pair_rows(comparison, contrasts(comparison)), strict=True)
    ]


def _ranking_rows(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "block": item.name,
            "group": label,
            "factors": dict(zip(comparison.factors, row.factors, strict=True)),
            "metric": item.metric,
            "mean": place.mean,
            "rank": place.rank,
            "letters": place.letters,
        }
        for item in rankings(comparison)
        for label, row, place in zip(item.labels, item.groups, item.block.places, strict=True)
    ]


def _finite(value: Any) -> Any:
    """Replace numbers that JSON does not have by strings, at any depth."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return encode_number(value) if isinstance(value, float) and not math.isfinite(value) else value


# After schema and study: what each key holds, and how that is made.
KEYS: Mapping[str, tuple[str, Callable[[Comparison], Any]]] = {
    "factors": ("what tells groups apart, as named on the command line", lambda own: own.factors),
    "roles": ("what is done with each factor: compared, blocks, nuisance, tuned", lambda own: plain(own.roles)),
    "metrics": ("those that select the epoch; shares are of 1", lambda own: own.metrics),
    "split": ("the set that groups are compared on: test, or validation without a test set", lambda own: own.split),
    "question": ("what the comparison asks", question),
    "verdict": ("the answer, a text a block of groups that are compared", verdict),
    "rule": ("when one group is said to beat another", rule),
    "notes": ("what a reader must know, a text each", notes),
    "trials": (
        "a row a trial at its best epoch; collapse: by what validation shows that it learned nothing",
        lambda own: _rows(own.whole, own.whole.trials),
    ),
    "epochs": ("a row a group and epoch: summaries of validation and test", lambda own: _rows(own, own.epochs)),
    "groups": (
        "a row a group at its trials' best epochs: summaries, names of the trials that are counted, what is missing"
        " and why, what its trials differ in (differing), which of them are the same trial (repeated), whether they"
        " are independent, without which there is no interval and no test, which of them have collapsed, and the most"
        " frequent class's share of each set (majority)",
        lambda own: _rows(own, own.groups),
    ),
    "differences": (
        "a row a pair of groups that differ in one factor, its values first and second: difference of means"
        " (first − second) on each set and metric with the bounds low and high of the interval, simultaneous for"
        " all comparisons of the factor in the block: of Welch, or on the compared set for new texts, too",
        lambda own: _pair_rows(own, difference_rows(own)),
    ),
    "comparisons": (
        "of the same pairs on split, in the selection metric: difference by itself, uncorrected; p and low and high of"
        " the interval, corrected for the family of so many contrasts of this factor in this block; better (first,"
        " second, or null where they cannot be told apart), decision (why, a text) and detectable, the difference that"
        " so many seeds show with 80 % power; speaks_for (a text): for new texts too, and over_seeds has the same for"
        " new seeds alone, or lacks says why not; test (exact p, labellings, whether all were counted, smallest p that"
        " is possible), holm_p (the same corrected for the family), greater (probability that first > second),"
        " hedges_g,"
        " seeds_for_test, seeds_for_family (Holm's correction included), seeds_for_power, and paired: the same seed by"
        " seed, null where seeds do not fix the same order of examples",
        _comparisons,
    ),
    "ranking": (
        "a row a group, the best mean first: its block, rank, and letters, of which groups that cannot be told apart"
        " share one",
        _ranking_rows,
    ),
    "grid": (
        "where settings are tuned: a row a group and value, its validation, and whether it was chosen",
        lambda own: _rows(own, own.grid.rows) if own.grid else [],
    ),
    "choices": (
        "of the same groups what validation chose: values of the tuned settings, how many were tried, those at an end",
        lambda own: _rows(own, own.grid.choices) if own.grid else [],
    ),
    "ranks": ("over several blocks: a row a value of what is compared", lambda own: list(map(_values, rank_rows(own)))),
    "confidence": ("of all intervals", lambda _: CONFIDENCE),
    "spread": (
        "a row a group whose seeds and data seeds are crossed: variances by cause",
        lambda own: _rows(own, spread_rows(own)),
    ),
    "reference": ("published numbers beside those here", lambda own: _rows(own, reference_rows(own))),
    "reference_epochs": ("the same epoch by epoch", lambda own: _rows(own, reference_epoch_rows(own))),
    "cost": ("a row a group", lambda own: _rows(own, cost_rows(own))),
    "provenance": (
        "launches that are alike: command, directory, code, host, versions, their number",
        lambda own: [_values(launch) | {"launches": count} for launch, count in own.launches],
    ),
    "planned": ("names of trials that have no record yet", lambda own: own.planned),
}

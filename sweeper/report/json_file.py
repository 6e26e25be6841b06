"""All rows of a comparison as JSON, for programs; the keys are stable, and `schema` counts their changes.

    schema, study, factors        what tells groups apart, as named on the command line
    metrics                       those that select the epoch; shares are of 1
    split                         the set that groups are compared on: test, or validation where there is no test set
    notes                         what a reader must know, a text each
    trials                        a row a trial at its best epoch
    epochs                        a row a group and epoch: summaries of validation and test
    groups                        a row a group at its trials' best epochs: summaries, names of the trials that are
                                  `counted`, what is missing and why, what its trials differ in (`differing`), which of
                                  them are the same trial (`repeated`), and whether they are `independent`, without
                                  which there is no interval and no test
    differences                   a row a pair of groups that differ in one `factor`, its values `first` and `second`:
                                  `difference` of means (first − second) on each set and metric with the bounds `low`
                                  and `high` of Welch's interval of `confidence`
    comparisons                   of the same pairs on `split`, in the selection metric: `difference` again, `test` (p,
                                  labellings, whether all were counted, smallest p that is possible), `holm_p`,
                                  `greater` (probability that first > second), `hedges_g`, `seeds_for_test`,
                                  `seeds_for_family` (Holm's correction included), `seeds_for_power`, and `paired`:
                                  the same seed by seed, null where seeds do not fix the same order of examples
    spread                        a row a group whose seeds and data seeds are crossed: variances by cause
    reference, reference_epochs   published numbers beside those here
    cost                          a row a group
    provenance                    launches that are alike: command, directory, code, host, versions, their number
    planned                       names of trials that have no record yet

A summary has n, mean, sd (n − 1), median, minimum, maximum, and the bounds `low` and `high` of the mean's t interval.
null: not known; nan and infinity are strings, as in records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from sweeper.analysis.pairs import contrasts, difference_rows
from sweeper.analysis.reference_rows import reference_epoch_rows, reference_rows
from sweeper.analysis.rows import Comparison, GroupRow, cost_rows
from sweeper.analysis.statistics import CONFIDENCE
from sweeper.analysis.variance import spread_rows
from sweeper.records.files import encode_number
from sweeper.report.notes import notes
from sweeper.trial.trial import plain

SCHEMA = 2
# What rows hold for other tables alone.
UNLISTED = ("order", "counted", "members", "settings", "configs", "pair")


def json_text(comparison: Comparison, name: str) -> str:
    """Return all rows as JSON; see this module's docstring for its keys."""
    content = {
        "schema": SCHEMA,
        "study": name,
        "factors": comparison.factors,
        "metrics": comparison.metrics,
        "split": comparison.split,
        "notes": notes(comparison),
        "trials": rows_of(comparison, comparison.trials),
        "epochs": rows_of(comparison, comparison.epochs),
        "groups": rows_of(comparison, comparison.groups),
        "differences": pair_rows(comparison, difference_rows(comparison)),
        "comparisons": pair_rows(comparison, contrasts(comparison)),
        "confidence": CONFIDENCE,
        "spread": rows_of(comparison, spread_rows(comparison)),
        "reference": rows_of(comparison, reference_rows(comparison)),
        "reference_epochs": rows_of(comparison, reference_epoch_rows(comparison)),
        "cost": rows_of(comparison, cost_rows(comparison)),
        "provenance": [row_values(launch) | {"launches": count} for launch, count in comparison.launches],
        "planned": comparison.planned,
    }
    return json.dumps(finite(plain(content)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def rows_of(comparison: Comparison, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return rows as plain values, their factors by name."""
    return [row_values(row) | {"factors": dict(zip(comparison.factors, row.factors, strict=True))} for row in rows]


def row_values(row: Any) -> dict[str, Any]:
    """Return a row's own values as plain ones."""
    found = {item.name: plain(getattr(row, item.name)) for item in fields(row) if item.name not in UNLISTED}
    return found | ({"counted": [member.name for member in row.counted]} if isinstance(row, GroupRow) else {})


def pair_rows(comparison: Comparison, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return rows of pairs of groups as plain values, with those factors only that both groups have in common."""
    found = rows_of(comparison, rows)
    return [
        row | {"factors": {name: value for name, value in row["factors"].items() if name != row["factor"]}}
        for row in found
    ]


def finite(value: Any) -> Any:
    """Replace numbers that JSON does not have by strings, at any depth."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return encode_number(value) if isinstance(value, float) and not math.isfinite(value) else value
